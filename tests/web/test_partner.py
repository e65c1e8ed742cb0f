"""The partner console: members see their institution as far as their role goes, others none; every act works without scripts."""

import base64
import hashlib
import hmac
import re
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from portal.models.customers import ClientSession
from portal.services import institution_members, offering, partner_cards, partner_keys, webhooks
from tests.api.partner.test_people import decide
from tests.support import people
from tests.support.partners import kyc_body, partner
from tests.support.receiver import receiving

PAGES = (
    "", "/float", "/people", "/cards", "/loads", "/fees", "/keys", "/requests", "/doctor", "/webhooks", "/reference",
    "/members", "/playground",
)  # fmt: skip
NOT_FOR_VIEWERS = ("/doctor", "/playground")


@pytest.fixture
def enter(visitor):
    def signed_in(person, language="en"):
        pages = visitor(language)
        pages.raw.set_cookie("token", person.token)
        pages.raw.set_cookie("language", {"en": "en"}.get(language, "zh_Hant_TW"))
        return pages

    return signed_in


@pytest.fixture
def house(app, portal, enter):
    """An institution with a loaded card, its three members, and an outsider who owns another."""
    p = partner(app)
    card_no = p.card("u1")
    p.load(card_no, "100", "first")
    p.work()
    p.refused(111012, "POST", "/bank/balance", {"card_no": "nothing"})
    members = {role: people.customer(portal, totp=True) for role in ("owner", "operator", "viewer")}
    for role, person in members.items():
        portal.db.transact(institution_members.add_member, p.id, person.id, role, "system")
    stranger = people.customer(portal, totp=True)
    portal.db.transact(institution_members.add_member, partner(app).id, stranger.id, "owner", "system")
    seat = portal.db.read(institution_members.memberships, members["owner"].id)[0]
    return SimpleNamespace(
        p=p, card_no=card_no, base=f"/partner/{seat.institution_public_id}", stranger=stranger, **members
    )


def told(receiver) -> list:
    """What a receiver of webhooks got."""
    return [received.content for received in receiver.got]


def figures(text: str) -> str:
    """The words of a page with its amounts in one piece."""
    return re.sub(r" (?=\.\d)", "", text)


def recently(portal, person) -> None:
    """The person has just proved who they are."""

    def prove(session) -> None:
        session.execute(
            sa.update(ClientSession)
            .where(ClientSession.customer_id == person.id)
            .values(reauthenticated_at=portal.clock.now())
        )

    portal.db.transact(prove)


@pytest.mark.parametrize("below", PAGES)
def test_every_page_opens_for_members_and_does_not_exist_for_others(house, enter, visitor, below) -> None:
    path = house.base + below
    assert visitor().page(path, 303).headers["Location"].startswith("/login?next=")
    enter(house.stranger).page(path, 404)
    for language in ("en", "zh-TW"):
        assert enter(house.owner, language).page(path).title
    assert enter(house.operator).page(path).title
    enter(house.viewer).page(path, 403 if below in NOT_FOR_VIEWERS else 200)


def test_the_door_leads_to_the_only_institution_or_asks_which(house, enter, portal, visitor) -> None:
    pages = enter(house.owner)
    assert pages.page("/partner", 303).headers["Location"] == house.base
    portal.db.transact(institution_members.add_member, partner(house.p.app).id, house.owner.id, "viewer", "system")
    assert len(pages.page("/partner").all("a[href^='/partner/']")) >= 2
    nobody = enter(people.customer(portal))
    assert "no institution" in nobody.page("/partner").text
    assert visitor().page("/partner", 303).headers["Location"].startswith("/login")


def test_people_who_were_removed_are_outside_at_once(house, enter, portal) -> None:
    pages = enter(house.operator)
    assert pages.page(house.base)
    member = next(
        row
        for row, customer in portal.db.read(institution_members.members, house.p.id)
        if customer.id == house.operator.id
    )
    enter(house.owner).submit(f"{house.base}/members", f"/members/{member.public_id}/remove")
    pages.page(house.base, 404)


def test_the_float_tells_its_history(house, enter) -> None:
    page = enter(house.viewer).page(f"{house.base}/float")
    assert "4,899.00" in figures(page.text)
    assert "Opening fee of a card" in page.text and "Load of a card" in page.text
    assert "0x" in page.text


