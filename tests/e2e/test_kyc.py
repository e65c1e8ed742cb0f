"""The identity check in Chromium, from nothing to level 3: phones and desks, with and without JavaScript."""

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import documents, identities
from tests.support.browser import Browse, Visitor
from tests.support.live import LivePortal
from tests.support.live_people import LivePerson, sign_up

DOCUMENTS = ("id-front", "id-back", "selfie", "second-id", "address")


def fresh_number() -> str:
    """An identity number that nobody in the running portal has."""
    digits = f"{uuid.uuid4().int % 10**7:07d}"
    return identities.number_with(identities.LETTERS[uuid.uuid4().int % 26], "2", digits)


def fresh_phone() -> str:
    return f"0912{uuid.uuid4().int % 10**6:06d}"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(documents.jpeg(800, 600))
    return path


def looked_at(visitor: Visitor, javascript: bool) -> None:
    """What every page of the way must be: as wide as its window, and without anything axe minds."""
    visitor.fits()
    if javascript:
        visitor.axe()


def send(page: Page) -> None:
    page.click("#kyc-form .actions button")


def go_on(visitor: Visitor) -> Page:
    page = visitor.go("/kyc")
    page.click("main a.button.large")
    return page


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "without"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_from_nothing_to_level_3(browse: Browse, live: LivePortal, photo: Path, device: str, javascript: bool) -> None:
    person = sign_up(live)
    visitor = browse(device, javascript=javascript, scheme="dark" if device == "desktop" else "light")
    person.enter(visitor, live, "en" if device == "desktop" else "zh_Hant_TW")
    page = visitor.go("/kyc")
    looked_at(visitor, javascript)
    page = go_on(visitor)
    looked_at(visitor, javascript)
    page.fill("#name", "林自得")
    page.check("input[name=gender][value='0']")
    page.fill("#birthday", "1990/05/31")
    page.fill("#identityNumber", fresh_number())
    send(page)
    phone = fresh_phone()
    expect(page.locator("#mobilePhone")).to_be_visible()
    looked_at(visitor, javascript)
    page.fill("#mobilePhone", phone)
    send(page)
    expect(page.locator("#code")).to_be_visible()
    looked_at(visitor, javascript)
    page.fill("#code", live.code(f"+886{phone[1:]}"))
    send(page)
    page.wait_for_url("**/kyc")
    documents_sent(visitor, page, photo, javascript)
    level_2_decided(visitor, live, person, photo, javascript)
    bank_account_given(visitor, live, person, photo, javascript)


def documents_sent(visitor: Visitor, page: Page, photo: Path, javascript: bool) -> None:
    page.click("main a.button.large")
    for slug in DOCUMENTS:
        page.wait_for_url(f"**/kyc/documents/{slug}")
        page.set_input_files("#file", photo)
        if javascript:
            expect(page.locator("[data-upload] .upload-preview img")).to_be_visible()
        if slug == "selfie":
            looked_at(visitor, javascript)
        send(page)
    page.wait_for_url("**/kyc/questions")
    looked_at(visitor, javascript)
    for question, answer in (("q1", "other"), ("q2", "no"), ("q3", "1_to_3"), ("q4", "less_than_50")):
        page.check(f"input[name={question}][value='{answer}']")
    send(page)
    expect(page.locator("#q1_words-error")).to_be_visible()
    page.fill("#q1_words", "savings")
    send(page)
    page.wait_for_url("**/kyc")
    looked_at(visitor, javascript)


def level_2_decided(visitor: Visitor, live: LivePortal, person: LivePerson, photo: Path, javascript: bool) -> None:
    live.post(
        "/sandbox/kyc/decisions", login=person.email, level=2, decision="reject", reason="Sharper, please.",
        documents={"3": "Your face is not sharp."},
    )  # fmt: skip
    page = visitor.page
    if not javascript:
        page.reload()
    expect(page.get_by_text("Your face is not sharp.")).to_be_visible(timeout=15_000)
    looked_at(visitor, javascript)
    page = go_on(visitor)
    page.wait_for_url("**/kyc/documents/selfie")
    page.set_input_files("#file", photo)
    send(page)
    page.wait_for_url("**/kyc/questions")
    for question, answer in (("q1", "payment"), ("q2", "no"), ("q3", "over_3"), ("q4", "over_100")):
        page.check(f"input[name={question}][value='{answer}']")
    send(page)
    page.wait_for_url("**/kyc")
    live.post("/sandbox/kyc/decisions", login=person.username, level=2, decision="approve")


def bank_account_given(visitor: Visitor, live: LivePortal, person: LivePerson, photo: Path, javascript: bool) -> None:
    page = go_on(visitor)
    page.wait_for_url("**/kyc/bank")
    looked_at(visitor, javascript)
    page.select_option("#code", "809")
    if not javascript:
        page.click("form[method=get] button")
    expect(page.locator("#branch")).to_be_visible()
    page.select_option("#branch", "0094")
    page.fill("#account", "12")
    page.set_input_files("#file", photo)
    send(page)
    expect(page.locator("#account-error")).to_be_visible()
    page.fill("#account", f"{uuid.uuid4().int % 10**14:014d}")
    page.set_input_files("#file", photo)
    looked_at(visitor, javascript)
    send(page)
    page.wait_for_url("**/kyc")
    live.post("/sandbox/kyc/decisions", login=person.email, level=3, decision="approve")
    page = visitor.go("/kyc")
    expect(page.locator("main a.button.large")).to_have_count(0)
    looked_at(visitor, javascript)
    visitor.go("/kyc/levels")
    looked_at(visitor, javascript)


def test_a_document_is_shown_to_its_owner_alone(browse: Browse, live: LivePortal, photo: Path) -> None:
    owner, stranger = browse("phone"), browse("phone")
    first, second = sign_up(live), sign_up(live)
    first.enter(owner, live)
    second.enter(stranger, live)
    sent = live.http.post(
        "/v1/kyc/image", headers={"token": first.token}, data={"type": "1"},
        files={"file": ("x.jpg", photo.read_bytes(), "image/jpeg")},
    )  # fmt: skip
    address = f"/kyc/files/{sent.json()['data']['id']}"
    wide = """address => new Promise(done => {
        const image = new Image();
        image.onload = () => done(image.naturalWidth);
        image.onerror = () => done(0);
        image.src = address;
    })"""
    owner.go("/kyc")
    stranger.go("/kyc")
    assert owner.page.evaluate(wide, address) == 800
    assert stranger.page.evaluate(wide, address) == 0
    assert stranger.context.request.get(address).status == 404
