"""Every screen of the back office in Chromium: sound for the role it is for, shut to the role it is not for, and that is written down."""

import pytest
from playwright.sync_api import expect

from tests.support import live_desk, people
from tests.support.beside import app_beside
from tests.support.browser import Browse
from tests.support.live import LivePortal

#: Screen → who uses it, who is refused. A name in braces is a single thing of the furnished day.
SCREENS: dict[str, tuple[str, str]] = {
    "customers": ("support", ""),
    "customers?q=person": ("compliance", ""),
    "{customer}": ("support", ""),
    "{customer}/activity": ("support", ""),
    "kyc": ("compliance", "finance"),
    "{kyc}": ("compliance", "support"),
    "partner-kyc": ("compliance", "finance"),
    "{person}": ("compliance", "support"),
    "store-accounts": ("finance", "compliance"),
    "{account}": ("finance", "support"),
    "disputes": ("support", "admin"),
    "disputes?status=closed": ("support", "admin"),
    "{dispute}": ("support", "admin"),
    "{entry}": ("support", ""),
    "approvals": ("admin", ""),
    "withdrawals": ("treasury", "admin"),
    "withdrawals?status=confirmed": ("finance", "admin"),
    "{withdrawal}": ("compliance", "admin"),
    "bank/suspense": ("finance", "compliance"),
    "bank/suspense?queue=third_party": ("finance", "admin"),
    "{credit}": ("finance", "compliance"),
    "jobs": ("admin", "compliance"),
    "webhooks": ("admin", "compliance"),
    "stuck": ("support", "compliance"),
    "bank": ("finance", "compliance"),
    "bank/lines": ("finance", "admin"),
    "bank/mappings": ("finance", "compliance"),
    "bank/payouts": ("treasury", "admin"),
    "books": ("finance", "support"),
    "books/account?kind=house&owner=0&asset=TWD&bucket=bank": ("finance", "support"),
    "books/days": ("treasury", "compliance"),
    "books/cover": ("treasury", "compliance"),
    "risk": ("compliance", "finance"),
    "cases": ("compliance", "support"),
    "audit": ("compliance", "treasury"),
    "{case}": ("compliance", "support"),
    "settings": ("treasury", "support"),
    "prices": ("treasury", "support"),
    "card-types": ("treasury", "support"),
    "settings/withdrawal_approval": ("treasury", "support"),
    "settings/stuck": ("admin", "support"),
    "offering": ("treasury", "support"),
    "companies": ("admin", "support"),
    "companies/1": ("admin", "support"),
    "stores": ("admin", "support"),
    "{store}": ("treasury", "support"),
    "institutions": ("admin", "support"),
    "institutions/1": ("admin", "support"),
    "people": ("admin", "compliance"),
    "{member}": ("admin", "compliance"),
    "{proposal}": ("treasury", "finance"),
    "account": ("support", ""),
    "password": ("support", ""),
    "": ("support", ""),
}

#: Pages that are no screens, or that another test looks at: the ways in, documents, and what a bank's file brought.
ELSEWHERE = {"login", "second", "kyc_file", "partner_picture", "statement", "line"}

#: Words of the records that are not meant for people: the screens have words of their own for them.
RAW = ("staff:", "customer:", "{'", '{"', "zh_Hant_TW", "awaiting_approval", "card_network")


def address(screen: str, day: dict[str, str]) -> str:
    return screen.format(**day) if screen.startswith("{") else f"/staff/{screen}".rstrip("/")


def test_no_screen_is_left_out(back_office: LivePortal, day: dict[str, str]) -> None:
    rules = app_beside(back_office).url_map
    known = rules.bind("127.0.0.1")
    here = {known.match(address(screen, day).partition("?")[0])[0] for screen in SCREENS}
    pages = {
        rule.endpoint
        for rule in rules.iter_rules()
        if rule.endpoint.startswith("staff.") and "GET" in (rule.methods or ())
    }
    assert pages - here == {f"staff.{name}" for name in ELSEWHERE}


@pytest.mark.parametrize(
    ("device", "scheme", "language"),
    [("phone", "dark", "zh_Hant_TW"), ("desktop", "light", "en"), ("desktop", "dark", "zh_Hant_TW"), ("phone", "light", "en")],
)  # fmt: skip
def test_every_screen_is_sound_for_its_role(
    seat: Browse, back_office: LivePortal, day: dict[str, str], device: str, scheme: str, language: str
) -> None:
    visitor = seat(device, scheme=scheme)
    seated = ""
    for screen, (role, _) in sorted(SCREENS.items(), key=lambda item: item[1]):
        if role != seated:
            live_desk.new_desk(visitor, back_office, role, language=language)
            seated = role
        page = visitor.go(address(screen, day))
        assert page.locator("h1").count() == 1, screen
        visitor.fits()
        visitor.axe()
        if screen != "audit":
            text = page.locator("main").inner_text()
            assert not [raw for raw in RAW if raw in text], screen


def test_every_screen_is_shut_to_the_wrong_role(seat: Browse, back_office: LivePortal, day: dict[str, str]) -> None:
    visitor = seat("desktop")
    seated, who = "", None
    refusals = 0
    for screen, (_, wrong) in sorted(SCREENS.items(), key=lambda item: item[1][1]):
        if not wrong:
            continue
        if wrong != seated:
            who, seated, refusals = live_desk.new_desk(visitor, back_office, wrong), wrong, 0
        live_desk.refused(visitor.page, address(screen, day))
        visitor.fits()
        refusals += 1
        assert who is not None
        written = live_desk.audited(back_office, "staff.refused", who.actor)
        assert len(written) == refusals
        assert written[-1].subject == f"GET {address(screen, day).partition('?')[0]}"


@pytest.mark.parametrize("role", ["support", "compliance", "treasury", "finance", "admin"])
def test_the_ways_that_are_shown_are_open_and_lead_everywhere(seat: Browse, back_office: LivePortal, role: str) -> None:
    visitor = seat("desktop", javascript=False)
    who = live_desk.new_desk(visitor, back_office, role)
    page = visitor.go("/staff")
    ways = page.locator(".side-nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for way in ways:
        page = visitor.go(way)
        expect(page.locator(f".side-nav a[href='{way}']")).to_have_attribute("aria-current", "page")
    shut = {f"/staff/{screen}" for screen, (_, wrong) in SCREENS.items() if wrong == role}
    assert not shut & set(ways)
    assert not live_desk.audited(back_office, "staff.refused", who.actor)


def test_a_customer_and_a_stranger_do_not_get_in(seat: Browse, back_office: LivePortal) -> None:

    visitor = seat("phone")
    page = visitor.page
    page.goto("/staff/bank")
    assert page.url.endswith("/staff/login?next=/staff/bank")
    visitor.axe()
    person = people.customer(live_desk.beside(back_office))
    visitor.context.add_cookies([{"name": "token", "value": person.token, "url": back_office.url}])
    live_desk.refused(page, "/staff/bank")
    visitor.fits()
    assert live_desk.audited(back_office, "staff.refused", f"customer:{person.id}")
