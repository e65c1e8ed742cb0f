"""A customer as the voucher family shows them: status by facts, bank account masked, balances of both vouchers."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import context
from portal.models.customers import Customer
from portal.models.wallet import BankAccount, Deposit
from portal.services.networks import TRON
from portal.services.voucher_customers import bank_account_of

VOUCHERS = ("TWIP", "TWIG")


@dataclass(frozen=True, slots=True)
class BankInfo:
    """The verified account; of the number only the last five digits are shown."""

    holder: str
    bank_code: str
    masked_number: str


@dataclass(frozen=True, slots=True)
class Profile:
    """`status` is one of the contract's user_status; `is_activated`: the TRON address was used on the chain."""

    email: str
    phone: str
    bank: BankInfo | None
    status: str
    is_activated: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """What a customer has of one voucher, in ledger units: free to use, and held for something under way."""

    asset: str
    free_units: int
    locked_units: int


def profile(session: Session, customer_id: int) -> Profile:
    """The customer's profile."""
    customer = session.get_one(Customer, customer_id)
    verified = bank_account_of(session, customer_id)
    pending = bank_account_of(session, customer_id, "pending") if verified is None else None
    status = "bank_verified" if verified is not None else "bank_pending" if pending is not None else "wallet_generated"
    return Profile(
        email=customer.email or "",
        phone=customer.phone or "",
        bank=bank_info(session, verified) if verified is not None else None,
        status=status,
        is_activated=_is_activated(session, customer_id),
        created_at=customer.created_at,
    )


def bank_info(session: Session, account: BankAccount) -> BankInfo:
    """A bank account as it may be shown."""
    vault = context(session).vault
    number = vault.open_text(account.account_sealed, "bank account")
    holder = vault.open_text(account.holder_sealed, "bank account holder")
    return BankInfo(holder, account.bank_code, f"******{number[-5:]}")


def name_of(session: Session, customer_id: int) -> str | None:
    """The holder of the verified bank account: the only name the voucher family knows (reading V25)."""
    account = bank_account_of(session, customer_id)
    return bank_info(session, account).holder if account is not None else None


def holdings(session: Session, customer_id: int) -> list[Holding]:
    """The customer's vouchers."""
    found = ledger.balances(session, "customer", customer_id)
    return [Holding(asset, found.get((asset, "available"), 0), found.get((asset, "frozen"), 0)) for asset in VOUCHERS]


def _is_activated(session: Session, customer_id: int) -> bool:
    """A TRON account exists once something arrived on it."""
    arrived = sa.select(Deposit.id).where(
        Deposit.owner_kind == "customer",
        Deposit.owner_id == customer_id,
        Deposit.network == TRON,
        Deposit.status == "confirmed",
        Deposit.block_number.is_not(None),
    )
    return session.scalar(arrived.limit(1)) is not None
