"""The merchant console without a browser: who may do what, and every act from page to page."""

import re

import pytest

from portal.services import devices, sessions, store_payments, webhooks
from tests.support import merchants, people, vouchers
from tests.support.merchants import PIN
from tests.support.outside import code_for, messages
from tests.support.receiver import receiving

ONE = 1_000_000


@pytest.fixture
def shop(app):
    return merchants.shop(app, discount="10", kind="percent")


@pytest.fixture
def amy(portal):
    return people.customer(portal, "amy", twip="1000")


@pytest.fixture
def enter(portal, visitor):
    """`enter(person)` is a window signed in as a person who proved a moment ago who they are."""

    def signed_in(person, *, recent=True):
        client = visitor()
        client.raw.set_cookie("token", person.token)
        client.raw.set_cookie("language", "en")
        if recent:
            portal.db.transact(lambda session: devices.reauthenticated(session, sessions.id_of(session, person.token)))
        return client

    return signed_in


# --- who may do what ---

VIEWS = (
    "", "/today", "/poster", "/payments", "/payments.csv", "/refunds", "/settlements", "/statements", "/statements.csv",
)  # fmt: skip
CASHIER = ("/counter", "/pin")
OWNER = ("/people", "/discount", "/developers", "/developers/deliveries", "/bank-account")
ACTS = {
    "/counter": ("cashier", {"amount": "5"}),
    "/settlements": ("owner", {"amount": "1"}),
    "/bank-account": ("owner", {"holder": "x"}),
    "/people": ("owner", {"email": "eve@example.com", "role": "owner"}),
    "/discount": ("owner", {"discount_type": "fixed", "discount_value": "1"}),
    "/developers/keys": ("owner", {"name": "till", "scopes": "read"}),
    "/developers/webhooks": ("owner", {"url": "https://shop.example.com/", "events": "payment.paid"}),
    "/pin": ("cashier", {"pin": "2468", "again": "2468"}),
}


@pytest.mark.parametrize("role", ["owner", "cashier", "viewer"])
def test_each_role_sees_its_pages_and_no_others(shop, enter, role):
    client = enter(getattr(shop, role))
    open_to = {"owner": VIEWS + CASHIER + OWNER, "cashier": VIEWS + CASHIER, "viewer": VIEWS}[role]
    for path in VIEWS + CASHIER + OWNER:
        answer = client.raw.get(shop.path + path)
        assert answer.status_code == (200 if path in open_to else 403), f"{role} {path}"


@pytest.mark.parametrize("role", ["owner", "cashier", "viewer"])
def test_each_role_does_its_acts_and_no_others(app, portal, shop, enter, role):
    client = enter(getattr(shop, role))
    token = client.page(shop.path).soup.find("meta", attrs={"name": "csrf-token"})["content"]
    rank = {"viewer": 0, "cashier": 1, "owner": 2}
    for path, (needs, fields) in ACTS.items():
        answer = client.raw.post(shop.path + path, data={**fields, "csrf_token": token}, headers=client.headers)
        if rank[role] >= rank[needs]:
            assert answer.status_code in (200, 303, 422), f"{role} {path} {answer.status_code}"
        else:
            assert answer.status_code == 403, f"{role} {path} {answer.status_code}"


@pytest.mark.parametrize("who", ["customer", "another owner", "former owner"])
def test_for_everybody_else_there_is_no_such_store(app, portal, shop, enter, amy, who):
    from portal.services import store_members

    if who == "another owner":
        person = merchants.shop(app, name="隔壁小館").owner
    elif who == "former owner":
        person = people.customer(portal)
        member = portal.db.transact(store_members.add, shop.store, person.id, "owner", "system")
        portal.db.transact(
            lambda session: store_members.remove(
                session, shop.store, store_members.member(session, shop.store.id, member.public_id), "system"
            )
        )
    else:
        person = amy
    client = enter(person)
    token = client.raw.get("/merchant", follow_redirects=True).text
    token = re.search(r'name="csrf-token" content="([^"]+)"', token).group(1)
    for path in VIEWS + CASHIER + OWNER:
        assert client.raw.get(shop.path + path).status_code == 404, path
    for path, (_, fields) in ACTS.items():
        answer = client.raw.post(shop.path + path, data={**fields, "csrf_token": token}, headers=client.headers)
        assert answer.status_code == 404, path


def test_a_visitor_is_led_to_the_sign_in_page_and_back(client, shop):
    for path in VIEWS + CASHIER + OWNER:
        answer = client.raw.get(shop.path + path)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={shop.path}{path}")
    assert client.raw.get("/merchant").status_code == 303


