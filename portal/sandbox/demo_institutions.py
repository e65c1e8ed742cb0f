"""Demo institutions with keys, floats, terms, a stock of cards and, in the first, a few people with their cards."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.bootstrap import Portal
from portal.db import context
from portal.ledger import Line
from portal.models.customers import Customer
from portal.models.partner import CardType, Institution
from portal.money import parse_units
from portal.sandbox import play_cards
from portal.services import (
    idempotency,
    institution_members,
    institutions,
    loads,
    partner_cards,
    partner_keys,
    partner_kyc,
)
from portal.services.calculators import COIN
from portal.worker import partner as work

TIERS = [{"min": "0", "max": "1000", "rate": "0.05"}, {"min": "1000", "max": "2000", "rate": "0.03"}]
CARD_TYPES = (("50000001", "card 1", "0"), ("50000002", "card 2", "0.01"))
STOCK = 60
FLOAT = "20000"

#: Name, whether its key has a passphrase, and who works there in which role.
INSTITUTIONS: tuple[tuple[str, bool, tuple[tuple[str, str], ...]], ...] = (
    ("Sun Moon Financial Services", False, (("amy", "owner"), ("ben", "viewer"))),
    ("Alishan Payroll Cards", True, (("ben", "owner"), ("amy", "operator"))),
)

#: acct_no, first and last name, mail, mobile, and what becomes of the check.
PEOPLE = (
    ("SM-0001", "Hsin-Yi", "Chang", "hsinyi.chang@example.net", "0911000101", "approve"),
    ("SM-0002", "Kuan-Ting", "Wu", "kuanting.wu@example.net", "0911000102", "approve"),
    ("SM-0003", "Mei-Hua", "Lee", "meihua.lee@example.net", "0911000103", "reject"),
    ("SM-0004", "Chih-Wei", "Huang", "chihwei.huang@example.net", "0911000104", ""),
)


def load(portal: Portal) -> None:
    """Makes the institutions and lets the first one's people be checked, get cards and spend."""
    portal.db.transact(_card_types)
    for number, row in enumerate(INSTITUTIONS, 1):
        portal.db.transact(_institution, number, *row)
    for card_type_id, _, _ in CARD_TYPES:
        for count in range(1, STOCK + 1):
            card = portal.ports.card_network.issue(f"stock:{card_type_id}:{count}", card_type_id)
            portal.db.transact(partner_cards.add_stock, card_type_id, card)
    institution_id = portal.db.read(_first)
    for person in PEOPLE:
        _person(portal, institution_id, *person)


def _card_types(session: Session) -> None:
    for card_type_id, description, _ in CARD_TYPES:
        session.add(
            CardType(id=card_type_id, currency="USD", bank_id="5000", description=description, restock_to=STOCK // 2)
        )


def _institution(
    session: Session, number: int, name: str, passphrase: bool, people: tuple[tuple[str, str], ...]
) -> None:
    made = institutions.create(session, name, list(partner_keys.AREAS), low_units=parse_units("200", COIN))
    for card_type_id, _, exchange_fee_rate in CARD_TYPES:
        institutions.set_terms(
            session,
            made.id,
            card_type_id,
            may_open=True,
            open_fee_units=parse_units("1", COIN),
            exchange_rate=Decimal("1.00145966373"),
            exchange_fee_rate=Decimal(exchange_fee_rate),
            loading_tiers=TIERS,
            bank_transaction_rate=Decimal("0.2"),
            bank_atm_rate=Decimal("0.1"),
            bank_atm_fee=Decimal(0),
        )
    api_key, secret = play_cards.demo_key(context(session).settings, number)
    partner_keys.create(
        session,
        made.id,
        "Demo",
        list(partner_keys.AREAS),
        [],
        play_cards.DEMO_PASSPHRASE if passphrase else None,
        "system",
        api_key=api_key,
        secret=secret,
    )
    units = parse_units(FLOAT, COIN)
    lines = [Line(ledger.institution_float(made.id, COIN), units), Line(ledger.house("chain", COIN), -units)]
    ledger.post(session, "deposit", f"demo_float:{made.id}", lines, actor="system")
    for username, role in people:
        customer_id = session.scalar(sa.select(Customer.id).where(Customer.username == username))
        if customer_id is not None:
            institution_members.add_member(session, made.id, customer_id, role, "system")


def _first(session: Session) -> int:
    return session.scalars(sa.select(Institution.id).order_by(Institution.id)).first() or 0


def _person(
    portal: Portal, institution_id: int, acct_no: str, first: str, last: str, mail: str, mobile: str, decision: str
) -> None:
    card_type_id = CARD_TYPES[0][0]
    play_cards.add_person(portal, institution_id, card_type_id, acct_no, (first, last), mail, mobile)
    kyc_id = portal.db.read(_kyc_id, institution_id, acct_no, card_type_id)
    portal.db.transact(partner_kyc.begin_check, kyc_id)
    if not decision:
        return
    portal.db.transact(partner_kyc.decide, kyc_id, decision, "The back of the document is blurred.", "system")
    if decision == "approve":
        _spend(portal, institution_id, acct_no, card_type_id)


def _kyc_id(session: Session, institution_id: int, acct_no: str, card_type_id: str) -> int:
    found = partner_kyc.newest(session, acct_no, card_type_id, institution_id)
    assert found is not None
    return found.id


def _spend(portal: Portal, institution_id: int, acct_no: str, card_type_id: str) -> None:
    card = portal.db.transact(partner_cards.open_card, institution_id, acct_no, card_type_id)
    network = play_cards.network(portal)
    network.activate(f"activate:{card.id}", card.network_id)
    portal.db.transact(partner_cards.activated, institution_id, card.card_no, acct_no)
    for number, amount in enumerate(("120", "1000"), 1):
        order = loads.Order(
            card.card_no, acct_no, parse_units(amount, COIN), COIN, f"{acct_no}-L{number}", None,
            idempotency.fingerprint(acct_no, amount),
        )  # fmt: skip
        made = portal.db.transact(loads.load, institution_id, order)
        work.send_load(portal, {"load_id": made.id}, 0)
    for kind, amount, description in (("purchase", "42.5", "ESLITE BOOKSTORE"), ("atm", "100", "ATM TAIPEI 101")):
        network.use(card.network_id, kind, parse_units(amount, "USD"), description)
    work.follow_network(portal)
