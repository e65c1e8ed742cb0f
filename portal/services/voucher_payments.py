"""What the bank brings for voucher orders: exact money is taken once and the vouchers handed out; anything else waits.

The money stands in the house's `clearing` from its arrival until the vouchers are handed out; then it backs them in
`issuance`. A credit that is short, over, late, doubled or a stranger's goes to suspense with its reason, for staff.
"""

import unicodedata

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.ledger import AccountKey, Line
from portal.machines.buying import BUYING
from portal.models.customers import Customer
from portal.models.vouchers import BuyOrder, CompanyBankAccount
from portal.models.wallet import BankCredit, VirtualAccount
from portal.services import activity, audit, bank_credits, bank_deposits, companies, notifications, references
from portal.services.bank_credits import SUSPENSE, Outcome
from portal.services.notifications import Event

declare({"order_not_payable": N_("This order cannot take this money.")})

notifications.declare(
    {
        "vouchers_bought": Event(
            "vouchers", N_("Your vouchers are here"), N_("%(quantity)s were added to your balance."), icon="ticket"
        ),
        "vouchers_awaited": Event(
            "vouchers",
            N_("We received your payment"),
            N_("Your %(quantity)s follow as soon as new vouchers are issued."),
            icon="ticket",
        ),
        "order_money_waits": Event(
            "vouchers",
            N_("Your payment needs a look"),
            N_("We received %(amount)s for your voucher order, which does not fit it. We will contact you."),
            icon="triangle-alert",
        ),
    }
)

KIND = "order"


@bank_credits.takes("order")
def pay(session: Session, account: VirtualAccount, credit: BankCredit) -> Outcome:
    """Takes a credit to an order's virtual account."""
    order = session.scalars(sa.select(BuyOrder).where(BuyOrder.id == account.subject_id).with_for_update()).one()
    wrong = _misfit(session, order, credit)
    if wrong is not None:
        return _to_suspense(session, order, credit, wrong)
    _take(session, order, credit, ledger.house("bank", "TWD"), "system")
    return Outcome(KIND, order.id)


@bank_credits.takes_remittances
def remit(session: Session, credit: BankCredit) -> Outcome | None:
    """Takes a credit to a company's own account: it pays the order of that remitter and amount, the oldest first."""
    payout = session.scalar(
        sa.select(CompanyBankAccount)
        .where(CompanyBankAccount.account == bank_credits.number_of(credit.account))
        .limit(1)
    )
    if payout is None:
        return None
    remitter = _plain_name(credit.payer_name)
    if not remitter:
        return Outcome(SUSPENSE, reason="payer_unknown")
    query = (
        sa.select(BuyOrder)
        .where(
            BuyOrder.payout_account_id == payout.id, BuyOrder.payment_type == "remittance", BuyOrder.status == "unpaid"
        )
        .order_by(BuyOrder.id)
        .with_for_update()
    )
    waiting = [order for order in session.scalars(query) if _plain_name(order.remittance_name) == remitter]
    if not waiting:
        return Outcome(SUSPENSE, reason="no_order")
    if len({order.customer_id for order in waiting}) > 1:
        return Outcome(SUSPENSE, reason="several_customers")
    fitting = [order for order in waiting if _misfit(session, order, credit) is None]
    if not fitting:
        return _to_suspense(session, waiting[0], credit, _misfit(session, waiting[0], credit) or "no_order")
    _take(session, fitting[0], credit, ledger.house("bank", "TWD"), "system")
    return Outcome(KIND, fitting[0].id)


def assign(session: Session, credit_id: int, order_public_id: str, actor: str, why: str) -> BuyOrder:
    """Staff find out which order a credit in suspense pays; it must be unpaid and of that very amount.

    Raises Refusal `not_found`, `order_not_payable`, `credit_not_waiting`.
    """
    order = session.scalar(sa.select(BuyOrder).where(BuyOrder.public_id == order_public_id).with_for_update())
    if order is None:
        raise Refusal("not_found")
    credit = bank_credits.leave_suspense(session, credit_id, KIND, order.id)
    if order.status != "unpaid" or order.total_units != credit.amount_units:
        raise Refusal("order_not_payable")
    _take(session, order, credit, ledger.house("suspense", "TWD"), actor)
    audit.write(session, actor, "bank_credit.assign_order", f"bank_credit:{credit.id}", details={"why": why})
    return order