def test_a_form_without_its_token_or_from_another_site_is_refused(shop, enter):
    client = enter(shop.cashier)
    assert client.raw.post(f"{shop.path}/counter", data={"amount": "5"}).status_code == 403


def test_things_of_another_store_are_not_in_mine(app, portal, shop, enter, amy):
    order = shop.pay(amy, "100")
    asked = shop.ask("5")
    other = merchants.shop(app, name="隔壁小館")
    client = enter(other.owner)
    for path in (f"/payments/{order.public_id}", f"/counter/{asked.public_id}", f"/counter/{asked.public_id}/state"):
        assert client.raw.get(other.path + path).status_code == 404
        assert enter(shop.owner).raw.get(shop.path + path).status_code == 200


def test_risky_acts_ask_again_who_one_is(shop, enter):
    client = enter(shop.owner, recent=False)
    for path in ("/bank-account", "/pin"):
        answer = client.raw.get(shop.path + path)
        assert answer.headers["Location"] == f"/security/confirm?next={shop.path}{path}"
    page = client.page(f"{shop.path}/developers")
    client.submit(page, "/developers/keys", name="Till", scopes="read", status=303)
    assert client.last.headers["Location"] == f"/security/confirm?next={shop.path}/developers"


# --- which store ---


def test_the_only_store_opens_at_once_several_are_chosen_none_is_explained(app, portal, shop, enter, amy):
    from portal.services import store_members

    assert enter(shop.owner).page("/merchant", 303).headers["Location"] == shop.path
    assert "do not work for a store yet" in enter(amy).page("/merchant").text
    other = merchants.shop(app, name="隔壁小館")
    portal.db.transact(store_members.add, other.store, shop.owner.id, "viewer", "system")
    page = enter(shop.owner).page("/merchant")
    assert {link["href"] for link in page.all("a.link-card")} == {shop.path, other.path}
    assert "Change store" in enter(shop.owner).page(shop.path).text


# --- the counter ---


def test_a_request_from_the_pad_to_paid(app, shop, enter, amy):
    client = enter(shop.cashier)
    page = client.submit(f"{shop.path}/counter", "/counter", amount="1,20.5", note="2 latte")
    assert "108" in page.text and "Scan with any phone" in page.text and "2 latte" in page.text
    assert page.one("#request")["data-state"] == "open"
    assert page.soup.select("noscript meta[http-equiv=refresh]")
    request = _newest_request(shop)
    state = f"{page.url}/state"
    first = client.raw.get(state)
    tag = first.headers["ETag"]
    assert client.raw.get(state, headers={"If-None-Match": tag}).status_code == 304
    order = shop.pay(amy, request=request)
    flipped = client.raw.get(state, headers={"If-None-Match": tag})
    assert flipped.status_code == 200 and 'data-state="paid"' in flipped.text and "data-beep" in flipped.text
    assert "hx-trigger" not in flipped.text, "a paid request is not asked for any more"
    page = client.page(page.url)
    assert page.one("#request")["data-state"] == "paid" and order.public_id in page.text
    assert not page.soup.select("noscript meta[http-equiv=refresh]")


def _newest_request(shop):
    from portal.services import payment_requests

    return shop.portal.db.read(payment_requests.page, shop.store.id, count=1)[0].request


def test_the_counters_question_costs_two_small_statements_beside_the_sessions(app, portal, shop, enter):
    import sqlalchemy as sa

    client = enter(shop.cashier)
    asked = shop.ask("5")
    state = f"{shop.path}/counter/{asked.public_id}/state"
    tag = client.raw.get(state).headers["ETag"]
    seen = []
    sa.event.listen(portal.db.engine, "before_cursor_execute", lambda *event: seen.append(event[2]))
    assert client.raw.get(state, headers={"If-None-Match": tag}).status_code == 304
    assert len([text for text in seen if text.startswith("SELECT")]) == 2, seen


