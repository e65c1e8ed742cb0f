"""Buying vouchers for New Taiwan dollars: ordered, confirmed by SMS, paid through the bank, handed out.

What the bank brings is weighed in `voucher_payments`. One TWIP costs one dollar, so an order is for whole dollars.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.machines.buying import BUYING
from portal.models.customers import Customer
from portal.models.vouchers import BuyOrder, CompanyBankAccount
from portal.models.wallet import VirtualAccount
from portal.money import parse_units, plain_text, to_decimal, units_ceil
from portal.services import bank_credits, codes, companies, messages, offering, parameters
from portal.services.voucher_customers import acting, bank_account_of, phone_of, units

declare(
    {
        "vouchers_sold_out": N_("There are not enough vouchers left to sell at the moment."),
        "order_closed": N_("This order is not waiting for a code any more."),
        "order_not_whole": N_("Please order vouchers for a whole number of dollars."),
    }
)

PURPOSE = "buy_order"

ATM, REMITTANCE = "atm", "remittance"

#: Orders that are not paid yet; a customer's own count against what the company may still sell.
OPEN = ("created", "otp_pending", "otp_verified", "unpaid")

#: Amounts are plain decimal text; `unpaid_days` is how long a confirmed order waits for its money.
parameters.declare("voucher_buying", {"least": "10", "most": "10000000", "unit_price": "1", "unpaid_days": 3})


@dataclass(frozen=True, slots=True)
class Payable:
    """An order with what one needs to pay it: the company's account and, once confirmed, the virtual one."""

    order: BuyOrder
    payout: CompanyBankAccount
    virtual: VirtualAccount | None

    @property
    def virtual_spelled(self) -> str | None:
        """The virtual account as the contract writes accounts: bank code, hyphen, number."""
        return f"{self.virtual.bank_code}-{self.virtual.account}" if self.virtual else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a customer orders; amounts as they came from outside."""

    quantity: object
    payment_type: str
    payout_account: str
    remittance_name: str | None = None


def create(session: Session, customer_id: int, wanted: Wanted) -> Payable:
    """Makes an order and sends its code; the fund password was proven before.

    Raises Refusal `input_invalid`, `input_missing`, `amount_…`, `order_not_whole`, `bank_account_unverified`, `vouchers_sold_out`, `trading_paused`, `account_restricted`, `phone_missing`, `code_too_soon`.
    """
    offering.check(session, offering.TRADING, "TWIP", field="quantity")
    quantity_units, price, total_units = price_of(session, wanted.quantity)
    payout = companies.payout_account(session, wanted.payout_account)
    name = _remitter(wanted)
    customer = acting(session, customer_id)
    if bank_account_of(session, customer_id) is None:
        raise Refusal("bank_account_unverified")
    _check_stock(session, customer_id, payout.company_id, quantity_units)
    moment = now(session)
    order = BuyOrder(
        customer_id=customer.id,
        company_id=payout.company_id,
        quantity_units=quantity_units,
        unit_price=price,
        total_units=total_units,
        payment_type=wanted.payment_type,
        payout_account_id=payout.id,
        remittance_name=name,
        created_at=moment,
        updated_at=moment,
        expires_at=moment + codes.LIFE,
    )
    session.add(order)
    actor = f"customer:{customer.id}"
    states.begin(session, BUYING, order, actor)
    _send(session, customer, order)
    states.advance(session, BUYING, order, "otp_pending", actor)
    return Payable(order, payout, None)


def verify(session: Session, customer_id: int, public_id: str, otp: str) -> Payable:
    """Confirms an order by its code and opens the account to pay into.

    Raises Refusal `not_found`, `order_closed`, `code_wrong` (kept), `code_expired` (kept: the order is expired then),
    `vouchers_sold_out`, `account_restricted`.
    """
    order = find(session, customer_id, public_id, lock=True)
    customer = acting(session, customer_id)
    actor = f"customer:{customer_id}"
    if order.status != "otp_pending":
        raise Refusal("code_expired" if order.status == "expired" else "order_closed", field="code")
    try:
        codes.verify(session, PURPOSE, f"buy_order:{order.id}", phone_of(customer), otp)
    except Refusal as refusal:
        if refusal.name != "code_expired":
            raise
        states.advance(session, BUYING, order, "expired", "system", "no code in time", updated_at=now(session))
        raise Refusal("code_expired", field="code", keep=True) from refusal
    if companies.sellable_units(session, order.company_id) < order.quantity_units:
        raise Refusal("vouchers_sold_out", field="quantity")
    return accept(session, order, actor)


def accept(session: Session, order: BuyOrder, actor: str) -> Payable:
    """Opens a confirmed order's account to pay into; the code was proven before."""
    moment = now(session)
    until = moment + timedelta(days=int(parameters.get(session, "voucher_buying")["unpaid_days"]))
    states.advance(session, BUYING, order, "otp_verified", actor, updated_at=moment)
    virtual = bank_credits.open_virtual_account(session, "order", order.id, until)
    states.advance(
        session, BUYING, order, "unpaid", actor, updated_at=moment, expires_at=until, virtual_account_id=virtual.id
    )
    return payable(session, order)