def hand_out(session: Session, order: BuyOrder, actor: str) -> bool:
    """Hands the vouchers of a paid order out if the company has enough to sell; else it stays or becomes `untoken`."""
    moment = now(session)
    if not companies.claim_vouchers(session, order.company_id, order.quantity_units):
        if order.status == "paid":
            states.advance(session, BUYING, order, "untoken", actor, "sold out", updated_at=moment)
            activity.update(session, "buy_order", order.id, status="untoken")
        return False
    lines = [
        Line(ledger.house("clearing", "TWD"), -order.total_units),
        Line(ledger.house("issuance", "TWD"), order.total_units),
        Line(ledger.customer_available(order.customer_id, "TWIP"), order.quantity_units),
        Line(ledger.house("issuance", "TWIP"), -order.quantity_units),
    ]
    states.advance(session, BUYING, order, "token", actor, updated_at=moment, token_at=moment)
    ledger.post(session, "voucher_buy", f"buy_order:{order.id}:token", lines, actor=actor)
    activity.update(session, "buy_order", order.id, status="token")
    facts = {"quantity": notifications.amount(order.quantity_units, "TWIP")}
    notifications.tell(session, order.customer_id, "vouchers_bought", facts, f"/vouchers/orders/{order.public_id}")
    return True


def hand_out_waiting(session: Session, count: int = 50) -> int:
    """Hands out what was paid for while vouchers were sold out, oldest first; how many orders."""
    query = sa.select(BuyOrder).where(BuyOrder.status == "untoken").order_by(BuyOrder.id).limit(count)
    done = 0
    for order in session.scalars(query.with_for_update(skip_locked=True)):
        done += hand_out(session, order, "system")
    return done


def _take(session: Session, order: BuyOrder, credit: BankCredit, source: AccountKey, actor: str) -> None:
    """Books the money of an exact credit and hands the vouchers out. `source` is where the money stood."""
    moment = now(session)
    states.advance(session, BUYING, order, "paid", actor, updated_at=moment, paid_at=moment, bank_credit_id=credit.id)
    lines = [
        Line(source, -order.total_units),
        Line(ledger.house("clearing", "TWD"), order.total_units),
    ]
    ledger.post(session, "voucher_payment", f"buy_order:{order.id}:paid", lines, actor=actor)
    activity.record(
        session, order.customer_id, "voucher_buy", direction="in", asset="TWIP", amount_units=order.quantity_units,
        counter_asset="TWD", counter_units=order.total_units, status="paid",
        reference=references.of_row("buy_order", moment, order.id), subject_kind="buy_order", subject_id=order.id,
        public_id=order.public_id, details={"payment_type": order.payment_type},
    )  # fmt: skip
    if not hand_out(session, order, actor):
        facts = {"quantity": notifications.amount(order.quantity_units, "TWIP")}
        notifications.tell(session, order.customer_id, "vouchers_awaited", facts, f"/vouchers/orders/{order.public_id}")


def _misfit(session: Session, order: BuyOrder, credit: BankCredit) -> str | None:
    """Why a credit does not pay an order; None when it does."""
    if order.status != "unpaid":
        return "order_expired" if order.status == "expired" else "order_paid_already"
    if order.expires_at <= now(session):
        return "order_expired"
    if credit.amount_units != order.total_units:
        return "amount_short" if credit.amount_units < order.total_units else "amount_over"
    customer = session.get_one(Customer, order.customer_id)
    if customer.standing != "normal":
        return "standing"
    named = order.payment_type == "remittance" and credit.payer_name is not None
    if named and _plain_name(credit.payer_name) != _plain_name(order.remittance_name):
        return "payer_not_own"
    by_atm = order.payment_type == "atm" and credit.payer_account is not None
    if by_atm and bank_deposits.payer_of(session, order.customer_id, credit) is None:
        return "payer_not_own"
    return None


def _to_suspense(session: Session, order: BuyOrder, credit: BankCredit, reason: str) -> Outcome:
    facts = {"amount": notifications.amount(credit.amount_units, "TWD")}
    notifications.tell(session, order.customer_id, "order_money_waits", facts, f"/vouchers/orders/{order.public_id}")
    return Outcome(SUSPENSE, reason=reason, details={"buy_order": order.public_id})


def _plain_name(name: str | None) -> str:
    """A remitter's name as names are compared: no blanks, no case, full-width letters as plain ones."""
    return "".join(unicodedata.normalize("NFKC", name or "").split()).casefold()
