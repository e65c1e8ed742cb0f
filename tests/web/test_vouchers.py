"""Vouchers, stores, paying and cards from page to page, without JavaScript."""

import pytest

from portal.models.stores import PaymentRequest
from portal.money import parse_units
from portal.services import cards, payment_requests, refunds
from tests.support import merchants, people, vouchers
from tests.support.market import address, mine, send
from tests.support.vouchers import bank_brings, open_store, own_account, work, wrong

OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


@pytest.fixture
def amy(portal):
    vouchers.open_companies(portal)
    return people.customer(portal, "Amy", twip="1000")


@pytest.fixture
def cafe(portal, amy):
    return open_store(
        portal, "山嵐咖啡", discount="10", kind="percent", area="台北市大安區", latitude_micro=25_027_500,
        longitude_micro=121_545_800,
    )  # fmt: skip


@pytest.fixture
def enter(client):
    def signed_in(person, visitor=client):
        visitor.raw.set_cookie("token", person.token)
        visitor.raw.set_cookie("language", "en")
        return visitor

    return signed_in


def code(app, person):
    return vouchers.code(app, person.phone)


def link(page, words):
    """Where the page's link of these words leads."""
    [found] = [tag["href"] for tag in page.all("a") if words in tag.get_text()]
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/vouchers", "/vouchers/buy", "/vouchers/orders", "/vouchers/orders/x", "/vouchers/swap", "/vouchers/redeem",
        "/vouchers/withdraw", "/vouchers/deposit", "/vouchers/bank-account", "/payments", "/payments/x", "/cards",
    ],
)  # fmt: skip
def test_a_visitor_is_led_to_the_sign_in_page_and_back(client, path):
    assert client.page(path, 303).headers["Location"] == "/login?next=" + path


def test_the_front_page_shows_what_one_has_and_what_to_do_next(enter, amy):
    page = enter(amy).page("/vouchers")
    assert "1,000" in page.text
    assert "No orders yet" in page.text and "No payments yet" in page.text


def test_buying_from_page_to_page(app, portal, enter, amy):
    pages = enter(amy)
    page = pages.submit(
        "/vouchers/buy", "/vouchers/buy", quantity="1,500", payment_type="atm", fund_password=amy.password
    )
    refused = pages.submit(page, "/confirm", status=422, code=wrong(code(app, amy)))
    assert "not right" in refused.text
    page = pages.submit(page, "/confirm", code=code(app, amy))
    assert "Now transfer NT$\u00a01,500" in page.text and "left" in page.text
    account = page.html.split('data-copy="918')[1].split('"')[0]
    assert "TWQRP" not in page.text and "<svg" in page.html
    path = page.url
    assert "Now transfer" in pages.page(f"{path}/live", htmx=True).text
    bank_brings(portal, "918" + account, "1500", payer_account=own_account(amy))
    assert "Your vouchers are here" in pages.page(path).text
    assert amy.balance("TWIP") == parse_units("2500", "TWIP")
    assert "1,500" in pages.page("/vouchers/orders").text


def test_an_order_shows_its_own_troubles_beside_the_fields(enter, amy):
    pages = enter(amy)
    for fields, said in (
        ({"quantity": "5"}, "outside the limits"),
        ({"quantity": "10.5"}, "whole number of dollars"),
        ({"quantity": "abc"}, "plain digits"),
        ({"quantity": "100", "fund_password": "wrong"}, "password is not right"),
        ({"quantity": "100", "payment_type": "remittance", "remittance_name": ""}, "fill this in"),
    ):
        sent = {"fund_password": amy.password, **fields}
        page = pages.submit("/vouchers/buy", "/vouchers/buy", status=422, **sent)
        assert said in page.text and fields["quantity"] in page.html


def test_the_preview_is_the_orders_own_sum(enter, amy):
    pages = enter(amy)
    page = pages.page("/vouchers/buy")
    token = page.form("/vouchers/buy").values["csrf_token"]

    def preview(quantity):
        sent = {"quantity": quantity, "csrf_token": token}
        return pages.raw.post("/vouchers/buy/preview", data=sent, headers={"HX-Request": "true", **pages.headers}).text

    assert "1,234" in preview("1234")
    assert "whole number" in preview("1234.5")


def test_the_same_form_sent_twice_makes_one_order(app, enter, amy):
    pages = enter(amy)
    page = pages.page("/vouchers/buy")
    fields = {"quantity": "100", "payment_type": "atm", "fund_password": amy.password}
    first = pages.submit(page, "/vouchers/buy", **fields)
    second = pages.submit(page, "/vouchers/buy", **fields)
    assert first.url == second.url


