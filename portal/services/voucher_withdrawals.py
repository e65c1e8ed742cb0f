"""Vouchers on their way out: to a TRON address, or redeemed for dollars to the verified bank account.

The machine is the one of all withdrawals (services/withdrawals.py); here are the voucher family's own rules: the code
comes by SMS, resend and verify mean the newest that waits (reading V9), and a code that is too old ends the withdrawal.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.models.wallet import Withdrawal
from portal.services import bank_accounts, withdrawals
from portal.services.bank_accounts import BankAccountView
from portal.services.networks import BANK, TRON
from portal.services.voucher_customers import acting, bank_account_of, phone_of, units
from portal.services.withdrawal_rules import REDEMPTION, VOUCHER

declare(
    {
        "voucher_withdrawal_not_waiting": N_("Nothing is waiting for a code."),
        "voucher_withdrawal_not_sent": N_(
            "The network did not take your last withdrawal. Its vouchers are back in your wallet."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A withdrawal or redemption, with the bank account it is paid to, in the clear, for its owner."""

    withdrawal: Withdrawal
    bank: BankAccountView | None


def withdraw(session: Session, customer_id: int, address: str, currency: str, amount: object) -> Outgoing:
    """Asks for vouchers to be sent to a TRON address; the fund password was proven before.

    Raises Refusal `input_invalid`, `amount_…`, `account_restricted`, `phone_missing` and those of
    `withdrawals.request`.
    """
    if currency.upper() != "TWIP":
        raise Refusal("input_invalid", field="currency")
    amount_units = units(amount, "TWIP", "amount")
    phone_of(acting(session, customer_id))
    wanted = withdrawals.Request(
        owner_kind="customer",
        owner_id=customer_id,
        family="voucher",
        kind=VOUCHER,
        asset="TWIP",
        network=TRON,
        amount_units=amount_units,
        address=address,
        replaces_pending=True,
    )
    return Outgoing(withdrawals.request(session, wanted, "sms"), None)


def redeem(session: Session, customer_id: int, currency: str, amount: object) -> Outgoing:
    """Asks for vouchers to be paid out in dollars, 1 to 1; the fund password was proven before.

    Raises Refusal `input_invalid`, `amount_…`, `bank_account_unverified`, and those of `withdrawals.request`.
    """
    if currency.upper() != "TWIP":
        raise Refusal("input_invalid", field="currency")
    amount_units = units(amount, "TWIP", "amount")
    phone_of(acting(session, customer_id))
    account = bank_account_of(session, customer_id)
    if account is None:
        raise Refusal("bank_account_unverified")
    wanted = withdrawals.Request(
        owner_kind="customer",
        owner_id=customer_id,
        family="voucher",
        kind=REDEMPTION,
        asset="TWIP",
        network=BANK,
        amount_units=amount_units,
        bank_account_id=account.id,
        replaces_pending=True,
    )
    return Outgoing(withdrawals.request(session, wanted, "sms"), None)


def resend(session: Session, customer_id: int, kind: str) -> None:
    """Sends a new code for the newest that waits. Raises Refusal `voucher_withdrawal_not_waiting`, `code_too_soon`."""
    waiting = _waiting(session, customer_id, kind)
    try:
        withdrawals.resend(session, waiting)
    except Refusal as refusal:
        if refusal.name in ("code_expired", "withdrawal_not_waiting"):
            raise Refusal("voucher_withdrawal_not_waiting") from refusal
        raise


def verify(session: Session, customer_id: int, kind: str, otp: str) -> Outgoing:
    """Proves the code of the newest that waits, holds the vouchers and sends them on their way.

    Raises Refusal `voucher_withdrawal_not_waiting`, `voucher_withdrawal_not_sent` to who repeats the call after the network
    refused it for good, `code_wrong` (kept), `code_expired` (kept: it is expired then), and those of `withdrawals.confirm`.
    """
    try:
        waiting = _waiting(session, customer_id, kind)
    except Refusal:
        newest = session.scalar(of_customer(customer_id, kind).order_by(Withdrawal.id.desc()).limit(1))
        if newest is not None and newest.status == "failed" and newest.network != BANK:
            raise Refusal("voucher_withdrawal_not_sent") from None
        raise
    try:
        done = withdrawals.confirm(session, waiting, otp, f"customer:{customer_id}")
    except Refusal as refusal:
        if refusal.name != "code_expired":
            raise
        withdrawals.expire(session, waiting.id)
        raise Refusal("code_expired", field="otp", keep=True) from refusal
    return with_banks(session, [done])[0]


def find(session: Session, customer_id: int, kind: str, public_id: str) -> Outgoing:
    """A customer's withdrawal of a kind by its id outside. Raises Refusal `not_found`, for a foreign one alike."""
    found = session.scalar(of_customer(customer_id, kind).where(Withdrawal.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return with_banks(session, [found])[0]


def of_customer(customer_id: int, kind: str) -> sa.Select[Withdrawal]:
    """The query of a customer's withdrawals of a kind."""
    return sa.select(Withdrawal).where(
        Withdrawal.owner_kind == "customer", Withdrawal.owner_id == customer_id, Withdrawal.kind == kind
    )


def with_banks(session: Session, found: list[Withdrawal]) -> list[Outgoing]:
    """Withdrawals with their bank accounts, in one statement however many there are."""
    accounts = bank_accounts.by_ids(session, {row.bank_account_id for row in found if row.bank_account_id is not None})
    return [Outgoing(row, accounts.get(row.bank_account_id or 0)) for row in found]


def _waiting(session: Session, customer_id: int, kind: str) -> Withdrawal:
    waiting = withdrawals.latest_pending(session, "customer", customer_id, (kind,))
    if waiting is None:
        raise Refusal("voucher_withdrawal_not_waiting")
    return waiting