def find(session: Session, customer_id: int, public_id: str, *, lock: bool = False) -> BuyOrder:
    """A customer's order by its id outside. Raises Refusal `not_found`, for somebody else's alike."""
    query = sa.select(BuyOrder).where(BuyOrder.public_id == public_id, BuyOrder.customer_id == customer_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise Refusal("not_found")
    return found


def payable(session: Session, order: BuyOrder) -> Payable:
    """The order with its accounts."""
    return payables(session, [order])[0]


def payables(session: Session, orders: list[BuyOrder]) -> list[Payable]:
    """Orders with their accounts, in two statements however many there are."""
    if not orders:
        return []
    payout_ids = {order.payout_account_id for order in orders}
    virtual_ids = {order.virtual_account_id for order in orders if order.virtual_account_id is not None}
    payouts = session.scalars(sa.select(CompanyBankAccount).where(CompanyBankAccount.id.in_(payout_ids)))
    by_payout = {row.id: row for row in payouts}
    virtuals = session.scalars(sa.select(VirtualAccount).where(VirtualAccount.id.in_(virtual_ids)))
    by_virtual = {row.id: row for row in virtuals}
    return [
        Payable(order, by_payout[order.payout_account_id], by_virtual.get(order.virtual_account_id or 0))
        for order in orders
    ]


def of_customer(customer_id: int) -> sa.Select[BuyOrder]:
    """The query of a customer's orders."""
    return sa.select(BuyOrder).where(BuyOrder.customer_id == customer_id)


def page(
    session: Session, customer_id: int, *, before_id: int | None = None, after_id: int | None = None, count: int = 20
) -> list[Payable]:
    """A customer's orders, newest first, below (or just above) a number: one page by keyset."""
    query = of_customer(customer_id)
    if after_id is not None:
        newer = session.scalars(query.where(BuyOrder.id > after_id).order_by(BuyOrder.id).limit(count))
        return payables(session, list(newer)[::-1])
    if before_id is not None:
        query = query.where(BuyOrder.id < before_id)
    return payables(session, list(session.scalars(query.order_by(BuyOrder.id.desc()).limit(count))))


def expire_due(session: Session, count: int = 200) -> int:
    """Ends orders whose code or money did not come in time; how many."""
    query = (
        sa.select(BuyOrder)
        .where(BuyOrder.status.in_(("otp_pending", "unpaid")), BuyOrder.expires_at <= now(session))
        .order_by(BuyOrder.id)
        .limit(count)
    )
    due = list(session.scalars(query.with_for_update(skip_locked=True)))
    for order in due:
        why = "not paid in time" if order.status == "unpaid" else "no code in time"
        states.advance(session, BUYING, order, "expired", "system", why, updated_at=now(session))
        codes.end(session, PURPOSE, f"buy_order:{order.id}")
    return len(due)


def price_of(session: Session, quantity: object) -> tuple[int, Decimal, int]:
    """TWIP units, the price of one TWIP, and TWD units of the whole order.

    Raises Refusal `amount_…` and `order_not_whole`.
    """
    rule = parameters.get(session, "voucher_buying")
    quantity_units = units(quantity, "TWIP", "quantity")
    least, most = parse_units(rule["least"], "TWIP"), parse_units(rule["most"], "TWIP")
    if not least <= quantity_units <= most:
        raise Refusal("amount_out_of_range", field="quantity", min_units=least, max_units=most, asset="TWIP")
    price = Decimal(rule["unit_price"])
    total = to_decimal(quantity_units, "TWIP") * price
    if total != total.to_integral_value():
        raise Refusal("order_not_whole", field="quantity")
    return quantity_units, price, units_ceil(total, "TWD")


def _remitter(wanted: Wanted) -> str | None:
    if wanted.payment_type not in (ATM, REMITTANCE):
        raise Refusal("input_invalid", field="payment_type")
    if wanted.payment_type == ATM:
        return None
    name = " ".join((wanted.remittance_name or "").split())
    if not name:
        raise Refusal("input_missing", field="remittance_name")
    if len(name) > 100 or not name.isprintable():
        raise Refusal("input_invalid", field="remittance_name")
    return name


def _check_stock(session: Session, customer_id: int, company_id: int, quantity_units: int) -> None:
    """Enough must be left for this order beside the customer's own open ones; others' open orders block nobody."""
    reserved = session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(BuyOrder.quantity_units), 0)).where(
            BuyOrder.customer_id == customer_id,
            BuyOrder.company_id == company_id,
            BuyOrder.status.in_(OPEN),
            BuyOrder.expires_at > now(session),
        )
    )
    if companies.sellable_units(session, company_id) < int(reserved or 0) + quantity_units:
        raise Refusal("vouchers_sold_out", field="quantity")


def _send(session: Session, customer: Customer, order: BuyOrder) -> None:
    phone = phone_of(customer)
    code = codes.issue(session, PURPOSE, f"buy_order:{order.id}", "sms", phone, throttle=False)
    facts = {"quantity": plain_text(order.quantity_units, "TWIP"), "total": plain_text(order.total_units, "TWD")}
    messages.sms(
        session, phone, "buy_order_code", customer.locale, facts, code=code, expires_at=now(session) + codes.LIFE
    )