def test_the_same_form_sent_twice_asks_once(shop, enter):
    client = enter(shop.cashier)
    page = client.page(f"{shop.path}/counter")
    first = client.submit(page, "/counter", amount="7")
    assert client.submit(page, "/counter", amount="7").url == first.url


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"amount": ""}, "fill this in"),
        ({"amount": "-5"}, "plain digits"),
        ({"amount": "0"}, "outside the limits"),
        ({"amount": "5", "card_no": "12345678901234567890"}, "not registered"),
        ({"amount": "5", "note": "x" * 101}, "check this entry"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_the_input_is_kept(shop, enter, fields, says):
    client = enter(shop.cashier)
    page = client.submit(f"{shop.path}/counter", "/counter", status=422, **fields)
    assert says in page.words(".error-summary")
    assert page.form("/counter", having="amount").values["amount"] == fields["amount"]


def test_a_cancelled_request_says_so(shop, enter):
    client = enter(shop.cashier)
    page = client.submit(f"{shop.path}/counter", "/counter", amount="7")
    page = client.submit(page, "/cancel")
    assert page.one("#request")["data-state"] == "cancelled"


def test_words_in_a_note_stay_words(shop, enter):
    client = enter(shop.cashier)
    page = client.submit(f"{shop.path}/counter", "/counter", amount="7", note='<b hx-get="/x">5</b>')
    assert not page.soup.select("[hx-get='/x']") and '<b hx-get="/x">5</b>' in page.text


# --- the day ---


def test_the_day_shows_what_was_taken_and_is_asked_for_cheaply(app, portal, shop, enter, amy):
    client = enter(shop.viewer)
    block = client.raw.get(f"{shop.path}/today")
    tag = block.headers["ETag"]
    assert client.raw.get(f"{shop.path}/today", headers={"If-None-Match": tag}).status_code == 304
    shop.pay(amy, "100")
    page = client.page(shop.path)
    assert "90" in page.words("[data-takings]")
    assert client.raw.get(f"{shop.path}/today", headers={"If-None-Match": tag}).status_code == 200
    assert f"···{amy.phone[-3:]}" in page.text and amy.phone not in page.html and amy.email not in page.html


# --- payments and refunds ---


def test_a_payment_is_given_back_with_the_pin(app, shop, enter, amy):
    order = shop.pay(amy, "100")
    client = enter(shop.cashier)
    path = f"{shop.path}/payments/{order.public_id}"
    page = client.page(path)
    again = page
    page = client.submit(page, "/refund", amount="20.5", reason="cold", pin=PIN)
    assert "20.50 TWIP" in page.text.replace("\xa0", " ") and "Partly refunded" in page.text and "cold" in page.text
    client.submit(again, "/refund", amount="20.5", reason="cold", pin=PIN)
    assert amy.balance("TWIP") == 1000 * ONE - 90 * ONE + 20_500_000, "sent twice, given back once"
    listed = client.page(f"{shop.path}/refunds")
    assert "cold" in listed.text
    page = client.submit(page, "/refund", status=422, amount="69.51", pin=PIN)
    assert "more than what is left" in page.words(".error-summary")
    assert page.form("/refund").values["amount"] == "69.51" and page.form("/refund").values["pin"] == ""


def test_a_wrong_pin_or_one_too_many_is_said(shop, enter, amy):
    order = shop.pay(amy, "100")
    client = enter(shop.cashier)
    path = f"{shop.path}/payments/{order.public_id}"
    for _ in range(5):
        page = client.submit(path, "/refund", status=422, amount="1", pin="1111")
        assert "not right" in page.words(".error-summary")
    page = client.submit(path, "/refund", status=422, amount="1", pin=PIN)
    assert "Too many wrong PINs" in page.words(".error-summary")
    assert amy.balance("TWIP") == 910 * ONE


def test_above_the_limit_the_owner_signs_on_the_same_page(portal, shop, enter):
    rich = people.customer(portal, twip="20000")
    order = shop.pay(rich, "10000")
    client = enter(shop.cashier)
    path = f"{shop.path}/payments/{order.public_id}"
    page = client.submit(path, "/refund", status=422, amount="4000", pin=PIN)
    assert "owner has to sign" in page.words(".error-summary")
    owner = shop.members["owner"].public_id
    page = client.submit(path, "/refund", status=422, amount="4000", pin=PIN, approver=owner, approver_pin="9999")
    assert page.one("#approver_pin-error")
    client.submit(path, "/refund", amount="4000", pin=PIN, approver=owner, approver_pin=PIN)
    assert rich.balance("TWIP") == (20000 - 9000 + 4000) * ONE


def test_without_a_pin_the_page_leads_to_setting_it(app, portal, enter, amy):
    shop = merchants.shop(app, pins=False)
    order = shop.pay(amy, "100")
    client = enter(shop.cashier)
    assert "Set your PIN" in client.page(f"{shop.path}/payments/{order.public_id}").text
    page = client.submit(f"{shop.path}/pin", "/pin", status=422, pin="1234", again="1234")
    assert "plain row" in page.words(".error-summary")
    page = client.submit(f"{shop.path}/pin", "/pin", status=422, pin="4862", again="4863")
    assert "not the same" in page.words(".error-summary")
    client.submit(f"{shop.path}/pin", "/pin", pin="4862", again="4862")
    client.submit(f"{shop.path}/payments/{order.public_id}", "/refund", amount="1", pin="4862")


def test_a_viewer_finds_no_form_to_give_back(shop, enter, amy):
    order = shop.pay(amy, "100")
    client = enter(shop.viewer)
    page = client.page(f"{shop.path}/payments/{order.public_id}")
    assert not [form for form in page.forms() if form.action.endswith("/refund")]
    token = page.soup.find("meta", attrs={"name": "csrf-token"})["content"]
    answer = client.raw.post(
        f"{shop.path}/payments/{order.public_id}/refund", data={"amount": "1", "pin": PIN, "csrf_token": token},
        headers=client.headers,
    )  # fmt: skip
    assert answer.status_code == 403


def test_payments_are_filtered_paged_and_exported_without_formulas(app, portal, shop, enter, amy):
    for number in range(27):
        shop.pay(amy, request=shop.ask("1", note="=HYPERLINK(1)", reference=f"T-{number}"))
    client = enter(shop.viewer)
    page = client.page(f"{shop.path}/payments")
    assert len(page.all("tbody tr")) == 25
    older = page.one("nav.pager a")["href"]
    rest = client.page(older)
    assert len(rest.all("tbody tr")) == 2
    found = client.page(f"{shop.path}/payments", text="T-26")
    assert len(found.all("tbody tr")) == 1
    assert "No payments found" in client.page(f"{shop.path}/payments", first="2099-01-01").text
    assert len(client.page(f"{shop.path}/payments", first="no day").all("tbody tr")) == 25
    answer = client.raw.get(f"{shop.path}/payments.csv")
    assert answer.mimetype == "text/csv" and answer.text.startswith("\ufeff")
    lines = answer.text.splitlines()
    assert len(lines) == 28
    assert "'=HYPERLINK(1)" in lines[1] and ",=HYPERLINK" not in answer.text
    assert amy.phone not in answer.text


# --- settlements, statements, bank account ---


def test_takings_are_paid_out_from_page_to_page(app, portal, shop, enter, amy):
    shop.pay(amy, "100.5")
    client = enter(shop.owner)
    page = client.submit(f"{shop.path}/settlements", "/settlements", amount="")
    assert "Enter the code" in page.text and "NT$ 90" in page.text.replace("\xa0", " ")
    otp = vouchers.code(app, shop.owner.phone)
    page = client.submit(page, "/confirm", status=422, code=vouchers.wrong(otp))
    assert "not right" in page.words(".error-summary")
    page = client.submit(page, "/confirm", code=otp)
    assert "On its way" in page.text
    state = client.raw.get(f"{page.url}/state")
    vouchers.work(app)
    again = client.raw.get(f"{page.url}/state", headers={"If-None-Match": state.headers["ETag"]})
    assert again.status_code == 200 and "It has arrived" in again.text
    day = portal.db.read(__import__("portal.services.takings", fromlist=["today"]).today, shop.store.id)
    sheet = enter(shop.viewer).page(f"{shop.path}/statements/{day.day}")
    assert "0.45" in sheet.text.replace(" ", "") and "1 settlement" in sheet.text
    listed = enter(shop.viewer).page(f"{shop.path}/statements")
    assert day.day in listed.text
    assert day.day in enter(shop.viewer).raw.get(f"{shop.path}/statements.csv").text


@pytest.mark.parametrize("amount", ["0", "0.5", "1e2", "90.5", "91", "x"])
def test_an_amount_that_cannot_be_paid_out_is_refused(shop, enter, amy, amount):
    shop.pay(amy, "100")
    page = enter(shop.owner).submit(f"{shop.path}/settlements", "/settlements", status=422, amount=amount)
    assert page.errors
    assert shop.balance() == 90 * ONE


def test_a_settlement_is_cancelled_before_its_code(shop, enter, amy):
    shop.pay(amy, "100")
    client = enter(shop.owner)
    page = client.submit(f"{shop.path}/settlements", "/settlements", amount="10")
    page = client.submit(page, "/cancel")
    assert "Cancelled" in page.text
    assert shop.balance() == 90 * ONE


@pytest.mark.parametrize("day", ["2026-02-30", "today", "9999-01-01", "2099-01-01"])
def test_a_statement_of_no_day_is_not_there(shop, enter, day):
    assert enter(shop.viewer).raw.get(f"{shop.path}/statements/{day}").status_code == 404


def test_a_bank_account_is_entered_and_waits_for_staff(app, portal, enter, amy):
    shop = merchants.shop(app, bank=False)
    client = enter(shop.owner)
    good = {"holder": "山嵐咖啡", "bank_code": "812", "branch_code": "0012", "account": "001-2345-678"}
    for wrong in ({"holder": ""}, {"bank_code": "999"}, {"branch_code": "12"}, {"account": "12"}):
        page = client.submit(f"{shop.path}/bank-account", "/bank-account", status=422, **{**good, **wrong})
        assert page.errors
    page = client.submit(f"{shop.path}/bank-account", "/bank-account", **good)
    assert "ending in 5678 is being looked at" in page.text
    assert "001-2345-678" not in page.html


# --- people ---


def test_somebody_is_invited_accepts_and_leaves(app, portal, shop, enter, visitor):
    client = enter(shop.owner)
    eve = people.customer(portal, "eve")
    page = client.submit(f"{shop.path}/people", "/people", having="email", email="EVE@example.com", role="cashier")
    assert "eve@example.com" in page.text
    vouchers.work(app)
    mail = messages(portal, "eve@example.com")[0]["body"]
    path = re.search(r"/merchant/invitations/[\w-]+", mail).group(0)
    mallory = enter(people.customer(portal, "mallory"))
    assert "another e-mail address" in mallory.page(path, 410).text
    page = enter(eve).submit(path, path)
    assert page.url == shop.path
    assert enter(eve).page(f"{shop.path}/counter")
    assert "has been used" in enter(eve).page(path, 410).text
    page = client.page(f"{shop.path}/people")
    remove = next(
        form.action
        for form in page.forms()
        if form.action.endswith("/remove") and "eve" in str(form.tag.find_parent("tr"))
    )
    client.submit(page, remove)
    assert enter(eve).raw.get(shop.path).status_code == 404


def test_inviting_tells_nothing_of_who_has_an_account(app, portal, shop, enter, amy):
    client = enter(shop.owner)
    known = client.submit(f"{shop.path}/people", "/people", having="email", email=amy.email, role="viewer")
    unknown = client.submit(f"{shop.path}/people", "/people", having="email", email="nobody@example.com", role="viewer")
    assert "is on its way to" in known.text and "is on its way to" in unknown.text
    page = client.submit(f"{shop.path}/people", "/people", having="email", status=422, email="no mail", role="viewer")
    assert "not an e-mail address" in page.words(".error-summary")


def test_the_last_owner_stays(shop, enter):
    client = enter(shop.owner)
    page = client.page(f"{shop.path}/people")
    base = f"/people/{shop.members['owner'].public_id}"
    for act, fields in (("/role", {"role": "viewer"}), ("/remove", {})):
        client.submit(page, base + act, status=303, **fields)
        assert "at least one owner" in client.page(f"{shop.path}/people").text
    client.submit(page, f"/people/{shop.members['cashier'].public_id}/role", role="owner")
    client.submit(page, base + "/role", status=303, role="viewer")
    assert client.raw.get(f"{shop.path}/people").status_code == 403


def test_a_forgotten_pin_is_cleared_by_an_owner(shop, enter, amy):
    order = shop.pay(amy, "100")
    client = enter(shop.owner)
    client.submit(f"{shop.path}/people", f"/people/{shop.members['cashier'].public_id}/pin")
    assert "Set your PIN" in enter(shop.cashier).page(f"{shop.path}/payments/{order.public_id}").text


def test_the_discount_counts_from_now_on(shop, enter, amy):
    client = enter(shop.owner)
    page = client.page(f"{shop.path}/discount")
    assert page.form("/discount").values["discount_value"] == "10"
    assert "The discount of 10%" in enter(shop.cashier).page(f"{shop.path}/counter").text
    page = client.submit(f"{shop.path}/discount", "/discount", discount_type="fixed", discount_value="30")
    assert "70" in page.text
    order = shop.pay(amy, "20")
    assert order.amount_units == 0
    for kind, value in (("percent", "101"), ("fixed", "-1"), ("odd", "1"), ("percent", "1.234"), ("fixed", "１")):
        page = client.submit(f"{shop.path}/discount", "/discount", status=422, discount_type=kind, discount_value=value)
        assert page.errors


# --- keys and webhooks ---


def test_a_key_is_shown_once_and_ends_at_once(app, shop, enter):
    client = enter(shop.owner)
    page = client.submit(f"{shop.path}/developers", "/developers/keys", status=200, name="Till 1", scopes="read")
    token = re.search(r"mk_[0-9a-f]{24}\.[\w-]{43}", page.html).group(0)
    call = {"headers": {"Authorization": f"Bearer {token}"}}
    assert app.test_client().get("/api/v1/merchant/store", **call).status_code == 200
    page = client.page(f"{shop.path}/developers")
    assert token not in page.html and token.split(".")[0] in page.html
    client.submit(page, "/keys/end")
    assert app.test_client().get("/api/v1/merchant/store", **call).status_code == 401
    page = client.submit(f"{shop.path}/developers", "/developers/keys", status=422, name="", scopes="read")
    assert "Give the key a name" in page.words(".error-summary")
    page = client.submit(f"{shop.path}/developers", "/developers/keys", status=422, name="Till")
    assert "Choose what the key may do" in page.words(".error-summary")


def test_a_webhook_is_added_tried_out_looked_at_and_sent_again(app, portal, shop, enter, amy):
    client = enter(shop.owner)
    with receiving(500) as receiver:
        page = client.submit(
            f"{shop.path}/developers", "/developers/webhooks", status=200, url=receiver.url, events=["payment.paid"]
        )
        secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page.html).group(0)
        link = next(a["href"] for a in page.all("a") if a.get_text() == receiver.url)
        page = client.submit(link, "/test")
        vouchers.work(app)
        assert receiver.got[0].verified(secret)["type"] == "test.ping"
        shown = client.page(next(a["href"] for a in page.all("tbody a")))
        assert "500" in shown.text and "Under way" in shown.text and "as told" in shown.text
        portal.clock.advance(6)
        vouchers.work(app)
        shown = client.page(shown.url)
        assert "Delivered" in shown.text
        order = shop.pay(amy, "100")
        vouchers.work(app)
        paid = receiver.got[-1].verified(secret)
        assert (paid["type"], paid["data"]["payment"], paid["data"]["amount"]) == (
            "payment.paid",
            order.public_id,
            "90",
        )
        log = client.page(f"{shop.path}/developers/deliveries")
        first = client.page(log.all("tbody a")[0]["href"])
        client.submit(first, "/resend")
        vouchers.work(app)
        assert receiver.got[-1].message_id == receiver.got[-2].message_id
        page = client.submit(link, "/rotate", status=200)
        fresh = re.search(r"whsec_[A-Za-z0-9+/=]+", page.html).group(0)
        assert fresh != secret and secret not in client.page(link).html and fresh not in client.page(link).html
        client.submit(link, "/remove")
    assert client.raw.get(link).status_code == 404


