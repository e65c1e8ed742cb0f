"""The bank's side: what the card network booked, declined and stated, as the institution sees it."""

import pytest

from portal import ledger
from portal.models.cards import CardTransaction
from portal.sandbox import play_cards
from portal.services import partner_cards
from tests.api.partner.test_cards import act
from tests.support.partners import partner


def use(p, card_no: str, kind: str, amount: str, description: str = "SHOP"):
    with p.app.app_context():
        return play_cards.use_card(p.portal, card_no, kind, amount, description)


def balance(p, card_no: str) -> tuple[str, str]:
    said = p.ok("POST", "/bank/balance", {"card_no": card_no})
    return said["current_balance"], said["available_balance"]


def statement(p, card_no: str, first: str, last: str):
    body = {"card_no": card_no, "former_month_year": first, "latter_month_year": last}
    return p.ok("POST", "/bank/transaction-record", body)


@pytest.fixture
def loaded(app):
    p = partner(app)
    card_no = p.card()
    p.load(card_no, "100")
    p.work()
    return p, card_no


def test_account_status(app) -> None:
    p = partner(app)
    card_no = p.card(active=False)
    assert p.ok("POST", "/bank/account-status", {"card_no": card_no}) is False
    p.refused(111018, "POST", "/bank/balance", {"card_no": card_no})
    p.ok("PUT", "/debit-cards/status", {"card_no": card_no, "acct_no": "u1"})
    assert p.ok("POST", "/bank/account-status", {"card_no": card_no}) is True
    assert balance(p, card_no) == ("0", "0")


def test_uses_of_a_card_with_their_fees(loaded) -> None:
    p, card_no = loaded
    assert balance(p, card_no) == ("95.13", "95.13")
    assert use(p, card_no, "purchase", "10", "COFFEE")["fee"] == "2"
    assert balance(p, card_no)[0] == "83.13"
    assert use(p, card_no, "atm", "20.01")["fee"] == "2.01"
    assert balance(p, card_no)[0] == "61.11"
    assert use(p, card_no, "refund", "10", "COFFEE BACK")["approved"]
    assert use(p, card_no, "transfer", "1.11")["fee"] == "0"
    assert balance(p, card_no) == ("70", "70")
    month = f"{p.portal.clock.now():%m%Y}"
    told = statement(p, card_no, month, month)[0]
    lines = [(line["description"], line["debit"], line["credit"], line["type"]) for line in told["bank_tx_list"]]
    assert lines == [
        ("CARD LOAD", "", "95.13", 2), ("COFFEE", "10.00", "", 1), ("TRANSACTION FEE", "2.00", "", 1),
        ("SHOP", "20.01", "", 3), ("ATM FEE", "2.01", "", 3), ("COFFEE BACK", "", "10.00", 1), ("SHOP", "1.11", "", 4),
    ]  # fmt: skip
    assert (told["opening_balance"], told["closing_balance"], told["available_balance"]) == ("0.00", "70.00", "N/A")


def test_the_ledger_follows_the_network(loaded) -> None:
    p, card_no = loaded
    use(p, card_no, "purchase", "10")
    card = p.portal.db.read(partner_cards.by_card_no, card_no)
    assert p.portal.db.read(ledger.balance, ledger.card_balance(card.id, "USD")) == 83_130000
    p.work()
    assert p.portal.db.read(ledger.balance, ledger.card_balance(card.id, "USD")) == 83_130000

    def posted(session) -> set[bool]:
        return {row.posted for row in session.query(CardTransaction)}

    assert p.portal.db.read(posted) == {True}


def test_a_feed_answered_twice_is_booked_once(loaded) -> None:
    p, card_no = loaded
    with p.app.app_context():
        play_cards.network(p.portal).use(
            p.portal.db.read(partner_cards.by_card_no, card_no).network_id, "purchase", 10**7, "X"
        )
    p.portal.world.set_fault("card_network", "duplicate", 5)
    p.work()
    card = p.portal.db.read(partner_cards.by_card_no, card_no)
    assert p.portal.db.read(ledger.balance, ledger.card_balance(card.id, "USD")) == 83_130000


def test_declines(loaded) -> None:
    p, card_no = loaded
    declined = use(p, card_no, "purchase", "79.28")
    assert (declined["approved"], declined["reason"], declined["fee"]) == (False, "insufficient_funds", "0")
    act(p, card_no, "freeze")
    assert use(p, card_no, "purchase", "1")["reason"] == "frozen"
    assert balance(p, card_no) == ("95.13", "95.13")
    act(p, card_no, "unfreeze")
    assert use(p, card_no, "purchase", "79.27")["approved"]
    assert balance(p, card_no) == ("0", "0")


def test_statements_are_closed_every_month(loaded, travel) -> None:
    p, card_no = loaded
    use(p, card_no, "purchase", "10")
    first = p.portal.clock.now()
    travel(32 * 86400)
    use(p, card_no, "purchase", "5")
    second = p.portal.clock.now()
    travel(31 * 86400)
    third = p.portal.clock.now()
    told = statement(p, card_no, f"{first:%m%Y}", f"{third:%m%Y}")
    assert [month["month_year"] for month in told][:2] == [f"{first:%m%Y}", f"{second:%m%Y}"]
    assert told[0]["closing_balance"] == told[1]["opening_balance"] == "83.13"
    assert told[1]["closing_balance"] == "77.13"
    assert told[-1]["closing_balance"] == "77.13"
    again = statement(p, card_no, f"{first:%m%Y}", f"{first:%m%Y}")
    assert again == told[:1]


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("132026", "012027", 111036), ("2026-01", "012026", 111036), ("1", "1", 111036), ("002026", "012026", 111036),
        ("012026", "072026", 111037), ("022026", "012026", 111036), ("０１2026", "012026", 111036),
    ],
)  # fmt: skip
def test_months_are_checked(sqlite_app, first, last, code) -> None:
    p = partner(sqlite_app)
    body = {"card_no": "x", "former_month_year": first, "latter_month_year": last}
    p.refused(code, "POST", "/bank/transaction-record", body)


def test_six_months_may_be_asked_for_at_once(loaded) -> None:
    p, card_no = loaded
    assert statement(p, card_no, "012020", "062020") == []


def test_unknown_cards_and_a_bank_that_is_away(loaded) -> None:
    p, card_no = loaded
    q = partner(p.app)
    for path in ("/bank/account-status", "/bank/balance"):
        p.refused(111012, "POST", path, {"card_no": "x"})
        q.refused(111012, "POST", path, {"card_no": card_no})
        p.portal.world.set_fault("card_network", "timeout", 1)
        p.refused(111030, "POST", path, {"card_no": card_no})
    month = {"former_month_year": "012026", "latter_month_year": "012026"}
    q.refused(111012, "POST", "/bank/transaction-record", {"card_no": card_no, **month})
    p.portal.world.set_fault("card_network", "error", 1)
    p.refused(111030, "POST", "/bank/transaction-record", {"card_no": card_no, **month})
