"""The bank account that vouchers are redeemed to: set with the fund password, proven by SMS; a change holds cash-outs."""

import re
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import states
from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.machines.bank_accounts import BANK_ACCOUNT
from portal.models.wallet import BankAccount
from portal.services import audit, banks, codes, messages, notifications
from portal.services.notifications import Event
from portal.services.voucher_customers import acting, bank_account_of, phone_of

declare(
    {
        "bank_account_verified": N_("Your bank account is verified already."),
        "bank_account_taken": N_("This bank account belongs to another customer."),
        "bank_account_not_waiting": N_("No bank account is waiting for a code."),
    }
)

notifications.declare(
    {
        "bank_account_changed": Event(
            "security",
            N_("Your bank account was changed"),
            N_("Payouts now go to the account ending in %(tail)s. They are on hold until %(until)s."),
            icon="landmark",
        ),
        "bank_account_added": Event(
            "security",
            N_("Your bank account is verified"),
            N_("Payouts go to the account ending in %(tail)s."),
            icon="landmark",
        ),
    }
)

PURPOSE = "voucher_bank_account"

#: After a change of the account payouts wait, so that the owner can step in.
HOLD_AFTER_CHANGE = timedelta(hours=24)

_NUMBER = re.compile(r"[0-9]{6,16}", re.ASCII)

MAX_HOLDER = 60


def set_account(
    session: Session,
    customer_id: int,
    holder: str,
    bank_code: str,
    branch_code: str,
    number: str,
    *,
    change: bool = False,
) -> BankAccount:
    """Takes note of a bank account and sends the code that proves it; called again it sends a new code.

    The fund password was proven before. With `change` a verified account may be replaced. Raises Refusal
    `input_invalid`, `input_missing`, `bank_account_verified`, `bank_account_taken`, `code_too_soon`.
    """
    name, digits = _checked(session, holder, bank_code, branch_code, number)
    customer = acting(session, customer_id)
    phone = phone_of(customer)
    if not change and bank_account_of(session, customer_id) is not None:
        raise Refusal("bank_account_verified")
    vault = context(session).vault
    index = vault.index(f"{bank_code}-{digits}", "bank account")
    _refuse_taken(session, customer_id, index)
    code = codes.issue(session, PURPOSE, f"customer:{customer_id}", "sms", phone)
    actor = f"customer:{customer_id}"
    older = bank_account_of(session, customer_id, "pending")
    if older is not None:
        states.advance(session, BANK_ACCOUNT, older, "closed", actor, "a newer one took its place")
    made = BankAccount(
        owner_kind="customer",
        owner_id=customer_id,
        bank_code=bank_code,
        branch_code=branch_code,
        account_sealed=vault.seal_text(digits, "bank account"),
        account_index=index,
        account_tail=digits[-4:],
        holder_sealed=vault.seal_text(name, "bank account holder"),
        created_at=now(session),
    )
    session.add(made)
    states.begin(session, BANK_ACCOUNT, made, actor)
    facts = {"bank_code": bank_code, "tail": made.account_tail}
    messages.sms(
        session, phone, "bank_account_code", customer.locale, facts, code=code, expires_at=now(session) + codes.LIFE
    )
    return made


def verify(session: Session, customer_id: int, otp: str) -> BankAccount:
    """Proves the account that waits; an older verified one is closed then, and payouts are held.

    Raises Refusal `bank_account_verified` or `bank_account_not_waiting` when none waits, `code_wrong` (kept),
    `code_expired`, `bank_account_taken`.
    """
    customer = acting(session, customer_id)
    waiting = bank_account_of(session, customer_id, "pending")
    older = bank_account_of(session, customer_id)
    if waiting is None:
        raise Refusal("bank_account_verified" if older is not None else "bank_account_not_waiting")
    codes.verify(session, PURPOSE, f"customer:{customer_id}", phone_of(customer), otp)
    _refuse_taken(session, customer_id, waiting.account_index)
    actor, moment = f"customer:{customer_id}", now(session)
    if older is not None:
        states.advance(session, BANK_ACCOUNT, older, "closed", actor, "changed by its owner")
    try:
        with session.begin_nested():
            states.advance(session, BANK_ACCOUNT, waiting, "verified", actor, verified_at=moment)
    except IntegrityError as error:  # somebody else verified the same account in this very moment
        raise Refusal("bank_account_taken") from error
    facts = {"tail": waiting.account_tail}
    if older is not None:
        until = max(moment + HOLD_AFTER_CHANGE, customer.withdrawals_held_until or moment)
        customer.withdrawals_held_until = until
        notifications.tell(
            session, customer_id, "bank_account_changed", {**facts, "until": notifications.moment(until)}
        )
    else:
        notifications.tell(session, customer_id, "bank_account_added", facts)
    audit.write(session, actor, "bank_account.verify", f"bank_account:{waiting.id}", details=facts)
    return waiting


def _checked(session: Session, holder: str, bank_code: str, branch_code: str, number: str) -> tuple[str, str]:
    name = " ".join(holder.split())
    if not name or len(name) > MAX_HOLDER or not name.isprintable():
        raise Refusal("input_invalid" if name else "input_missing", field="name")
    if not banks.is_bank(session, bank_code):
        raise Refusal("input_invalid", field="bank_code")
    if not banks.is_branch_code(branch_code):
        raise Refusal("input_invalid", field="branch_code")
    digits = number.replace("-", "").replace(" ", "")
    if not _NUMBER.fullmatch(digits):
        raise Refusal("input_invalid", field="card_no")
    return name, digits


def _refuse_taken(session: Session, customer_id: int, index: str) -> None:
    taken = sa.select(BankAccount.id).where(
        BankAccount.account_index == index,
        BankAccount.owner_kind == "customer",
        BankAccount.owner_id != customer_id,
        BankAccount.status == "verified",
    )
    if session.scalar(taken.limit(1)) is not None:
        raise Refusal("bank_account_taken", field="card_no")
