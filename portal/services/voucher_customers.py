"""What every voucher service asks of its customer: in good standing, with a phone, and sure of the fund password."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Database, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.security import FailureCounter
from portal.models.wallet import BankAccount
from portal.money import AmountError, parse_units
from portal.services import failures, passwords

FUND_PASSWORD_TRIES, FUND_PASSWORD_LOCK = 10, timedelta(hours=2)

declare(
    {
        "account_restricted": N_("Your account is restricted at the moment. Please contact us."),
        "phone_missing": N_("A verified mobile number is needed first."),
        "fund_password_wrong": N_("The password is not right."),
        "bank_account_unverified": N_("A verified bank account is needed first."),
    }
)


def acting(session: Session, customer_id: int) -> Customer:
    """The customer, free to act. Raises Refusal `account_restricted`."""
    found = session.get(Customer, customer_id, populate_existing=True)
    if found is None or found.standing != "normal":
        raise Refusal("account_restricted")
    return found


def phone_of(customer: Customer) -> str:
    """The verified number that gets the codes. Raises Refusal `phone_missing`."""
    if not customer.phone or customer.phone_verified_at is None:
        raise Refusal("phone_missing")
    return customer.phone


def bank_account_of(session: Session, customer_id: int, status: str = "verified") -> BankAccount | None:
    """The customer's newest bank account of a status."""
    return session.scalar(
        sa.select(BankAccount)
        .where(BankAccount.owner_kind == "customer", BankAccount.owner_id == customer_id, BankAccount.status == status)
        .order_by(BankAccount.id.desc())
        .limit(1)
    )


def prove_fund_password(db: Database, customer_id: int, password: str) -> None:
    """Checks the fund password, which is the login password, in no transaction: Argon2 takes tens of milliseconds.

    Only wrong ones are counted, so that many payments at once lock nobody out. Raises Refusal `fund_password_wrong`,
    also for two hours after ten wrong ones in a row.
    """
    digest = password if passwords.is_digest(password) else passwords.digest_of(password)
    kept, failed = db.read(_kept_password, customer_id)
    if kept is None or not db.read(passwords.matches, kept, digest):
        db.transact(_count_failure, customer_id)
        raise Refusal("fund_password_wrong", field="fund_password")
    if failed:
        db.transact(_forgive, customer_id)


def _kept_password(session: Session, customer_id: int) -> tuple[str | None, bool]:
    """The hash to check against (None while locked), and whether there are failures to forgive."""
    counter = session.get(FailureCounter, _counter(session, customer_id))
    if counter is not None and counter.locked_until is not None and counter.locked_until > now(session):
        return None, True
    kept = session.scalar(sa.select(Customer.password_hash).where(Customer.id == customer_id))
    return kept, counter is not None and counter.failures > 0


def _count_failure(session: Session, customer_id: int) -> None:
    counter = failures.hold(session, _counter(session, customer_id))
    moment = now(session)
    counter.failures, counter.total, counter.last_at = counter.failures + 1, counter.total + 1, moment
    if counter.failures >= FUND_PASSWORD_TRIES:
        counter.failures, counter.locked_until = 0, moment + FUND_PASSWORD_LOCK
    session.flush()


def _forgive(session: Session, customer_id: int) -> None:
    failures.forgive(session, _counter(session, customer_id))


def _counter(session: Session, customer_id: int) -> str:
    """The one counter of a customer's password, shared with the other doors that ask for it again."""
    return failures.key(session, "password", customer_id)


def units(value: object, asset: str, field: str) -> int:
    """An amount from outside in ledger units.

    Raises Refusal `amount_invalid`, `amount_too_precise` or `amount_out_of_range`.
    """
    try:
        return parse_units(value, asset)
    except AmountError as error:
        name = {"too_precise": "amount_too_precise", "too_large": "amount_out_of_range"}.get(
            error.reason, "amount_invalid"
        )
        raise Refusal(name, field=field) from error
