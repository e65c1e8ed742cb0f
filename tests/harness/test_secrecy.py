"""surface: nobody learns at a door whether an account exists, by body, status or time (PROMISES 10)."""

import gc
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from unittest import mock

import pytest
from flask import Flask

from portal.services import passwords
from tests.harness.report import FULL, table
from tests.support import people
from tests.support.client import PageClient

pytestmark = pytest.mark.harness

SEED = 1_010
LIMIT = 0.55
#: Samples of each side per round; a door whose figure is unclear is measured for more rounds, all of them pooled.
SAMPLES = 250 if FULL else 4
ROUNDS = 6 if FULL else 1
_addresses = count(1)
_names = count(1)


@dataclass
class Known:
    """Somebody who has an account, or nobody of the same look."""

    name: str
    email: str
    phone: str


@dataclass
class Door:
    """What strangers are answered: (body and status, nanoseconds), for accounts that exist and that do not."""

    name: str
    knock: Callable[[Known, str], Any]
    said: dict[bool, list[tuple[str, int]]] = field(default_factory=lambda: {True: [], False: []})

    def auc_of_body(self) -> float:
        """How well the best guesser tells the sides apart by status and body."""
        counts = {side: Counter(text for text, _ in heard) for side, heard in self.said.items()}
        total = len(self.said[True])
        apart = sum(abs(counts[True][text] - counts[False][text]) for text in counts[True] | counts[False]) / 2
        return 0.5 + apart / total / 2

    def auc_of_time(self) -> float:
        """How well the longer of two answers tells the sides apart, whichever side it is (Mann and Whitney)."""
        marked = sorted((moment, side) for side, heard in self.said.items() for _, moment in heard)
        ranks = sum(rank for rank, (_, side) in enumerate(marked, 1) if side)
        yes, no = len(self.said[True]), len(self.said[False])
        auc = (ranks - yes * (yes + 1) / 2) / (yes * no)
        return max(auc, 1 - auc)


def doors(app: Flask) -> list[Door]:
    """Every door that takes the name, mail address or number of an account from a stranger."""
    raw = app.test_client(use_cookies=False)
    page = PageClient(app)
    token = {
        path: str(page.page(path).form(action).values["csrf_token"]) for path, action in (("/login", "/login"), ("/forgot", "/forgot"))
    }  # fmt: skip

    def post(path: str, body: dict[str, Any]) -> Callable[[Known, str], Any]:
        def knock(who: Known, address: str) -> Any:
            filled = {name: getattr(who, value[1:]) if value[:1] == "$" else value for name, value in body.items()}
            return raw.post(path, json=filled, environ_base={"REMOTE_ADDR": address})

        return knock

    def form(path: str, name: str, **more: str) -> Callable[[Known, str], Any]:
        def knock(who: Known, address: str) -> Any:
            data = {name: who.email, "csrf_token": token[path], **more}
            headers = {"Sec-Fetch-Site": "same-origin"}
            return page.raw.post(path, data=data, headers=headers, environ_base={"REMOTE_ADDR": address})

        return knock

    wrong, digest = "not the password 9", passwords.digest_of("not the password 9")
    return [
        Door("sign-in, brokerage", post("/v1/login", {"loginName": "$name", "password": digest})),
        Door("sign-in, voucher", post("/api/v1/login", {"email": "$email", "password": wrong, "user_source": "tungkai"})),
        Door("sign-in, page", form("/login", "login_name", password=wrong)),
        Door("code, brokerage", post("/v1/apply_verification_code", {"loginName": "$email"})),
        Door("reset by a code, brokerage", post("/v1/user/forget_password", {"loginName": "$email", "code": "000000", "password": digest})),
        Door("forgotten, voucher", post("/api/v1/forgot-password", {"email": "$email", "user_source": "tungkai"})),
        Door("reset by a token, voucher", post("/api/v1/reset-password", {"email": "$email", "token": "x" * 64, "password": wrong, "password_confirmation": wrong})),
        Door("forgotten, page", form("/forgot", "login_name")),
        Door("register a phone, voucher", post("/api/v1/register/register_phone", {"phone": "$phone", "user_source": "tungkai"})),
    ]  # fmt: skip


def somebody(portal: Any, exists: bool) -> Known:
    number = next(_names)
    if exists:
        person = people.customer(portal, f"soul{number:05d}")
        return Known(person.username, person.email, person.phone)
    return Known(f"soul{number:05d}", f"soul{number:05d}@example.com", f"+88697{number:07d}")


def measure(portal: Any, door: Door, chance: random.Random, samples: int) -> None:
    """So many knocks for each side, in a random order, each from an address of its own."""
    sides = [True, False] * samples
    chance.shuffle(sides)
    prepared = [(exists, somebody(portal, exists)) for exists in sides]
    gc.collect()
    gc.disable()
    try:
        for exists, who in prepared:
            number = next(_addresses)
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            began = time.perf_counter_ns()
            answer = door.knock(who, address)
            took = time.perf_counter_ns() - began
            door.said[exists].append((f"{answer.status_code} {_plain(answer.get_data(as_text=True), who)}", took))
    finally:
        gc.enable()


def _plain(text: str, who: Known) -> str:
    """A body without what was typed in, moments, tokens and nonces."""
    for own in (who.name, who.email, who.phone):
        text = text.replace(own, "…")
    try:
        said = json.loads(text)
    except ValueError:
        return re.sub(r'(nonce|value|content|data-[a-z-]+|id|href|src)="[^"]*"', r"\1", text)
    if isinstance(said, dict):
        said = {name: value for name, value in said.items() if name not in ("time", "timestamp")}
    return re.sub(r"\d{10,}", "…", json.dumps(said, sort_keys=True))


def test_no_door_tells_whether_an_account_exists(sqlite_app: Flask) -> None:
    portal, chance = sqlite_app.extensions["portal"], random.Random(SEED)
    figures: dict[str, str] = {}
    loud: list[str] = []
    for door in doors(sqlite_app):
        measure(portal, door, chance, 5 if FULL else 1)
        door.said = {True: [], False: []}
        for _ in range(ROUNDS):
            measure(portal, door, chance, SAMPLES)
            if door.auc_of_time() <= LIMIT:
                break
        body, took = door.auc_of_body(), door.auc_of_time()
        status = next(iter(Counter(text[:3] for text, _ in door.said[False])))
        figures[door.name] = f"status {status}, body {body:.3f}, time {took:.3f} of {len(door.said[True])}"
        if body > LIMIT:
            loud.append(f"{door.name} by its body: {door.said[True][0][0][:200]} / {door.said[False][0][0][:200]}")
        # A handful of samples says something about bodies, and about time only when it is glaring.
        if took > (LIMIT if FULL else 1):
            loud.append(f"{door.name} by its time: {took:.3f}")
    table(
        "surface: does an account exist? (area under the curve, 0.5 is a guess)", seed=SEED, **figures, told=len(loud)
    )
    assert not loud, "\n".join(loud)


def test_a_build_that_looks_first_and_reckons_afterwards_is_caught(sqlite_app: Flask) -> None:
    """The usual mistake: a password is only reckoned when there is one to compare with."""
    portal = sqlite_app.extensions["portal"]
    usual = passwords.matches

    def hasty(session: Any, stored: str | None, digest: str) -> bool:
        return stored is not None and usual(session, stored, digest)

    door = doors(sqlite_app)[0]
    with mock.patch.object(passwords, "matches", hasty):
        measure(portal, door, random.Random(SEED), 6)
    assert door.auc_of_time() > 0.9