def test_without_a_bank_account_the_page_says_what_unlocks_it(app, enter, portal, amy):
    person = people.customer(portal, kyc_level=1)
    pages = enter(person)
    assert "Add your bank account first" in pages.page("/vouchers/buy").text
    fields = {"name": "林小明", "bank_code": "013", "branch_code": "0017", "card_no": "1234-5678-9012"}
    refused = pages.submit(
        "/vouchers/bank-account", "/vouchers/bank-account", status=422, fund_password="wrong", **fields
    )
    assert "password is not right" in refused.text
    page = pages.submit("/vouchers/bank-account", "/vouchers/bank-account", fund_password=person.password, **fields)
    assert "ending in 9012" in page.text
    pages.submit(page, "/verify", status=422, code=wrong(code(app, person)))
    assert "Your bank account is verified" in pages.submit(page, "/verify", code=code(app, person)).text


def test_a_changed_bank_account_holds_what_leaves(app, enter, portal, amy):
    pages = enter(amy)
    fields = {"name": "林小明", "bank_code": "013", "branch_code": "0017", "card_no": "123456789012"}
    page = pages.submit("/vouchers/bank-account", "/vouchers/bank-account", fund_password=amy.password, **fields)
    page = pages.submit(page, "/verify", code=code(app, amy))
    assert "Payouts are on hold" in page.text
    assert "Payouts are on hold" in pages.page("/vouchers/redeem").text
    assert "Your bank account was changed" in pages.page("/notifications").text
    portal.clock.advance(24 * 3600 + 1)
    assert "Payouts are on hold" not in pages.page("/vouchers/redeem").text


def test_redeeming_leads_to_the_withdrawals_own_page(app, enter, amy):
    pages = enter(amy)
    page = pages.submit("/vouchers/redeem", "/vouchers/redeem", amount="250", fund_password=amy.password)
    assert page.url.startswith("/wallet/withdraw/")
    pages.submit(page, "/confirm", code=code(app, amy))
    assert amy.balance("TWIP", "frozen") == parse_units("250", "TWIP")
    refused = pages.submit("/vouchers/redeem", "/vouchers/redeem", status=422, amount="751", fund_password=amy.password)
    assert "too low" in refused.text


def test_sending_out_checks_the_address(app, enter, amy):
    pages = enter(amy)
    fields = {"amount": "10", "fund_password": amy.password}
    refused = pages.submit(
        "/vouchers/withdraw", "/vouchers/withdraw", status=422, recipient_address=OUTSIDE[:-1] + "x", **fields
    )
    assert "no address of the chosen network" in refused.text
    page = pages.submit("/vouchers/withdraw", "/vouchers/withdraw", recipient_address=OUTSIDE, **fields)
    pages.submit(page, "/confirm", code=code(app, amy))
    assert amy.balance("TWIP", "frozen") == parse_units("10", "TWIP")


def test_swapping_from_page_to_page(app, enter, amy):
    pages = enter(amy)
    page = pages.submit("/vouchers/swap", "/vouchers/swap", quantity="40", fund_password=amy.password)
    pages.submit(page, "/confirm", status=422, code=wrong(code(app, amy)))
    page = pages.submit(page, "/confirm", code=code(app, amy))
    assert "Swapped" in page.text
    assert amy.balance("TWIG") == parse_units("40", "TWIG")
    assert "TWIG → TWIP" in pages.page("/vouchers/swap", **{"from": "TWIG"}).text


def test_arrivals_from_the_chain_are_shown(portal, enter, amy):
    pages = enter(amy)
    assert "Nothing has arrived yet" in pages.page("/vouchers/deposit").text
    send(portal, "TRON", "TWIP", address(portal, amy), "7.5")
    mine(portal)
    assert "+7" in pages.page("/vouchers/deposit").text and "Arrived" in pages.page("/vouchers/deposit").text


def test_stores_are_found_by_name_area_and_distance(client, portal, cafe):
    open_store(portal, "和平書房", area="台北市中正區", latitude_micro=25_027_000, longitude_micro=121_516_900)
    page = client.page("/stores")
    assert "山嵐咖啡" in page.text and "和平書房" in page.text and "10% off" in page.text
    assert "山嵐咖啡" not in client.page("/stores", name="書").text
    assert "和平書房" not in client.page("/stores", area="台北市大安區").text
    near = client.page("/stores", near="25.0271,121.5170").text
    assert near.index("和平書房") < near.index("山嵐咖啡") and "km away" in near
    assert "No store fits" in client.page("/stores", name="nothing of that name").text
    for odd in ("x", "91,0", "0,181", "1e9,1", "25.0271"):
        client.page("/stores", near=odd)
    shown = client.page(f"/stores/{cafe.public_id}")
    assert "10% off the bill" in shown.text and f"/pay/{cafe.code}" in shown.html
    client.page("/stores/nothing", 404)


def test_many_stores_have_pages_that_lead_both_ways(client, portal, amy):
    for number in range(30):
        open_store(portal, f"Store {number:02d}")
    first = client.page("/stores")
    assert "Store 11" in first.text and "Store 12" not in first.text and "Newer" not in first.text
    second = client.page(link(first, "Older"))
    assert "Store 12" in second.text and "Store 23" in second.text
    third = client.page(link(second, "Older"))
    assert "Store 29" in third.text and "Older" not in third.text
    back = client.page(link(third, "Newer"))
    assert "Store 12" in back.text and "Store 23" in back.text
    assert "Store 00" in client.page(link(back, "Newer")).text