def test_the_float_is_filled_over_networks_that_are_open(house, enter, portal) -> None:
    assert len(enter(house.viewer).page(f"{house.base}/float").all(".qr-card")) == 2
    _, payload = portal.db.read(offering.proposal, "TRON", "deposits", False)
    portal.db.transact(offering.carry_out, payload, "staff:0", "approval:0")
    page = enter(house.viewer).page(f"{house.base}/float")
    assert len(page.all(".qr-card")) == 1
    assert "TRON (TRC20) is paused for the moment." in page.text


def test_a_card_is_opened_activated_and_loaded_from_the_console(house, enter, portal) -> None:
    house.p.passed("u2")
    pages = enter(house.operator)
    before = house.p.float_units()
    listed = pages.page(f"{house.base}/people", acct_no="u2")
    person = listed.one("#rows a")["href"]
    card = pages.submit(person, "/card")
    assert before - house.p.float_units() == 1_000000
    assert "Not activated" in card.text
    card = pages.submit(card, "/activate")
    assert "Active" in card.text
    shown = pages.page(card.url, amount="100")
    assert "95.13" in figures(shown.text) and "5.00" in figures(shown.text)
    load = pages.submit(shown, "/load")
    assert before - house.p.float_units() == 101_000000
    assert "How this amount was worked out" in load.text
    house.p.work()
    assert "Loaded" in pages.page(load.url).words("#load")
    pages.page(f"{load.url}/state", htmx=True)


def test_a_form_sent_twice_loads_once(house, enter, portal) -> None:
    pages = enter(house.operator)
    row = pages.page(f"{house.base}/cards").one("#rows a")["href"]
    shown = pages.page(row, amount="10")
    before = house.p.float_units()
    first = pages.submit(shown, "/load")
    second = pages.submit(shown, "/load")
    assert first.url == second.url
    assert before - house.p.float_units() == 10_000000


def test_bad_amounts_are_told_beside_the_field(house, enter) -> None:
    pages = enter(house.operator)
    row = pages.page(f"{house.base}/cards").one("#rows a")["href"]
    for amount in ("x", "-1", "0.0000001", "0", "99999999999999999999"):
        assert pages.page(row, 422, amount=amount).errors
    # What is asked about is what the tap would answer: more than the float holds is said before it.
    short = pages.page(row, 422, amount="1000000")
    assert short.errors and not short.all("form[action$='/load']")
    before = house.p.float_units()
    shown = pages.page(row, amount="10")
    pages.submit(shown, "/load", status=422, amount="1000000")
    assert house.p.float_units() == before


def test_viewers_cannot_act(house, enter, portal) -> None:
    house.p.passed("u2")
    viewer, operator = enter(house.viewer), enter(house.operator)
    person = operator.page(f"{house.base}/people", acct_no="u2").one("#rows a")["href"]
    token = viewer.page(person).all("input[name=csrf_token]")[0]["value"]
    for path in (f"{person}/card", f"{house.base}/keys", f"{house.base}/members", f"{house.base}/webhooks"):
        answer = viewer.raw.post(path, data={"csrf_token": token}, headers=viewer.headers)
        assert answer.status_code in (303, 403), path
        assert answer.status_code == 403 or "/security/confirm" in answer.headers["Location"]
    assert not viewer.page(person).all("form[action$='/card']")
    assert house.p.ok("GET", "/debit-cards", query={"acct_no": "u2"})["total"] == 0


def test_loads_are_filtered_and_exported_with_inert_cells(house, enter) -> None:
    house.p.load(house.card_no, "10", "=cmd|' /C calc'!A0")
    pages = enter(house.viewer)
    page = pages.page(f"{house.base}/loads?status=loaded")
    assert "first" in page.text and "cmd" not in page.text
    assert not pages.page(f"{house.base}/loads", first="2001-01-01", last="2001-01-02").all("#rows td")
    answer = pages.raw.get(f"{house.base}/loads.csv", headers=pages.headers)
    lines = answer.get_data(as_text=True).splitlines()
    assert answer.mimetype == "text/csv" and len(lines) == 3
    assert ",'=cmd|" in lines[1] or "\"'=cmd" in lines[1]
    assert "95.13" in lines[2]


def test_the_calculator_knows_both_ways(house, enter) -> None:
    pages = enter(house.viewer)
    pays = pages.page(f"{house.base}/fees", card_type_id="50000002", side="pays", amount="100")
    assert "94.13" in figures(pays.words("#calculator"))
    arrives = pages.page(f"{house.base}/fees", card_type_id="50000002", side="arrives", amount="100")
    shown = figures(arrives.words("#calculator"))
    assert "106.23" in shown and "5.3115" in shown
    assert pages.page(f"{house.base}/fees", 422, card_type_id="50000002", side="arrives", amount="0.001").errors


