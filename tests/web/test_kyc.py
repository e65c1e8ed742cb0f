"""The identity check on its pages: the whole way without JavaScript, mistakes beside their fields, nothing foreign shown."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from portal.services import files, kyc
from tests.support import documents, identities, people
from tests.support.client import PageClient
from tests.support.pages import Page

Visitor = Callable[..., PageClient]


def signed_in(visitor: Visitor, person: people.Person, language: str = "en") -> PageClient:
    client = visitor(language)
    client.raw.set_cookie("token", person.token)
    return client


@pytest.fixture
def newcomer(portal: Any) -> people.Person:
    return people.customer(portal, kyc_level=0)


def photo(content: bytes | None = None, name: str = "photo.jpg") -> dict[str, Any]:
    return {"file": (BytesIO(content if content is not None else documents.jpeg()), name)}


def fill_identity(client: PageClient, **changes: str) -> Page:
    entries = {"name": "林自得", "gender": "1", "birthday": "1990/05/31", "identityNumber": identities.fresh_number()}
    return client.submit("/kyc/identity", "/kyc/identity", **{**entries, **changes})


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_whole_way_on_the_pages(
    app: Flask, portal: Any, visitor: Visitor, newcomer: people.Person, language: str
) -> None:
    client = signed_in(visitor, newcomer, language)
    home = client.page("/kyc")
    assert home.one("a.button.large")["href"] == "/kyc/identity"
    page = fill_identity(client)
    phone = identities.fresh_phone()
    page = client.submit(page, "/kyc/phone", mobilePhone=phone)
    page = client.submit(page, "/kyc/phone/code", code=identities.sent_code(portal, app, phone))
    assert portal.db.read(kyc.standing, newcomer.id).level == 1
    page = client.page(page.one("a.button.large")["href"])
    for slug in ("id-front", "id-back", "selfie", "second-id", "address"):
        assert page.form(having="file").action == f"/kyc/documents/{slug}"
        page = client.submit(page, having="file", files=photo())
    assert page.url == "/kyc/questions"
    answers = {"q1": "other", "q1_words": "savings", "q2": "no", "q3": "over_3", "q4": "over_100"}
    page = client.submit(page, "/kyc/questions", **answers)
    assert "data-live" in str(page.one("#kyc-standing"))
    portal.db.transact(kyc.decide, newcomer.id, 2, kyc.APPROVE, actor="staff:1")
    page = client.page("/kyc")
    assert page.one("a.button.large")["href"] == "/kyc/bank"
    page = client.submit("/kyc/bank", "/kyc/bank", code="809", status=200)
    page = client.submit(
        page, having="account", branch="0094", account="0000-1384-9230-45", files=photo(documents.pdf())
    )
    assert portal.db.read(kyc.case, newcomer.id).bank_account.account == "00001384923045"
    portal.db.transact(kyc.decide, newcomer.id, 3, kyc.APPROVE, actor="staff:1")
    page = client.page("/kyc")
    assert not page.all("a.button.large")
    assert "****3045" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/kyc",
        "/kyc/levels",
        "/kyc/identity",
        "/kyc/phone",
        "/kyc/phone/code",
        "/kyc/documents/selfie",
        "/kyc/questions",
        "/kyc/bank",
    ],
)
def test_a_stranger_is_sent_to_sign_in(client: PageClient, path: str) -> None:
    client.page(path, 303)
    assert client.last is not None
    assert client.last.headers["Location"].startswith("/login?next=/kyc")


@pytest.mark.parametrize(
    "path", ["/kyc/phone", "/kyc/phone/code", "/kyc/documents/selfie", "/kyc/questions", "/kyc/bank"]
)
def test_a_step_that_is_not_open_leads_back(visitor: Visitor, newcomer: people.Person, path: str) -> None:
    client = signed_in(visitor, newcomer)
    client.page(path, 303)
    assert client.last is not None
    assert client.last.headers["Location"] == "/kyc"


def test_finished_steps_lead_back(app: Flask, visitor: Visitor) -> None:
    client = signed_in(visitor, identities.applied_level_2(app))
    for path in ("/kyc/identity", "/kyc/phone", "/kyc/documents/selfie", "/kyc/questions", "/kyc/bank"):
        client.page(path, 303)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "林123", "Write your name"),
        ("gender", "", "Please choose what your document says."),
        ("birthday", "31.5.1990", "Enter the day as year"),
        ("identityNumber", "A123456788", "This is not a number"),
        ("name", "<script>alert(1)</script>", "Write your name"),
    ],
)
def test_a_mistake_stands_beside_its_field_and_the_rest_is_kept(
    visitor: Visitor, newcomer: people.Person, field: str, value: str, message: str
) -> None:
    client = signed_in(visitor, newcomer)
    entries = {"name": "林自得", "gender": "1", "birthday": "1990/05/31", "identityNumber": "A123456789", field: value}
    page = client.submit("/kyc/identity", "/kyc/identity", status=422, **entries)
    assert message in page.words(f"#{field}-error")
    for name, kept in entries.items():
        if name != "gender":
            assert page.one(f"#{name}")["value"] == kept
    assert portal_standing(client, newcomer).number is None


def portal_standing(client: PageClient, person: people.Person) -> kyc.Standing:
    found: kyc.Standing = person.portal.db.read(kyc.standing, person.id)
    return found


def test_all_mistakes_are_shown_at_once(visitor: Visitor, newcomer: people.Person) -> None:
    client = signed_in(visitor, newcomer)
    page = client.submit("/kyc/identity", "/kyc/identity", status=422, name="", birthday="x", identityNumber="1")
    assert len(page.all(".error-summary a")) == 4


def test_wrong_phone_and_wrong_code_are_said(
    app: Flask, portal: Any, visitor: Visitor, newcomer: people.Person
) -> None:
    client = signed_in(visitor, newcomer)
    page = fill_identity(client)
    page = client.submit(page, "/kyc/phone", status=422, mobilePhone="02-2312-3456")
    assert "real mobile number" in page.words("#mobilePhone-error")
    phone = identities.fresh_phone()
    page = client.submit(page, "/kyc/phone", mobilePhone=phone)
    assert phone[-3:] in page.text and phone not in page.text.replace(" ", "")
    page = client.submit(
        page,
        "/kyc/phone/code",
        status=422,
        code="000000" if identities.sent_code(portal, app, phone) != "000000" else "1",
    )
    assert "not right" in page.words("#code-error")
    again = client.submit(page, "/kyc/phone/code", status=422, code="")
    client.submit("/kyc/phone", "/kyc/phone", mobilePhone=phone)
    assert again.errors


def test_a_taken_phone_is_told(app: Flask, visitor: Visitor, newcomer: people.Person) -> None:
    owner = identities.at_level_1(app)
    client = signed_in(visitor, newcomer)
    page = client.submit(fill_identity(client), "/kyc/phone", status=422, mobilePhone=owner.phone)
    assert "another account" in page.words("#mobilePhone-error")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Choose or take a photo"),
        (b"<svg onload='alert(1)'/>", "cannot be used"),
        (documents.png_bomb(), "cannot be used"),
        (documents.jpeg() + b"\x00" * documents.FIVE_MB, "too large"),
    ],
)
def test_a_bad_file_is_said_beside_its_field(app: Flask, visitor: Visitor, content: bytes, message: str) -> None:
    client = signed_in(visitor, identities.at_level_1(app))
    page = client.submit("/kyc/documents/id-front", having="file", status=422, files=photo(content, "photo.png"))
    assert message in page.words("#file-error")


def test_questions_left_open_are_named(app: Flask, visitor: Visitor) -> None:
    client = signed_in(visitor, identities.at_level_1(app))
    page = client.submit(
        "/kyc/questions", "/kyc/questions", status=422, q1="other", q2="no", q3="over_3", q4="over_100"
    )
    assert page.words("#q1_words-error") == "Please answer this question."
    page = client.submit(page, "/kyc/questions", status=422, q1="payment", q2="no", q3="over_3", q4="over_100")
    assert "A document is still missing." in page.text
    assert len(page.all("a[href^='/kyc/documents/']")) == 5


def test_a_rejection_shows_its_reasons_and_asks_only_for_what_was_rejected(
    app: Flask, portal: Any, visitor: Visitor
) -> None:
    person = identities.applied_level_2(app)
    papers = {kyc.SELFIE: "Your <b>face</b> is not sharp."}
    portal.db.transact(
        kyc.decide, person.id, 2, kyc.REJECT, actor="staff:1", reason="One photo again, please.", documents=papers
    )
    client = signed_in(visitor, person)
    page = client.page("/kyc")
    assert "One photo again, please." in page.text
    assert "Your <b>face</b> is not sharp." in page.text
    assert [link["href"] for link in page.all("main a.button.small")] == ["/kyc/documents/selfie"]
    page = client.page("/kyc/documents/selfie")
    assert "Your <b>face</b> is not sharp." in page.text
    assert client.submit(page, having="file", files=photo()).url == "/kyc/questions"


def test_own_documents_are_inert_and_foreign_ones_are_not_there(
    app: Flask, portal: Any, visitor: Visitor, newcomer: people.Person
) -> None:
    owner = identities.at_level_1(app)
    picture = identities.upload(portal, owner, kyc.ID_FRONT)
    paper = identities.upload(portal, owner, kyc.ADDRESS, documents.scripted_pdf())
    client = signed_in(visitor, owner)
    for file, how in ((picture, "inline"), (paper, "attachment")):
        answer = client.raw.get(f"/kyc/files/{file.public_id}")
        assert answer.status_code == 200
        assert answer.data == files.content(portal.db, file)
        assert answer.headers["Content-Type"] == file.media_type
        assert answer.headers["Content-Disposition"].startswith(how)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers["Cache-Control"]
    stranger = signed_in(visitor, newcomer)
    foreign = stranger.raw.get(f"/kyc/files/{picture.public_id}", headers={"Accept": "text/html"})
    missing = stranger.raw.get("/kyc/files/01a1fbc0-7528-73c9-ae1a-c5e63883dc3e", headers={"Accept": "text/html"})
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert visitor().raw.get(f"/kyc/files/{picture.public_id}").status_code == 303


def test_the_bank_comes_first_then_its_branches(app: Flask, visitor: Visitor) -> None:
    client = signed_in(visitor, identities.at_level_2(app))
    page = client.page("/kyc/bank")
    assert len(page.all("#code option")) > 100
    assert not page.all("#branch")
    part = client.page("/kyc/bank", htmx=True, code="021")
    assert [option["value"] for option in part.all("#branch option")] == ["", "0018", "0030", "0041", "0650", "other"]
    assert not client.page("/kyc/bank", code="<script>").all("#branch")


def test_a_branch_that_is_not_listed_is_taken_by_its_code(app: Flask, portal: Any, visitor: Visitor) -> None:
    person = identities.at_level_2(app)
    client = signed_in(visitor, person)
    page = client.page("/kyc/bank", code="016")
    page = client.submit(
        page, having="account", status=422, branch="other", other_branch="1", account="1234567890", files=photo()
    )
    assert page.words("#other_branch-error")
    assert page.one("#account")["value"] == "1234567890"
    client.submit(page, having="account", branch="other", other_branch="1017", account="1234567890", files=photo())
    assert portal.db.read(kyc.case, person.id).bank_account.branch_code == "1017"


def test_bank_mistakes_stand_beside_their_fields(app: Flask, visitor: Visitor) -> None:
    client = signed_in(visitor, identities.at_level_2(app))
    page = client.page("/kyc/bank", code="809")
    page = client.submit(page, having="account", status=422, branch="0094", account="12", files=photo())
    assert page.words("#account-error")
    page = client.submit(page, having="account", status=422, branch="", account="1234567890", files=photo())
    assert page.words("#branch-error")
    page = client.submit(page, having="account", status=422, branch="0094", account="1234567890")
    assert page.words("#file-error") == "Choose or take a photo first."


def test_the_status_renews_itself_and_answers_304_while_nothing_changes(app: Flask, visitor: Visitor) -> None:
    client = signed_in(visitor, identities.applied_level_2(app))
    client.page("/kyc", htmx=True)
    assert client.last is not None
    tag = client.last.headers["ETag"]
    again = client.raw.get("/kyc", headers={**client.headers, "HX-Request": "true", "If-None-Match": tag})
    assert again.status_code == 304


def test_the_levels_page_shows_the_limits(visitor: Visitor, portal: Any) -> None:
    client = signed_in(visitor, people.customer(portal, kyc_level=2))
    page = client.page("/kyc/levels")
    assert "You are at level 2." in page.text
    assert "100,000.00 USDT a day" in page.text.replace("\xa0", " ")
    assert "NT$ 500,000 a day" in page.text.replace("\xa0", " ")


def test_a_withdrawn_record_says_so(app: Flask, portal: Any, visitor: Visitor) -> None:
    person = identities.at_level_1(app)
    portal.db.transact(kyc.withdraw, person.id, actor="staff:1", reason="The card has expired.")
    page = signed_in(visitor, person).page("/kyc")
    assert "no longer valid" in page.text
    assert "The card has expired." in page.text
    assert not page.all("a.button.large")


def test_forms_of_other_sites_change_nothing(visitor: Visitor, newcomer: people.Person) -> None:
    client = signed_in(visitor, newcomer)
    for path in (
        "/kyc/identity",
        "/kyc/phone",
        "/kyc/phone/code",
        "/kyc/documents/selfie",
        "/kyc/questions",
        "/kyc/bank",
    ):
        assert client.raw.post(path, data={"name": "x"}).status_code == 403
