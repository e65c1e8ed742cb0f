"""A customer's own virtual account: opened for them, limited, and taking only their own money (KYC level 3)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal import ledger
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.wallet import BankCredit, VirtualAccount
from portal.money import parse_units
from portal.services import bank_accounts, bank_credits, deposits, limits, parameters
from portal.services.bank_accounts import BankAccountView
from portal.services.bank_credits import SUSPENSE, Outcome

declare(
    {
        "deposit_not_allowed": N_("Your account may not deposit this yet."),
        "bank_account_missing": N_("A verified bank account is needed first."),
    }
)

#: Brokerage contract, pre_deposit: the largest sums per day and month. `level` is the KYC level that opens it.
parameters.declare("deposit.fiat.TWD", {"level": 3, "per_day": "500000", "per_month": "1000000", "account_days": 365})
for _asset, _day, _month in (("USDT", "100000", "300000"), ("ETH", "60", "200")):
    parameters.declare(f"deposit.crypto.{_asset}", {"level": 1, "per_day": _day, "per_month": _month})

LIMIT = "deposit:TWD"
#: An account is replaced by a fresh one this long before it ends, so that nobody pays to one about to expire.
RENEWED_BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DepositWay:
    """Where a customer sends TWD, from which of their accounts, and how much is left of the limits (TWD units)."""

    account: VirtualAccount
    bank_name: str
    branch_name: str
    holder: str
    own_banks: list[BankAccountView]
    limit: limits.Remaining


def limit_of(session: Session, customer_id: int) -> limits.Remaining:
    """What a customer has deposited in TWD and what is left."""
    rule = parameters.get(session, "deposit.fiat.TWD")
    return limits.remaining(
        session,
        "customer",
        customer_id,
        LIMIT,
        parse_units(rule["per_day"], "TWD"),
        parse_units(rule["per_month"], "TWD"),
    )


def way_in(session: Session, customer_id: int) -> DepositWay:
    """The customer's virtual account, opened on first use.

    Raises Refusal `deposit_not_allowed` below the KYC level or in another standing than normal, `bank_account_missing`
    without a verified bank account.
    """
    rule = parameters.get(session, "deposit.fiat.TWD")
    customer = session.get_one(Customer, customer_id)
    banks = bank_accounts.verified(session, "customer", customer_id)
    if not banks:
        raise Refusal("bank_account_missing", level=rule["level"])
    if customer.kyc_level < rule["level"] or customer.standing != "normal":
        raise Refusal("deposit_not_allowed", level=rule["level"])
    account = bank_credits.virtual_account_of(session, "customer", customer_id)
    if account is None or (account.expires_at is not None and account.expires_at - RENEWED_BEFORE < now(session)):
        expires_at = now(session) + timedelta(days=rule["account_days"])
        account = bank_credits.open_virtual_account(session, "customer", customer_id, expires_at)
    names = parameters.get(session, "bank.virtual_accounts")
    return DepositWay(
        account, names["bank_name"], names["branch_name"], names["holder"], banks, limit_of(session, customer_id)
    )


def announce(session: Session, customer_id: int, amount_units: int) -> str:
    """Announces a TWD deposit to the customer's virtual account; answers its public id.

    Raises the refusals of `way_in`, `amount_out_of_range` and `limit_exceeded`.
    """
    way = way_in(session, customer_id)
    limits.check(way.limit, amount_units)
    to_bank = {
        "code": way.account.bank_code,
        "account": way.account.account,
        "name": f"{way.bank_name} {way.branch_name}",
        "holder": way.holder,
    }
    return deposits.announce(session, customer_id, amount_units, to_bank).public_id


@bank_credits.takes("customer")
def pay_in(session: Session, account: VirtualAccount, credit: BankCredit) -> Outcome:
    """Credits the owner of a virtual account, or says why the money waits in suspense.

    Only an unexpired account of a customer in good standing with the KYC level takes money, only from the customer's
    own verified bank account when the bank tells the payer's, and only within the limits.
    """
    rule = parameters.get(session, "deposit.fiat.TWD")
    customer = session.get_one(Customer, account.subject_id)
    if account.expires_at is not None and account.expires_at <= now(session):
        return Outcome(SUSPENSE, reason="virtual_account_expired")
    if customer.standing != "normal":
        return Outcome(SUSPENSE, reason="standing")
    if customer.kyc_level < rule["level"]:
        return Outcome(SUSPENSE, reason="kyc_level")
    payer = payer_of(session, customer.id, credit)
    if payer is None:
        return Outcome(SUSPENSE, reason="payer_not_own")
    ledger.lock_owner(session, "customer", customer.id, "TWD")
    per_day, per_month = (parse_units(rule[name], "TWD") for name in ("per_day", "per_month"))
    limits.check_and_use(session, "customer", customer.id, LIMIT, credit.amount_units, per_day, per_month)
    names = parameters.get(session, "bank.virtual_accounts")
    to_bank = {
        "code": account.bank_code,
        "account": account.account,
        "name": names["bank_name"],
        "holder": names["holder"],
    }
    banks: dict[str, Any] = {"from_bank": payer, "to_bank": to_bank}
    deposit = deposits.credit_from_bank(
        session, customer.id, credit, ledger.house("bank", credit.asset), "system", banks
    )
    return Outcome("deposit", deposit.id)


def payer_of(session: Session, customer_id: int, credit: BankCredit) -> dict[str, Any] | None:
    """Who paid, as it may be kept in the history; None when the account is none of the customer's own."""
    if credit.payer_account is None:
        return {"name": credit.payer_name}
    said = _digits(credit.payer_account)
    for own in bank_accounts.verified(session, "customer", customer_id):
        spelled = (own.account, own.bank_code + own.account, own.bank_code + own.branch_code + own.account)
        if said and said in map(_digits, spelled):
            return {"code": own.bank_code, "account": f"****{own.tail}", "name": credit.payer_name}
    return None


def _digits(text: str) -> str:
    """The digits of an account number without leading zeros: banks fill them up to 14 or 16 as they like."""
    return "".join(sign for sign in text if sign in "0123456789").lstrip("0")