def test_the_log_of_another_store_is_not_there(app, portal, shop, enter):
    portal.db.transact(
        webhooks.add_endpoint, "store", shop.store.id, "http://127.0.0.1:9/", ["*"], store_payments.EVENTS, "customer:1"
    )
    portal.db.transact(webhooks.tell, "store", shop.store.id, "payment.paid", {}, key="x")
    (told,) = portal.db.read(webhooks.log, "store", shop.store.id)
    mine, theirs = enter(shop.owner), merchants.shop(app, name="隔壁小館")
    path = f"/developers/deliveries/{told.delivery.public_id}"
    assert mine.raw.get(shop.path + path).status_code == 200
    assert enter(theirs.owner).raw.get(theirs.path + path).status_code == 404


@pytest.mark.parametrize("fields", [{"url": "shop"}, {"url": "https://shop.example.com/", "events": None}])
def test_a_webhook_that_is_none_is_refused(shop, enter, fields):
    client = enter(shop.owner)
    page = client.submit(
        f"{shop.path}/developers", "/developers/webhooks", status=422, **{"events": "payment.paid", **fields}
    )
    assert page.errors


def test_codes_reach_only_the_phone_of_the_owner_who_asked(app, portal, shop, enter, amy):
    shop.pay(amy, "100")
    second = people.customer(portal)
    from portal.services import store_members

    portal.db.transact(store_members.add, shop.store, second.id, "owner", "system")
    page = enter(shop.owner).submit(f"{shop.path}/settlements", "/settlements", amount="10")
    assert vouchers.code(app, shop.owner.phone) == code_for(portal, shop.owner.phone)
    other = enter(second).page(page.url)
    assert "Waiting for the code" in other.text and not [f for f in other.forms() if f.action.endswith("/confirm")]
