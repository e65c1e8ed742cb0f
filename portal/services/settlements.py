"""Paying a store's takings out: vouchers redeemed 1 to 1 to its verified bank account, by the one machine of withdrawals."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.errors import N_, Refusal, declare
from portal.models.stores import Store, StoreMember
from portal.models.wallet import BankAccount, Withdrawal
from portal.money import SCALES, plain_text
from portal.services import store_bank_accounts, takings, webhooks, withdrawal_rules, withdrawals
from portal.services.networks import BANK
from portal.services.store_members import PERMISSIONS, SETTLE
from portal.services.voucher_customers import acting, phone_of, units
from portal.services.withdrawal_rules import SETTLEMENT
from portal.services.withdrawal_settling import when_settled

_WHOLE = 10 ** SCALES["TWIP"]

declare(
    {
        "store_bank_account_missing": N_("The store has no verified bank account yet."),
        "settlement_held": N_("The bank account was changed. Takings wait for a day, so that every owner can step in."),
        "settlement_nothing": N_("There is nothing to pay out: the bank pays whole dollars."),
    }
)


@dataclass(frozen=True, slots=True)
class Position:
    """What a store could be paid now. Amounts in TWIP units; `payable_units` is whole dollars within the limits."""

    available_units: int
    frozen_units: int
    payable_units: int
    account: BankAccount | None
    held_until: datetime | None


def position(session: Session, store_id: int) -> Position:
    """What a store has and could be paid."""
    balances = ledger.balances(session, "store", store_id)
    available = balances.get(("TWIP", "available"), 0)
    rule = withdrawal_rules.rule(session, SETTLEMENT, "TWIP", BANK, 0)
    left = withdrawal_rules.left(session, "store", store_id, rule).units
    payable = min(available, rule.max_units, left) // _WHOLE * _WHOLE
    return Position(
        available_units=available,
        frozen_units=balances.get(("TWIP", "frozen"), 0),
        payable_units=payable if payable >= rule.min_units else 0,
        account=store_bank_accounts.of_store(session, store_id, "verified"),
        held_until=store_bank_accounts.held_until(session, store_id),
    )


def request(session: Session, store: Store, member: StoreMember, amount: object | None) -> Withdrawal:
    """Asks for takings to be paid out and sends the member a code by SMS; without an amount, for all whole dollars.

    Raises Refusal `forbidden`, `store_bank_account_missing`, `settlement_held` (fact: until), `settlement_nothing`,
    `phone_missing`, `amount_…` and those of `withdrawals.request`.
    """
    if SETTLE not in PERMISSIONS[member.role]:
        raise Refusal("forbidden")
    found = position(session, store.id)
    if found.account is None:
        raise Refusal("store_bank_account_missing")
    if found.held_until is not None:
        raise Refusal("settlement_held", until=found.held_until)
    phone_of(acting(session, member.customer_id))
    amount_units = found.payable_units if amount is None else units(amount, "TWIP", "amount")
    if amount is None and not amount_units:
        raise Refusal("settlement_nothing")
    wanted = withdrawals.Request(
        owner_kind="store",
        owner_id=store.id,
        family="voucher",
        kind=SETTLEMENT,
        asset="TWIP",
        network=BANK,
        amount_units=amount_units,
        bank_account_id=found.account.id,
        contact_id=member.customer_id,
        replaces_pending=True,
    )
    return withdrawals.request(session, wanted, "sms")


def confirm(session: Session, store: Store, member: StoreMember, public_id: str, code: str) -> Withdrawal:
    """Proves the code of the member who asked; the money is held and paid by the worker.

    Raises Refusal `not_found`, `forbidden` (another member asked), `settlement_held` and those of `withdrawals.confirm`.
    """
    found = mine(session, store.id, member, public_id)
    until = store_bank_accounts.held_until(session, store.id)
    if until is not None:
        raise Refusal("settlement_held", until=until)
    return withdrawals.confirm(session, found, code, f"customer:{member.customer_id}")


def resend(session: Session, store: Store, member: StoreMember, public_id: str) -> None:
    """Sends a new code. Refusals as `confirm`, and `code_too_soon`."""
    withdrawals.resend(session, mine(session, store.id, member, public_id))


def cancel(session: Session, store: Store, member: StoreMember, public_id: str) -> Withdrawal:
    """Calls a settlement off that is not on its way yet. Raises Refusal `not_found`, `forbidden`, `withdrawal_too_late`."""
    if SETTLE not in PERMISSIONS[member.role]:
        raise Refusal("forbidden")
    return withdrawals.cancel(session, find(session, store.id, public_id), f"customer:{member.customer_id}")


def mine(session: Session, store_id: int, member: StoreMember, public_id: str) -> Withdrawal:
    """A settlement that this member asked for. Raises Refusal `not_found` or `forbidden`."""
    found = find(session, store_id, public_id)
    if SETTLE not in PERMISSIONS[member.role] or withdrawals.contact_of(session, found).id != member.customer_id:
        raise Refusal("forbidden")
    return found


def find(session: Session, store_id: int, public_id: str) -> Withdrawal:
    """A store's settlement. Raises Refusal `not_found`, alike for another store's."""
    try:
        found = withdrawals.find(session, "store", store_id, public_id)
    except Refusal as refusal:
        raise Refusal("not_found") from refusal
    if found.kind != SETTLEMENT:
        raise Refusal("not_found")
    return found


def page(session: Session, store_id: int, *, before: str | None = None, count: int = 20) -> list[Withdrawal]:
    """A store's settlements, newest first, below the one named `before`: one page by keyset. Raises Refusal `not_found`."""
    before_id = find(session, store_id, before).id if before is not None else None
    return withdrawals.page(session, "store", store_id, [SETTLEMENT], count=count, before_id=before_id)


def asker(session: Session, store_id: int, found: Withdrawal) -> StoreMember:
    """The member who asked for a settlement and gets its code. Raises Refusal `forbidden` when they have left."""
    member = session.scalar(
        sa.select(StoreMember).where(
            StoreMember.store_id == store_id,
            StoreMember.customer_id == withdrawals.contact_of(session, found).id,
            StoreMember.removed_at.is_(None),
        )
    )
    if member is None:
        raise Refusal("forbidden")
    return member


@when_settled
def note_paid(session: Session, withdrawal: Withdrawal) -> None:
    """Counts a settlement that arrived into the store's day and tells its webhooks."""
    if withdrawal.owner_kind != "store":
        return
    takings.count(
        session, withdrawal.owner_id, -withdrawal.amount_units, settlements=1, settled_units=withdrawal.amount_units
    )
    if withdrawal.kind != SETTLEMENT:
        return
    tail = session.scalar(sa.select(BankAccount.account_tail).where(BankAccount.id == withdrawal.bank_account_id))
    content = {
        "settlement": withdrawal.public_id,
        "amount": plain_text(withdrawal.amount_units, "TWIP"),
        "reference": withdrawal.reference,
        "account_tail": tail,
    }
    webhooks.tell(session, "store", withdrawal.owner_id, "settlement.paid", content, key=f"settlement:{withdrawal.id}")
