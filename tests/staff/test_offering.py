"""Assets and networks are switched by two people: what is new is refused in every family's words, what is under way goes on."""

from functools import partial
from typing import Any

import pytest
from flask import Flask

from portal.errors import Refusal
from portal.money import parse_units
from portal.services import approvals, offering, quotes, staff_settings
from tests.staff.test_setup import approve_newest
from tests.support import desk, people, vouchers
from tests.support.families import BrokerageClient, VoucherClient
from tests.support.market import address, mine, open_market, send
from tests.support.outside import at_once, code_for, let_blocks_go_by, run_worker

PAGE = "/staff/offering"
OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


def switch(portal: Any, thing: str, act: str, *, on: bool = False) -> None:
    """What the approval of a proposal does."""
    _, payload = portal.db.read(offering.proposal, thing, act, on)
    portal.db.transact(offering.carry_out, payload, "staff:0", "approval:0")


def is_open(portal: Any, act: str, *things: str) -> bool:
    return bool(portal.db.read(offering.is_open, act, *things))


@pytest.fixture
def amy(app: Flask, portal: Any) -> people.Person:
    open_market(portal, usdt="30")
    return people.customer(portal, "Amy", totp=True, twd="100000", usdt="1000", eth="2", twip="1000")


@pytest.fixture
def calls(app: Flask, amy: people.Person) -> BrokerageClient:
    return BrokerageClient(app, amy.token)


def test_a_switch_is_moved_by_two_and_every_move_is_kept(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "treasury")
    who.submit(PAGE, PAGE, switch="ETH:trading", to="paused", reason="the market is being looked at")
    assert is_open(portal, "trading", "ETH")
    approve_newest(app, "admin")
    assert not is_open(portal, "trading", "ETH")
    assert is_open(portal, "trading", "USDT") and is_open(portal, "withdrawals", "ETH", "ETHEREUM")
    page = who.page(PAGE)
    assert [badge.get_text(strip=True) for badge in page.all("main table .badge")].count("Paused") == 1
    assert "the market is being looked at" in page.text
    who.submit(PAGE, PAGE, switch="ETH:trading", to="open", reason="all is well again")
    approve_newest(app, "admin")
    assert is_open(portal, "trading", "ETH")
    assert [row.version for row in portal.db.read(staff_settings.versions, offering.RULE)] == [2, 1]
    first, second = desk.audited(portal, offering.KIND)
    assert first.subject == second.subject == "offering:ETH"
    assert (first.details["before"], first.details["after"]) == ({"trading_open": True}, {"trading_open": False})


def test_what_is_nonsense_or_stands_so_already_is_refused_beside_the_form(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "treasury")
    sent = {"switch": "ETH:trading", "to": "paused", "reason": "because"}
    for wrong in (
        {"to": "open"}, {"to": "shut"}, {"switch": "TRON:trading"}, {"switch": "BTC:deposits"}, {"switch": "ETH"},
        {"switch": ""}, {"reason": ""},
    ):  # fmt: skip
        assert who.submit(PAGE, PAGE, **{**sent, **wrong}, status=422).errors, wrong
    assert not desk.audited(portal, "approval.propose")


def test_nobody_approves_their_own_switch_and_one_that_was_overtaken_is_not_carried_out(
    app: Flask, portal: Any
) -> None:
    who = desk.desk(app, "treasury", "admin")
    who.submit(PAGE, PAGE, switch="TRON:deposits", to="paused", reason="a fork")
    page = who.page(str(who.page("/staff/approvals").all("#list td a")[0]["href"]))
    assert "Deposits open" in page.text and "TRON" in page.text
    assert not page.all("form[action$='/approve']")
    switch(portal, "TRON", "deposits")
    proposal = portal.db.read(approvals.about, "offering:TRON")[0]
    with pytest.raises(Refusal, match="approval_overtaken"):
        portal.db.transact(offering.carry_out, proposal.payload, "staff:0", "approval:1")


def test_who_may_only_look_moves_no_switch(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "finance")
    page = who.page(PAGE)
    assert "Assets and networks" in page.text and not page.all(f"form[action='{PAGE}']")
    desk.desk(app, "support").page(PAGE, 403)