def test_keys_are_shown_once_narrowed_rotated_and_revoked(house, enter, portal, app) -> None:
    pages = enter(house.owner)
    keys = f"{house.base}/keys"
    stale = pages.page(keys)
    answer = pages.raw.post(keys, data={**stale.form("/keys").values, "name": "x"}, headers=pages.headers)
    assert "/security/confirm" in answer.headers["Location"]
    recently(portal, house.owner)
    made = pages.submit(keys, "/keys", status=200, name="Payroll", areas=["common"], networks="127.0.0.1")
    key, secret = (field.get_text(strip=True) for field in made.all("#keys .copy-value"))
    assert secret not in pages.page(keys).html
    client = type(house.p.client)(app, portal.clock, key, secret)
    assert client.ok("GET", "/card/type")
    client.refused(112002, "GET", "/debit-cards")
    pages.submit(keys, "/keys", status=422, name="", areas=[], networks="not an address")
    links = pages.page(keys).all("a[href*='/keys/']")
    path = next(link["href"] for link in links if re.search(r"/keys/\d+$", link["href"]))
    pages.submit(path, path, networks="203.0.113.0/24", areas=["common", "cards"])
    client.refused(112003, "GET", "/card/type")
    rotated = pages.submit(path, f"{path}/rotate", status=200, overlap="0")
    assert len(rotated.all("#keys .copy-value")) == 2
    client.refused(112005, "GET", "/card/type")
    ids = [row.id for row in portal.db.read(partner_keys.listed, house.p.id, active_only=True)]
    pages.submit(keys, f"/keys/{ids[0]}/revoke")
    assert ids[0] not in [row.id for row in portal.db.read(partner_keys.listed, house.p.id, active_only=True)]


def test_the_request_log_says_what_was_refused_and_why(house, enter) -> None:
    pages = enter(house.viewer)
    page = pages.page(f"{house.base}/requests")
    assert "111012" in page.text and "There is no such card." in page.text
    assert not pages.page(f"{house.base}/requests", code="112007").all("#rows td")


def test_the_signature_doctor_finds_usual_mistakes(house, enter, portal) -> None:
    pages = enter(house.operator)
    key_id = portal.db.read(partner_keys.find, house.p.api_key).key_id
    now = portal.clock.now_ms()
    target, body = "/api/v1/bank/balance", '{"card_no": "1001"}'
    right = f"{now}POST{house.p.api_key}{target}card_no=1001"

    def examined(text: str, *, digest=lambda mac: base64.b64encode(mac).decode(), signed_text: str = "", stamp=now):
        mac = hmac.new(house.p.secret.encode(), text.encode(), hashlib.sha256).digest()
        return pages.submit(
            f"{house.base}/doctor", "/doctor", status=200, key=str(key_id), method="POST", target=target,
            authorization=f"Noumena:{house.p.api_key}:{stamp}:{digest(mac)}", body=body, signed_text=signed_text,
        ).words("#doctor")  # fmt: skip

    fits = examined(right)
    assert "It fits." in fits and right in fits
    said = examined(
        f"{now}POST{house.p.api_key}{target}{body}", signed_text=f"{now}POST{house.p.api_key}{target}{body}"
    )
    assert "The JSON itself was signed." in said and "First difference" in said
    assert "The signature is hex." in examined(right, digest=lambda mac: mac.hex())
    assert "lower case" in examined(right.replace("POST", "post"))
    assert "It fits neither" in examined("something else") and "parts from the right one" in examined("other")
    assert "Not fresh" in examined(right.replace(str(now), str(now - 400_000)), stamp=now - 400_000)
    expected = base64.b64encode(hmac.new(house.p.secret.encode(), right.encode(), hashlib.sha256).digest()).decode()
    assert expected not in examined("something else")
    unread = pages.submit(
        f"{house.base}/doctor", "/doctor", status=200, key=str(key_id), authorization="Bearer x", target=target
    )
    assert "This cannot be read" in unread.text
    torn = pages.submit(
        f"{house.base}/doctor", "/doctor", status=200, key=str(key_id), target="http://[",
        authorization=f"Noumena:{house.p.api_key}:{now}:x",
    )  # fmt: skip
    assert "This cannot be read" in torn.text
    pages.submit(f"{house.base}/doctor", "/doctor", status=404, key="999999", authorization="x", target=target)


