"""surface: whatever is handed in as a document, what is handed out again can do nothing (PROMISES 12)."""

import random
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from portal.models.files import StoredFile
from portal.services.documents import CleanDocument
from tests.harness.report import FULL, table
from tests.support import documents, people
from tests.support.families import BrokerageClient, read

pytestmark = pytest.mark.harness

SEED = 1_204
DAMAGED = 400 if FULL else 8
#: What must not be in anything that is handed out.
ACTIVE = (b"<script", b"<svg", b"<html", b"javascript:", b"/JavaScript", b"/JS", b"/OpenAction", b"/Launch", b"/EmbeddedFile",
          b"PK\x03\x04", b"MZ not", b"<?php", b"Exif", b"SecretCamera", b"evil.example", b"#!/")  # fmt: skip
NAMES = (
    "photo.jpg",
    "../../etc/passwd",
    "a.php.jpg",
    "x.svg",
    "page.html",
    "é" * 200,
    'x"; filename="y.svg',
    "CON",
    ".htaccess",
)


def corpus(chance: random.Random) -> list[tuple[str, bytes]]:
    """Documents that lie: pages in pictures, archives behind them, scripts in PDFs, bombs, and honest ones that were damaged."""
    photo, page = documents.jpeg(), b"<html><script>alert(1)</script></html>"
    made = [
        ("honest photo", photo), ("honest png", documents.png()), ("honest pdf", documents.pdf()),
        ("place in EXIF", documents.jpeg_with_place()), ("photo that is a page", documents.jpeg_that_is_also_html()),
        ("page behind a photo", photo + page), ("archive behind a photo", photo + b"PK\x03\x04" + b"x" * 100),
        ("page behind a png", documents.png() + page), ("script in a pdf", documents.scripted_pdf()),
        ("page before a pdf", page + documents.pdf()), ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("svg with a png's head", b"\x89PNG\r\n\x1a\n<svg onload=alert(1)>"), ("page", page), ("php", b"<?php system($_GET[0]); ?>"),
        ("gif that is a script", b"GIF89a/*" + b"x" * 20 + b"*/=1;alert(1)"), ("bomb", documents.png_bomb()),
        ("locked pdf", documents.pdf(password="1")), ("nothing", b""), ("a byte too many", photo + b"\0" * documents.FIVE_MB),
        ("program", b"MZ not a picture"), ("shell", b"#!/bin/sh\nid\n"), ("zip", b"PK\x03\x04" + b"\0" * 50),
        ("photo with a commented script", documents.jpeg(comment=b"<?php eval($_POST[0]); ?>")),
    ]  # fmt: skip
    for number in range(DAMAGED):
        name, content = chance.choice(made[:11])
        damaged = bytearray(content)
        for _ in range(chance.randrange(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        made.append(
            (
                f"{name}, damaged {number}",
                bytes(damaged[: chance.randrange(1, len(damaged) + 1)] if number % 3 else damaged),
            )
        )
    return made


def hand_in(app: Flask, made: list[tuple[str, bytes]], chance: random.Random) -> tuple[int, int, list[str]]:
    """Hands everything in at the brokerage door and looks at what comes back: (taken, refused, what is wrong)."""
    portal = app.extensions["portal"]
    person = people.customer(portal, kyc_level=1)
    client, page = BrokerageClient(app, person.token), app.test_client()
    page.set_cookie("token", person.token)
    taken = refused = 0
    wrong: list[str] = []
    for name, content in made:
        form = {"type": "1", "file": (BytesIO(content), chance.choice(NAMES))}
        said = read(client.call("POST", "/kyc/image", data=form, content_type="multipart/form-data"))
        if said["code"] != 1:
            refused += 1
            if said["code"] != -2:
                wrong.append(f"{name}: refused as {said['code']}")
            continue
        taken += 1
        found = portal.db.read(_newest)
        wrong += [f"{name}: {problem}" for problem in problems(page.get(f"/kyc/files/{found.public_id}"))]
        sealed = portal.ports.files.get(found.name)
        if any(mark in sealed for mark in ACTIVE) or sealed == content:
            wrong.append(f"{name}: lies open in the store")
    return taken, refused, wrong


def _newest(session: Any) -> Any:
    return session.scalars(sa.select(StoredFile).order_by(StoredFile.id.desc()).limit(1)).one()


def problems(answer: Any) -> list[str]:
    """What a browser could be made to do with what was handed out."""
    found = [f"still holds {mark!r}" for mark in ACTIVE if mark in answer.data]
    if answer.status_code != 200:
        found.append(f"answered {answer.status_code}")
    if answer.mimetype not in ("image/jpeg", "image/png", "application/pdf"):
        found.append(f"handed out as {answer.mimetype}")
    if answer.mimetype == "application/pdf" and not answer.headers["Content-Disposition"].startswith("attachment"):
        found.append("a PDF that opens by itself")
    if answer.mimetype.startswith("image/") and not _is_picture(answer.data):
        found.append("no picture, though handed out as one")
    if answer.headers.get("X-Content-Type-Options") != "nosniff" or "sandbox" not in answer.headers.get(
        "Content-Security-Policy", ""
    ):
        found.append("handed out without its headers")
    return found


def _is_picture(content: bytes) -> bool:
    try:
        Image.open(BytesIO(content)).load()
    except (OSError, ValueError):
        return False
    return True


def test_nothing_that_was_handed_in_is_handed_out_active(sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(SEED)
    made = corpus(chance)
    taken, refused, wrong = hand_in(sqlite_app, made, chance)
    table("surface: uploads", seed=SEED, handed_in=len(made), taken=taken, refused=refused, active=len(wrong))
    assert not wrong, "\n".join(wrong[:20])
    assert taken >= 6 and refused >= 8
    # A build that keeps documents as they came is caught.
    monkeypatch.setattr("portal.api.brokerage.kyc.clean_document", _as_it_came)
    assert hand_in(sqlite_app, made[:10], chance)[2]


def _as_it_came(content: bytes, **_: Any) -> CleanDocument:
    kind = "application/pdf" if b"%PDF" in content[:20] else "image/jpeg"
    return CleanDocument(content, kind)
