"""What the voucher pages show before anything is asked for: holdings, what is missing, what is left to sell."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.models.customers import Company, Customer
from portal.models.vouchers import CompanyBankAccount
from portal.money import parse_units
from portal.services import companies, parameters, payments, voucher_orders, voucher_profiles, withdrawal_rules
from portal.services.payments import Payment
from portal.services.voucher_customers import bank_account_of
from portal.services.voucher_orders import Payable
from portal.services.voucher_profiles import BankInfo, Holding

#: How many orders and payments the front page shows.
RECENT = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the way of buying, swapping and cashing out; `missing` is phone, bank, restricted or None."""

    missing: str | None
    bank: BankInfo | None
    bank_pending: bool
    held_until: datetime | None


@dataclass(frozen=True, slots=True)
class Front:
    """The vouchers' front page."""

    holdings: list[Holding]
    standing: Standing
    orders: list[Payable]
    payments: list[Payment]


@dataclass(frozen=True, slots=True)
class Shop:
    """What the order form offers: accounts to pay into with their company, bounds in TWIP units, the price of one."""

    accounts: list[tuple[CompanyBankAccount, Company]]
    least_units: int
    most_units: int
    unit_price: Decimal
    unpaid_days: int


def holding(found: list[Holding], asset: str) -> Holding:
    """One of the holdings."""
    return next(one for one in found if one.asset == asset)


def standing(session: Session, customer_id: int) -> Standing:
    """What a customer may do with vouchers now."""
    customer = session.get_one(Customer, customer_id)
    account = bank_account_of(session, customer_id)
    pending = bank_account_of(session, customer_id, "pending")
    missing = None
    if customer.standing != "normal":
        missing = "restricted"
    elif not customer.phone or customer.phone_verified_at is None:
        missing = "phone"
    elif account is None:
        missing = "bank"
    until = customer.withdrawals_held_until
    return Standing(
        missing=missing,
        bank=voucher_profiles.bank_info(session, account) if account is not None else None,
        bank_pending=pending is not None,
        held_until=until if until is not None and until > now(session) else None,
    )


def front(session: Session, customer_id: int) -> Front:
    """Everything on the front page."""
    return Front(
        holdings=voucher_profiles.holdings(session, customer_id),
        standing=standing(session, customer_id),
        orders=voucher_orders.page(session, customer_id, count=RECENT),
        payments=payments.page(session, customer_id, count=RECENT),
    )


def shop(session: Session, customer_id: int) -> Shop:
    """What the order form offers; the customer's own company comes first."""
    rule = parameters.get(session, "voucher_buying")
    own = session.get_one(Customer, customer_id).company_id
    found = {company.id: company for company in session.scalars(sa.select(Company))}
    accounts = [(account, found[account.company_id]) for account in companies.payout_accounts(session)]
    accounts.sort(key=lambda pair: (pair[1].id != own, pair[0].id))
    return Shop(
        accounts=accounts,
        least_units=parse_units(rule["least"], "TWIP"),
        most_units=parse_units(rule["most"], "TWIP"),
        unit_price=Decimal(rule["unit_price"]),
        unpaid_days=int(rule["unpaid_days"]),
    )


def rule_of(session: Session, customer_id: int, kind: str) -> withdrawal_rules.Rule:
    """The bounds and fee of sending (`voucher`) or redeeming (`redemption`) TWIP."""
    level = session.get_one(Customer, customer_id).kyc_level
    return withdrawal_rules.rules(session, kind, "TWIP", level)[0]