def test_paying_by_the_stores_own_code(app, enter, portal, amy, cafe):
    pages = enter(amy)
    page = pages.submit(f"/pay/{cafe.code}", f"/pay/{cafe.code}", amount="200")
    assert "Pay 180" in page.text and "Enter the code" in page.text
    pages.submit(page, status=422, code=wrong(code(app, amy)), having="code")
    page = pages.submit(page, having="code", code=code(app, amy))
    assert "Paid" in page.text and "山嵐咖啡" in page.text
    assert amy.balance("TWIP") == parse_units("820", "TWIP")
    assert "山嵐咖啡" in pages.page("/payments").text


def test_a_stranger_sees_the_counters_request_and_is_asked_to_sign_in(app, visitor, enter, portal, amy, cafe):
    asked = portal.db.transact(payment_requests.create, cafe, "150", made_by="store:1", note="Two lattes")
    page = visitor().page(f"/pay/{asked.code}")
    assert "Two lattes" in page.text and "135" in page.text and f"/login?next=/pay/{asked.code}" in page.html
    pages = enter(amy)
    page = pages.submit(f"/pay/{asked.code}", f"/pay/{asked.code}")
    assert pages.page(f"/pay/{asked.code}", 303).headers["Location"] == page.url
    otp = code(app, amy)
    paid = pages.submit(page, having="code", code=otp)
    assert "Paid" in paid.text
    again = pages.raw.post(page.url, data={**page.form(having="code").values, "code": otp}, headers=pages.headers)
    assert again.status_code == 303 and again.headers["Location"] == page.url
    assert amy.balance("TWIP") == parse_units("865", "TWIP")
    with portal.db.session() as session:
        assert session.get(PaymentRequest, asked.id).status == "paid"
    assert "closed" in visitor().page(f"/pay/{asked.code}").text


def test_a_request_for_a_card_is_its_holders_alone(enter, visitor, app, portal, amy, cafe):
    ben = people.customer(portal, twip="100")
    portal.db.transact(cards.register, amy.id, "0" * 20)
    portal.db.transact(cards.verify, amy.id, "0" * 20, code(app, amy))
    asked = portal.db.transact(payment_requests.create, cafe, "10", made_by="store:1", card_no="0" * 20)
    assert "somebody else" in enter(ben, visitor()).page(f"/pay/{asked.code}").text
    page = enter(amy).submit(f"/pay/{asked.code}", f"/pay/{asked.code}")
    assert "Enter the code" in page.text


def test_unknown_codes_and_foreign_payments_are_missing(app, enter, visitor, portal, amy, cafe):
    ben = people.customer(portal)
    pages = enter(amy)
    pages.page("/pay/NOSUCHCODE", 404)
    page = pages.submit(f"/pay/{cafe.code}", f"/pay/{cafe.code}", amount="10")
    stranger = enter(ben, visitor())
    stranger.page(page.url, 404)
    stranger.page("/payments/" + page.url.rpartition("/")[2], 404)


def test_a_payment_that_ran_out_can_be_begun_again(app, enter, portal, amy, cafe):
    pages = enter(amy)
    page = pages.submit(f"/pay/{cafe.code}", f"/pay/{cafe.code}", amount="10")
    otp = code(app, amy)
    portal.clock.advance(301)
    late = pages.submit(page, status=422, having="code", code=otp)
    assert "Nothing was paid" in late.text and "Start again" in late.text
    work(app)
    assert "Nothing was paid" in pages.page(page.url).text


def test_bills_that_are_none_are_said_beside_the_field(enter, amy, cafe):
    pages = enter(amy)
    for amount, said in (
        ("", "plain digits"),
        ("-5", "plain digits"),
        ("1112", "too low"),
        ("0.0000001", "decimal places"),
    ):
        page = pages.submit(f"/pay/{cafe.code}", f"/pay/{cafe.code}", status=422, amount=amount)
        assert said in page.text


def test_cards_are_added_proven_and_removed(app, enter, amy):
    pages = enter(amy)
    refused = pages.submit("/cards", "/cards", status=422, card_no="123")
    assert "check this entry" in refused.text
    page = pages.submit("/cards", "/cards", card_no="0FEE AFDA 805B C632 F600")
    assert "ending in f600" in page.text
    pages.submit(page, "/cards/verify", status=422, code=wrong(code(app, amy)))
    page = pages.submit(page, "/cards/verify", code=code(app, amy))
    assert "Your card is registered" in page.text and "1 of 10" in page.text
    assert "No cards yet" in pages.submit(page, "/remove").text


def test_a_receipt_shows_what_came_back(app, enter, portal, amy):
    shop = merchants.shop(app)
    order = shop.pay(amy, "100")
    portal.db.transact(refunds.refund, shop.store, order.public_id, "30", reason="one too many", signed=shop.sign())
    pages = enter(amy)
    receipt = pages.page(f"/payments/{order.public_id}").text
    assert "Refund" in receipt and "+30" in receipt
    assert "came back" in pages.page("/payments").text