def test_a_paused_market_gives_no_price_and_keeps_the_one_it_gave(
    portal: Any, amy: people.Person, calls: BrokerageClient, brokerage: Any
) -> None:
    held = calls.ok("POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10})
    switch(portal, "USDT", "trading")
    assert brokerage().ok("GET", "/wallet/crypto_list") == ["ETH"]
    said = calls.refused(-2023, "POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10})
    assert said["msg"] == "未知的币种"
    convert = {
        "operation": "CONVERT", "fromWallet": [{"wallet": "SPOT@", "asset": "TWD", "amount": 1000}], "toAsset": "USDT"
    }  # fmt: skip
    calls.refused(-2023, "POST", "/capital/wallet/operation", convert)
    assert calls.ok("POST", "/trade/accept", {"quoteId": held["quoteId"]})["status"] == 30007
    assert amy.balance("USDT") == parse_units("1010", "USDT")
    calls.ok("POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": "0.01", "quoteBaseCurrency": "ETH"})
    switch(portal, "USDT", "trading", on=True)
    assert brokerage().ok("GET", "/wallet/crypto_list") == ["ETH", "USDT"]
    calls.ok("POST", "/trade/quote", {"side": "buy", "quoteAmountInBase": 10})


def test_a_paused_network_shows_no_address_and_credits_what_arrives(
    app: Flask, portal: Any, amy: people.Person, calls: BrokerageClient
) -> None:
    mine_of_amy = address(portal, amy, "TRON")
    send(portal, "TRON", "USDT", mine_of_amy, "5")
    switch(portal, "TRON", "deposits")
    for path in ("/wallet/address", "/wallet/addresses"):
        calls.refused(-4038, "POST", path, {"coinNetwork": "USDT-TRC20"})
    assert calls.ok("POST", "/wallet/address", {"coinNetwork": "USDT-ERC20"})["paymentWay"] == "ERC20"
    with app.app_context():
        send(portal, "TRON", "USDT", mine_of_amy, "7")
        mine(portal, "TRON")
    assert amy.balance("USDT") == parse_units("1012", "USDT")
    assert calls.ok("GET", "/wallet/crypto_paymentway") == {"USDT": ["ERC20", "TRC20"], "ETH": ["ERC20"]}
    switch(portal, "TRON", "withdrawals")
    assert calls.ok("GET", "/wallet/crypto_paymentway") == {"USDT": ["ERC20"], "ETH": ["ERC20"]}
    client = VoucherClient(app, amy.voucher_token())
    client.refused("account_invalid_wallet", "GET", "/deposits/wallet/twip")


def test_a_paused_asset_leaves_no_more_and_what_was_asked_for_is_sent(
    app: Flask, portal: Any, amy: people.Person, calls: BrokerageClient
) -> None:
    body = {"currency": "USDT", "amount": 100, "address": OUTSIDE, "paymentWay": "TRC20"}
    made = calls.ok("POST", "/wallet/withdraw", {**body, "code2FA": amy.code()})
    switch(portal, "TRON", "withdrawals")
    switch(portal, "ETH", "withdrawals")
    assert [row["paymentWay"] for row in calls.ok("GET", "/wallet/pre_withdraw", query={"currency": "USDT"})] == [
        "ERC20"
    ]
    assert calls.ok("GET", "/wallet/pre_withdraw", query={"currency": "ETH"}) == []
    assert len(calls.ok("GET", "/wallet/pre_withdraw", query={"currency": "TWD"})) == 1
    portal.clock.advance(31)
    calls.refused(-2023, "POST", "/wallet/withdraw", {**body, "code2FA": amy.code()})
    with app.app_context():
        run_worker(portal)
        code = code_for(portal, amy.email)
        calls.ok("PATCH", "/wallet/withdraw", {"auditId": made["auditId"], "codeEmail": code})
        run_worker(portal)
        let_blocks_go_by(portal, "TRON")
        run_worker(portal)
    assert amy.balance("USDT") == parse_units("900", "USDT")
    assert amy.balance("USDT", "frozen") == 0


def test_vouchers_on_pause_are_neither_sold_nor_swapped_nor_sent(app: Flask, portal: Any, amy: people.Person) -> None:
    vouchers.open_companies(portal)
    client = VoucherClient(app, amy.voucher_token())
    out = {"recipient_address": OUTSIDE, "fund_password": amy.password, "currency": "twip", "amount": 100}
    swap = {"fund_password": amy.password, "from_asset": "TWIP", "to_asset": "TWIG", "quantity": 100}
    buy = {
        "fund_password": amy.password, "quantity": 100, "payment_type": "atm", "payout_account": vouchers.PAYOUT["tungkai"]
    }  # fmt: skip
    switch(portal, "TWIP", "withdrawals")
    client.refused("withdrawal_invalid_status", "POST", "/withdrawals", out)
    client.ok("POST", "/redemptions", {name: value for name, value in out.items() if name != "recipient_address"})
    switch(portal, "TWIP", "trading")
    for path, body in (("/orders/buy", buy), ("/orders/swap", swap)):
        client.refused("order_insufficient_voucher_of_system", "POST", path, body)
    switch(portal, "TWIP", "trading", on=True)
    for path, body in (("/orders/buy", buy), ("/orders/swap", swap)):
        client.ok("POST", path, body)


def test_the_pages_say_it_calmly(app: Flask, portal: Any, amy: people.Person, visitor: Any) -> None:
    pages = visitor("en")
    pages.raw.set_cookie("token", amy.token)
    for thing, act in (("ETH", "trading"), ("TRON", "deposits"), ("TRON", "withdrawals"), ("ETH", "withdrawals")):
        switch(portal, thing, act)
    deposit = pages.page("/wallet/deposit?way=usdt-tron")
    assert "Deposits of this kind are paused" in deposit.text and not deposit.all(".qr-card")
    assert "paused" not in pages.page("/wallet/deposit?way=usdt-ethereum").text
    received = pages.page("/vouchers/deposit")
    assert "Deposits of this kind are paused" in received.text and not received.all(".qr-card")
    trade = pages.page("/trade?asset=ETH")
    assert trade.text.count("Trading in this currency is paused") == 1
    refused = pages.submit(trade, "/trade/quote", amount="1000", status=422)
    assert "Trading in this currency is paused" in refused.text
    assert "paused" not in pages.page("/trade?asset=USDT").text
    assert "Trading in this currency is paused" in pages.page("/convert?from=TWD&to=ETH&amount=1000").text
    usdt = pages.page("/wallet/withdraw?asset=USDT")
    assert "TRON (TRC20) is paused for the moment." in usdt.text
    assert [str(radio["value"]) for radio in usdt.all("input[name=network]")] == ["ETHEREUM"]
    eth = pages.page("/wallet/withdraw?asset=ETH")
    assert "Withdrawals of this kind are paused" in eth.text and not eth.all("form[action='/wallet/withdraw']")
    assert pages.page("/wallet/withdraw?asset=TWD").all("form[action='/wallet/withdraw']")


def test_what_has_no_switch_is_open_and_a_later_release_adds_its_own(portal: Any) -> None:
    assert is_open(portal, "trading", "NEW", "BANK")
    switch(portal, "USDT", "trading")
    assert is_open(portal, "deposits", "USDT", "TRON")
    assert portal.db.read(offering.open_networks, "USDT", "deposits") == ["ETHEREUM", "TRON"]
    with pytest.raises(Refusal, match="trading_paused"):
        portal.db.read(quotes.indicate, people.customer(portal).id, "buy", "USDT", "base", 1_000_000)


def test_two_switches_that_are_moved_at_once_both_move_or_one_is_told(portal: Any) -> None:
    payloads = [portal.db.read(offering.proposal, asset, "trading", False)[1] for asset in ("USDT", "ETH", "TWIP")]
    moves = [partial(portal.db.transact, offering.carry_out, each, "staff:0", "approval:0") for each in payloads]
    results = at_once(*moves)
    told = [each for each in results if isinstance(each, str)]
    assert set(told) <= {"state_conflict"}
    moved = [asset for asset in ("USDT", "ETH", "TWIP") if not is_open(portal, "trading", asset)]
    assert len(moved) == 3 - len(told)
    assert len(portal.db.read(staff_settings.versions, offering.RULE)) == len(moved) >= 1
