"""The bank account that a store's takings are paid to: named by an owner, looked at by staff; a change holds pay-outs."""

import re
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.machines.bank_accounts import BANK_ACCOUNT
from portal.models.stores import Store
from portal.models.wallet import BankAccount
from portal.services import audit, banks, notifications, store_members
from portal.services.notifications import Event

#: After a change of the account takings wait, so that the other owners can step in.
HOLD_AFTER_CHANGE = timedelta(hours=24)

MAX_HOLDER = 60
_NUMBER = re.compile(r"[0-9]{6,16}", re.ASCII)

declare({"bank_account_not_pending": N_("No bank account is waiting for a decision.")})

notifications.declare(
    {
        "store_bank_proposed": Event(
            "security",
            N_("A new bank account for %(store)s"),
            N_(
                "The account ending in %(tail)s was entered for the takings and is being looked at. Was it none of you? Tell us."
            ),
            icon="landmark",
        ),
        "store_bank_verified": Event(
            "security",
            N_("The bank account of %(store)s is verified"),
            N_("Takings are paid to the account ending in %(tail)s."),
            icon="landmark",
        ),
        "store_bank_rejected": Event(
            "security",
            N_("The bank account of %(store)s was not accepted"),
            N_("The account ending in %(tail)s cannot be used: %(reason)s"),
            icon="landmark",
        ),
    }
)


def of_store(session: Session, store_id: int, status: str) -> BankAccount | None:
    """A store's newest account of a status."""
    query = sa.select(BankAccount).where(
        BankAccount.owner_kind == "store", BankAccount.owner_id == store_id, BankAccount.status == status
    )
    return session.scalar(query.order_by(BankAccount.id.desc()).limit(1))


def by_id(session: Session, store_id: int, account_id: int | None) -> BankAccount | None:
    """An account of a store by its row number, whatever its state; for records that name it."""
    query = sa.select(BankAccount).where(
        BankAccount.id == account_id, BankAccount.owner_kind == "store", BankAccount.owner_id == store_id
    )
    return session.scalar(query)


def held_until(session: Session, store_id: int) -> datetime | None:
    """Until when takings wait after a change of the account; None when they do not."""
    account = of_store(session, store_id, "verified")
    if account is None or account.verified_at is None or account.verified_at + HOLD_AFTER_CHANGE <= now(session):
        return None
    return account.verified_at + HOLD_AFTER_CHANGE if of_store(session, store_id, "closed") is not None else None


def propose(
    session: Session, store: Store, holder: str, bank_code: str, branch_code: str, number: str, actor: str
) -> BankAccount:
    """Enters an account for staff to look at; the person's password was proven before. All owners are told.

    Raises Refusal `input_missing` or `input_invalid` (holder, bank_code, branch_code, account).
    """
    name, digits = _checked(session, holder, bank_code, branch_code, number)
    older = of_store(session, store.id, "pending")
    if older is not None:
        states.advance(session, BANK_ACCOUNT, older, "closed", actor, "a newer one took its place")
    vault = context(session).vault
    made = BankAccount(
        owner_kind="store",
        owner_id=store.id,
        bank_code=bank_code,
        branch_code=branch_code,
        account_sealed=vault.seal_text(digits, "bank account"),
        account_index=vault.index(f"{bank_code}-{digits}", "bank account"),
        account_tail=digits[-4:],
        holder_sealed=vault.seal_text(name, "bank account holder"),
        created_at=now(session),
    )
    session.add(made)
    states.begin(session, BANK_ACCOUNT, made, actor)
    audit.write(session, actor, "store.bank_propose", f"store:{store.id}", details={"tail": made.account_tail})
    _tell(session, store, "store_bank_proposed", made)
    return made


def waiting(session: Session, count: int = 100) -> list[tuple[BankAccount, Store]]:
    """Accounts of stores that wait for a decision, oldest first."""
    query = (
        sa.select(BankAccount, Store)
        .join(Store, Store.id == BankAccount.owner_id)
        .where(BankAccount.owner_kind == "store", BankAccount.status == "pending")
        .order_by(BankAccount.id)
        .limit(count)
    )
    return [(account, store) for account, store in session.execute(query)]


def decide(session: Session, store: Store, approve: bool, actor: str, reason: str = "") -> BankAccount:
    """Verifies or rejects the account that waits; an older verified one is closed then.

    Raises Refusal `bank_account_not_pending`, or `input_missing` for a rejection without a reason.
    """
    found = of_store(session, store.id, "pending")
    if found is None:
        raise Refusal("bank_account_not_pending")
    if not approve and not reason.strip():
        raise Refusal("input_missing", field="reason")
    if approve:
        older = of_store(session, store.id, "verified")
        if older is not None:
            states.advance(session, BANK_ACCOUNT, older, "closed", actor, "changed by an owner")
        states.advance(session, BANK_ACCOUNT, found, "verified", actor, verified_at=now(session))
        _tell(session, store, "store_bank_verified", found)
    else:
        states.advance(session, BANK_ACCOUNT, found, "rejected", actor, reason[:200])
        _tell(session, store, "store_bank_rejected", found, reason=reason.strip()[:200])
    what = "store.bank_verify" if approve else "store.bank_reject"
    audit.write(session, actor, what, f"store:{store.id}", details={"tail": found.account_tail})
    return found


def _tell(session: Session, store: Store, event: str, account: BankAccount, **more: str) -> None:
    facts = {"store": store.name, "tail": account.account_tail, **more}
    for customer_id in store_members.owners(session, store.id):
        notifications.tell(session, customer_id, event, facts, f"/merchant/{store.public_id}/settlements")


def _checked(session: Session, holder: str, bank_code: str, branch_code: str, number: str) -> tuple[str, str]:
    name = " ".join(holder.split())
    if not name or len(name) > MAX_HOLDER or not name.isprintable():
        raise Refusal("input_invalid" if name else "input_missing", field="holder")
    if not banks.is_bank(session, bank_code):
        raise Refusal("input_invalid", field="bank_code")
    if not banks.is_branch_code(branch_code):
        raise Refusal("input_invalid", field="branch_code")
    digits = number.replace("-", "").replace(" ", "")
    if not _NUMBER.fullmatch(digits):
        raise Refusal("input_invalid", field="account")
    return name, digits
