"""Identity reviews in Chromium: documents beside the data, single documents sent back, a level approved, nobody reviews themselves."""

import pytest
from playwright.sync_api import expect

from portal.services import kyc, staff_accounts
from tests.support import identities, live_desk
from tests.support.beside import app_beside
from tests.support.browser import Browse
from tests.support.live import LivePortal


@pytest.mark.parametrize(("device", "javascript"), [("phone", True), ("desktop", False)])
def test_a_document_is_sent_back_and_the_next_try_is_approved(
    seat: Browse, back_office: LivePortal, device: str, javascript: bool
) -> None:
    portal = live_desk.beside(back_office)
    person = identities.applied_level_2(app_beside(back_office))
    where = f"/staff/kyc/{live_desk.public_id(back_office, person)}"
    visitor = seat(device, javascript=javascript)
    who = live_desk.new_desk(visitor, back_office, "compliance")
    page = visitor.go("/staff/kyc")
    page.click(f"#queue a[href='{where}']")
    expect(page.locator(".doc img")).to_have_count(len(kyc.LEVEL_2_KINDS))
    for picture in page.locator(".doc img").all():
        picture.scroll_into_view_if_needed()
        answer = page.request.get(str(picture.get_attribute("src")))
        assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    page.click("#level-2 button[value=reject]")
    expect(page.locator(".error-summary, [role=alert]").first).to_contain_text("Say what is wrong")
    visitor.fits()
    page.check("#reject_1")
    page.select_option("#template_1", "0")
    page.fill("#reason_3", "Look up, please.")
    page.click("#level-2 button[value=reject]")
    live_desk.said(page, "Level 2 is sent back.")
    stand = portal.db.read(kyc.standing, person.id)
    assert {kind for kind, paper in stand.papers.items() if paper.status == "rejected"} == {1, 3}
    assert stand.papers[3].reason == "Look up, please."

    for kind in (1, 3):
        identities.upload(portal, person, kind)
    portal.db.transact(kyc.apply_level_2, person.id, identities.ANSWERS)
    page = visitor.go(where)
    if javascript:
        visitor.axe()
    page.click("#level-2 button[value=approve]")
    live_desk.said(page, "Level 2 is approved.")
    assert portal.db.read(kyc.standing, person.id).level == 2
    assert len(live_desk.audited(back_office, "kyc_approve", who.actor)) == 1


def test_nobody_reviews_themselves(seat: Browse, back_office: LivePortal) -> None:
    portal = live_desk.beside(back_office)
    person = identities.applied_level_2(app_beside(back_office))
    visitor = seat("desktop")
    who = live_desk.new_desk(visitor, back_office, "compliance")
    portal.db.transact(staff_accounts.name_customer, who.id, person.id, "system")
    live_desk.refused(visitor.page, f"/staff/kyc/{live_desk.public_id(back_office, person)}")
    assert live_desk.audited(back_office, "staff.refused", who.actor)
    assert portal.db.read(kyc.standing, person.id).level == 1