def test_webhooks_are_added_told_of_and_sent_again(house, enter, portal, app) -> None:
    pages = enter(house.owner)
    recently(portal, house.owner)
    hooks = f"{house.base}/webhooks"
    with receiving() as receiver:
        pages.submit(hooks, "/webhooks", status=422, url="ftp://x", events=["load.settled"])
        made = pages.submit(
            hooks, "/webhooks", status=200, url=receiver.url, events=["load.settled", "card.transaction"]
        )
        assert made.words(".copy-value").startswith("whsec_")
        house.p.load(house.card_no, "10", "second")
        house.p.work()
        assert sorted(one["type"] for one in told(receiver)) == ["card.transaction", "load.settled"]
        listed = pages.page(hooks)
        assert "load.settled" in listed.text and "Delivered" in listed.text
        delivery = next(link["href"] for link in listed.all("a[href*='/deliveries/']") if "load.settled" in link.text)
        assert "second" in pages.page(delivery).text
        pages.submit(delivery, "/resend")
        house.p.work()
        assert len(told(receiver)) == 3
        pages.submit(hooks, "/test")
        house.p.work()
        assert told(receiver)[-1]["type"] == "test.ping"
    enter(house.stranger).page(delivery, 404)


def test_every_event_is_told(house, enter, portal) -> None:
    portal.db.transact(webhooks.add_endpoint, "institution", house.p.id, "http://127.0.0.1:9/", ["*"], (), "system")
    house.p.card("u5")
    house.p.ok("POST", "/customers/accounts", kyc_body(acct_no="u6"))
    decide(house.p, "u6", "reject", "Blurred.")
    house.p.load(house.card_no, "10", "settles")
    house.p.work()
    house.p.load(house.card_no, "10", "fails")
    portal.world.set_fault("card_network", "reject", 1)
    house.p.work()

    log = portal.db.read(webhooks.log, "institution", house.p.id)
    assert {row.message.event for row in log} == {
        "kyc.passed", "kyc.rejected", "card.activated", "load.settled", "load.failed", "card.transaction",
    }  # fmt: skip


def test_the_sandbox_levers_reach_only_ones_own(house, enter, portal) -> None:
    pages = enter(house.operator)
    levers = f"{house.base}/playground"
    page = pages.submit(levers, "/playground/people")
    assert "waits for a decision" in page.text
    page = pages.submit(levers, "/playground/decisions", decision="approve")
    assert "Decided" in page.text
    card = portal.db.read(_public_id_of, house.card_no)
    page = pages.submit(levers, "/playground/uses", card=card, amount="10", type="purchase")
    assert "Approved. Fee: 2" in page.text
    page = pages.submit(levers, "/playground/uses", card=card, amount="5000", type="purchase")
    assert "Declined" in page.text
    page = pages.submit(levers, "/playground/cards", card=card, action="freeze")
    pages.submit(levers, "/playground/cards", card=card, action="freeze", status=422)
    before = house.p.float_units()
    pages.submit(levers, "/playground/float", usdt="12.5")
    assert house.p.float_units() - before == 12_500000
    stranger = enter(house.stranger)
    base = stranger.page("/partner", 303).headers["Location"]
    own = stranger.page(f"{base}/playground")
    token = own.one("form[action$='/playground/people'] input[name=csrf_token]")["value"]
    answer = stranger.raw.post(
        f"{base}/playground/cards",
        data={"csrf_token": token, "card": card, "action": "unfreeze"},
        headers=stranger.headers,
    )
    assert answer.status_code == 422
    assert house.p.ok("GET", "/debit-cards")["records"][0]["status"] == 0


def _public_id_of(session, card_no: str) -> str:
    return partner_cards.by_card_no(session, card_no).public_id


def test_names_with_markup_are_text(house, enter) -> None:
    house.p.ok(
        "POST", "/deposit-transactions",
        {"card_no": house.card_no, "acct_no": "u1", "amount": "1", "coin_type": "USDT",
         "cust_tx_id": "<b hx-get='/x'>x</b>", "remark": "<script>alert(1)</script>"},
    )  # fmt: skip
    pages = enter(house.viewer)
    page = pages.page(f"{house.base}/loads")
    assert not page.all("#rows b[hx-get]") and "<b hx-get='/x'>" in page.text
    load = pages.page(next(link["href"] for link in page.all("#rows a") if "hx-get" in link.text))
    assert not load.all("main script")
