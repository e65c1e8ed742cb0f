"""Companies that sell vouchers: their accounts, how much they may sell, their brand and their terms."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Company
from portal.models.vouchers import CompanyBankAccount, PolicyVersion
from portal.services import audit, brands

MAX_NAME = 200

declare(
    {
        "company_exists": N_("There is a company of this code already."),
        "company_account_known": N_("A company has this account already."),
    }
)


def by_code(session: Session, code: str, field: str = "user_source") -> Company:
    """The company of a code (voucher contract: user_source, company). Raises Refusal `input_invalid`."""
    found = session.scalar(sa.select(Company).where(Company.code == code)) if len(code) <= 64 else None
    if found is None:
        raise Refusal("input_invalid", field=field)
    return found


def payout_accounts(session: Session, company_id: int | None = None) -> list[CompanyBankAccount]:
    """The accounts that customers pay into, of one company or of all."""
    query = sa.select(CompanyBankAccount).where(CompanyBankAccount.active.is_(True)).order_by(CompanyBankAccount.id)
    if company_id is not None:
        query = query.where(CompanyBankAccount.company_id == company_id)
    return list(session.scalars(query))


def payout_account(session: Session, spelled: str) -> CompanyBankAccount:
    """The account spelled `<bank code>-<number>`. Raises Refusal `input_invalid`: any listed account will do (V4)."""
    bank_code, _, account = spelled.partition("-")
    found = session.scalar(
        sa.select(CompanyBankAccount).where(
            CompanyBankAccount.bank_code == bank_code,
            CompanyBankAccount.account == account,
            CompanyBankAccount.active.is_(True),
        )
    )
    if found is None:
        raise Refusal("input_invalid", field="payout_account")
    return found


def claim_vouchers(session: Session, company_id: int, units: int) -> bool:
    """Takes TWIP out of what a company may still sell; False when there is too little, and nothing is taken."""
    taken = session.execute(
        sa.update(Company)
        .where(Company.id == company_id, Company.sellable_units >= units)
        .values(sellable_units=Company.sellable_units - units)
        .execution_options(synchronize_session=False)
    )
    return affected(taken) == 1


def sellable_units(session: Session, company_id: int) -> int:
    """TWIP units a company may still sell, as the database has it now."""
    return int(session.scalar(sa.select(Company.sellable_units).where(Company.id == company_id)) or 0)


def restock(session: Session, company_id: int, units: int, actor: str) -> None:
    """Adds TWIP to what a company may sell (a negative number takes away). Raises Refusal `amount_out_of_range`."""
    changed = session.execute(
        sa.update(Company)
        .where(Company.id == company_id, Company.sellable_units + units >= 0)
        .values(sellable_units=Company.sellable_units + units)
        .execution_options(synchronize_session=False)
    )
    if affected(changed) != 1:
        raise Refusal("amount_out_of_range", field="amount")
    audit.write(session, actor, "company.restock", f"company:{company_id}", details={"units": units})


def create(
    session: Session,
    code: str,
    name: str,
    *,
    sellable_units: int = 0,
    colour: str = "#0b6b57",
    contact_email: str | None = None,
    contact_phone: str | None = None,
    address: str | None = None,
    actor: str,
) -> Company:
    """Makes a company (voucher contract: manual_setup, create_company); callers name it by its code in every sign-up.

    Raises Refusal `company_exists`, `input_invalid` (code, name), `input_missing` (name), `colour_invalid`.
    """
    name = name.strip()
    if not (code.isascii() and code.isalnum() and code == code.lower() and len(code) <= 32):
        raise Refusal("input_invalid", field="code")
    if not name:
        raise Refusal("input_missing", field="name")
    if len(name) > MAX_NAME or not name.isprintable():
        raise Refusal("input_invalid", field="name")
    brands.check_colour(colour)
    if session.scalar(sa.select(Company.id).where(Company.code == code)) is not None:
        raise Refusal("company_exists", field="code")
    settings: dict[str, Any] = {"address": address, "contact_phone": contact_phone}
    made = Company(
        code=code,
        name=name,
        colour=colour,
        contact_email=contact_email,
        sellable_units=sellable_units,
        settings=settings,
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.write(session, actor, "company.create", f"company:{made.id}", details={"code": code})
    return made


def add_bank_account(
    session: Session, company_id: int, spelled: str, bank_name: str, branch_name: str, account_name: str, *, actor: str
) -> CompanyBankAccount:
    """Gives a company an account to be paid into, spelled `<bank code>-<number>`.

    Raises Refusal `input_invalid`; `company_account_known` for one that a company has: money into it could be meant for two.
    """
    bank_code, _, account = spelled.partition("-")
    if len(bank_code) != 3 or not (bank_code + account).isascii() or not (bank_code + account).isdigit() or not account:
        raise Refusal("input_invalid", field="bank_account")
    same = sa.and_(CompanyBankAccount.bank_code == bank_code, CompanyBankAccount.account == account)
    if session.scalar(sa.select(CompanyBankAccount.id).where(same)) is not None:
        raise Refusal("company_account_known", field="bank_account")
    made = CompanyBankAccount(
        company_id=company_id,
        bank_code=bank_code,
        bank_name=bank_name,
        branch_name=branch_name,
        account_name=account_name,
        account=account,
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.write(session, actor, "company.bank_account", f"company:{company_id}", details={"account": spelled[-4:]})
    return made


def publish_policy(
    session: Session, version: str, *, terms_type: str = "all", content: str | None = None, company_id: int | None = None,
    actor: str,
) -> PolicyVersion:  # fmt: skip
    """Puts a version of the terms in force. Raises Refusal `input_invalid` for a version that was there before."""
    of_company = PolicyVersion.company_id.is_(None) if company_id is None else PolicyVersion.company_id == company_id
    known = sa.select(PolicyVersion.id).where(
        of_company, PolicyVersion.terms_type == terms_type, PolicyVersion.version == version
    )
    if not version or len(version) > 16 or session.scalar(known) is not None:
        raise Refusal("input_invalid", field="version")
    made = PolicyVersion(
        company_id=company_id, terms_type=terms_type, version=version, content=content, published_at=now(session)
    )
    session.add(made)
    session.flush()
    audit.write(session, actor, "policy.publish", f"policy:{made.id}", details={"version": version})
    return made


def policy_versions(session: Session, company_id: int | None = None) -> list[PolicyVersion]:
    """The version in force of every kind of terms: of all companies, or of one where it has its own."""
    query = sa.select(PolicyVersion).order_by(PolicyVersion.id)
    in_force: sa.ColumnElement[bool] = PolicyVersion.company_id.is_(None)
    if company_id is not None:
        in_force = sa.or_(in_force, PolicyVersion.company_id == company_id)
    newest: dict[str, PolicyVersion] = {}
    for version in session.scalars(query.where(in_force)):
        newest[version.terms_type] = version
    return list(newest.values())
