"""What the demo customers did with vouchers: bought, swapped, paid in stores, registered a card."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.bootstrap import Portal
from portal.db import now
from portal.machines.cards import CARD
from portal.models.customers import Customer
from portal.models.vouchers import Card
from portal.money import plain_text
from portal.services import bank_credits, codes, companies, payments, stores, swaps, voucher_orders
from portal.services.voucher_orders import ATM, Wanted

#: Who bought how many TWIP from which company.
BOUGHT = (("amy", "6000", "tungkai"), ("ben", "3000", "tungkai"))

#: Who paid what bill at which demo store (its place in the list).
PAID = (("amy", 0, "180"), ("ben", 0, "240"), ("amy", 2, "320"), ("amy", 5, "95"), ("ben", 7, "1280"))

SWAPPED = ("amy", "TWIP", "TWIG", "200")

CARDS = (("amy", "0feeafda805bc632f600"), ("ben", "0feeafda805bc632f601"))


def load(portal: Portal) -> None:
    """Lets it happen through the services, the codes taken as proven."""
    portal.db.transact(_happen)


def _happen(session: Session) -> None:
    people = {name: found for name, found in session.execute(sa.select(Customer.username, Customer.id))}
    counters = stores.page(session, count=20)
    for name, amount, company in BOUGHT:
        _buy(session, people[name], amount, company)
    for name, place, bill in PAID:
        paying = payments.checkout(session, people[name], counters[place].public_id, bill)
        codes.end(session, payments.PURPOSE, payments.subject_of(paying.order.public_id))
        payments.settle(session, paying, f"customer:{people[name]}")
    name, from_asset, to_asset, quantity = SWAPPED
    swap = swaps.create(session, people[name], from_asset, to_asset, quantity)
    codes.end(session, swaps.PURPOSE, f"swap_order:{swap.id}")
    swaps.settle(session, swap, f"customer:{people[name]}")
    for name, number in CARDS:
        _register(session, people[name], number)


def _buy(session: Session, customer_id: int, amount: str, company: str) -> None:
    [payout, *_] = companies.payout_accounts(session, companies.by_code(session, company).id)
    made = voucher_orders.create(
        session, customer_id, Wanted(quantity=amount, payment_type=ATM, payout_account=payout.spelled)
    )
    codes.end(session, voucher_orders.PURPOSE, f"buy_order:{made.order.id}")
    found = voucher_orders.accept(session, made.order, f"customer:{customer_id}")
    assert found.virtual is not None
    credit = bank_credits.receive(
        session,
        account=found.virtual.account,
        amount_units=found.order.total_units,
        reference=f"demo-order-{made.order.id}",
    )
    assert credit.outcome == "order", f"demo order of {plain_text(made.order.quantity_units, 'TWIP')}: {credit.reason}"


def _register(session: Session, customer_id: int, number: str) -> None:
    moment = now(session)
    card = Card(
        customer_id=customer_id, card_no=number, claimed_no=number, status="verified", created_at=moment,
        verified_at=moment,
    )  # fmt: skip
    session.add(card)
    states.begin(session, CARD, card, f"customer:{customer_id}")
