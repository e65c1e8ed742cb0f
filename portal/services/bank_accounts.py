"""Bank accounts as their owners and the pay-out see them: opened, with the names of bank and branch."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context
from portal.errors import N_, Refusal, declare
from portal.models.wallet import Bank, BankAccount, BankBranch

declare({"bank_account_unknown": N_("Please choose one of your verified bank accounts.")})


@dataclass(frozen=True, slots=True)
class BankAccountView:
    """One bank account in the clear. `bank_name` and `branch_name` are Chinese; a code that is not listed names itself."""

    id: int
    bank_code: str
    branch_code: str
    bank_name: str
    branch_name: str
    account: str
    holder: str

    @property
    def full_name(self) -> str:
        """Bank and branch, apart by a full-width blank as the brokerage contract shows them."""
        return f"{self.bank_name}\u3000{self.branch_name}"

    @property
    def tail(self) -> str:
        """The last four digits."""
        return self.account[-4:]


def verified(session: Session, owner_kind: str, owner_id: int) -> list[BankAccountView]:
    """An owner's verified accounts, oldest first."""
    return _views(
        session,
        BankAccount.owner_kind == owner_kind,
        BankAccount.owner_id == owner_id,
        BankAccount.status == "verified",
    )


def one_verified(session: Session, owner_kind: str, owner_id: int, bank_account_id: int | None) -> BankAccountView:
    """An owner's verified account. Raises Refusal `bank_account_unknown`, for a foreign one alike."""
    for view in verified(session, owner_kind, owner_id):
        if view.id == bank_account_id:
            return view
    raise Refusal("bank_account_unknown", field="bankId")


def by_ids(session: Session, ids: Collection[int]) -> dict[int, BankAccountView]:
    """Accounts by their numbers, whatever their state; for records that name them. The caller checks whose they are."""
    if not ids:
        return {}
    return {view.id: view for view in _views(session, BankAccount.id.in_(ids))}


def _views(session: Session, *conditions: sa.ColumnElement[bool]) -> list[BankAccountView]:
    vault = context(session).vault
    query = (
        sa.select(BankAccount, Bank.name, BankBranch.name)
        .outerjoin(Bank, Bank.code == BankAccount.bank_code)
        .outerjoin(
            BankBranch,
            sa.and_(BankBranch.bank_code == BankAccount.bank_code, BankBranch.code == BankAccount.branch_code),
        )
        .where(*conditions)
        .order_by(BankAccount.id)
    )
    return [
        BankAccountView(
            id=account.id,
            bank_code=account.bank_code,
            branch_code=account.branch_code,
            bank_name=bank_name or account.bank_code,
            branch_name=branch_name or account.branch_code,
            account=vault.open_text(account.account_sealed, "bank account"),
            holder=vault.open_text(account.holder_sealed, "bank account holder"),
        )
        for account, bank_name, branch_name in session.execute(query)
    ]
