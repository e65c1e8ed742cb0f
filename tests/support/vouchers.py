"""The vouchers' world of a test: companies with accounts, stores, codes on phones, money at the bank."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.models.customers import Company
from portal.models.stores import Store
from portal.models.vouchers import CompanyBankAccount
from portal.money import parse_units
from portal.services import bank_credits, companies, stores
from tests.support import people
from tests.support.outside import code_for, run_worker, send_messages

PAYOUT = {"tungkai": "009-5251234567890", "huanyu": "807-2241234567890"}

PAYEE = ("彰化銀行", "復興分行", "香港商全金集成有限公司台灣分公司")

#: Bank account that `people.customer` gives a person, as the bank tells it.
BANK_CODE = "809"


def own_account(person: Any) -> str:
    """The number of the person's verified bank account, as the bank tells it."""
    return f"{int(person.phone[-8:]):014d}"


def open_companies(portal: Any, sellable: str = "50000000") -> None:
    """Both companies, each with its account to be paid into, and terms in force."""
    portal.db.transact(_open_companies, sellable)


def _open_companies(session: Session, sellable: str) -> None:
    for code, account in PAYOUT.items():
        company_id = people.company_id(session, code)
        session.execute(
            sa.update(Company).where(Company.id == company_id).values(sellable_units=parse_units(sellable, "TWIP"))
        )
        if not session.scalar(sa.select(CompanyBankAccount.id).where(CompanyBankAccount.company_id == company_id)):
            companies.add_bank_account(session, company_id, account, *PAYEE, actor="system")
    if not companies.policy_versions(session):
        companies.publish_policy(session, "1.23", actor="system")


def open_store(portal: Any, name: str = "山嵐咖啡", discount: str = "0", kind: str = "fixed", **more: Any) -> Store:
    """A store of tungkai."""
    found: Store = portal.db.transact(_open_store, name, discount, kind, more)
    return found


def _open_store(session: Session, name: str, discount: str, kind: str, more: dict[str, Any]) -> Store:
    address = more.pop("address", "台北市大安區基隆路二段100號")
    return stores.create(
        session,
        people.company_id(session, "tungkai"),
        name,
        address,
        discount_type=kind,
        discount_value=Decimal(discount),
        actor="system",
        **more,
    )


def work(app: Flask) -> None:
    """The worker does what is due."""
    with app.app_context():
        run_worker(app.extensions["portal"])


def code(app: Flask, to: str) -> str:
    """The newest code sent to a phone or address, once all that is due has been sent."""
    with app.app_context():
        send_messages(app.extensions["portal"])
    return code_for(app.extensions["portal"], to)


def bank_brings(portal: Any, account: str, amount: str, **more: Any) -> Any:
    """Money arrives at the bank; the credit with its outcome."""
    return portal.db.transact(bank_credits.receive, account=account, amount_units=parse_units(amount, "TWD"), **more)


def wrong(right: str) -> str:
    """A code that is not the right one."""
    return f"{(int(right) + 1) % 10**6:06d}"
