"""Checks that staff make for others: institutions' people, and the bank accounts that stores' takings are paid to."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import context
from portal.errors import N_, Refusal, declare
from portal.machines.partner_kyc import PARTNER_KYC
from portal.models.files import StoredFile
from portal.models.partner import Institution, PartnerKyc
from portal.models.stores import Store
from portal.models.system import StateChange
from portal.models.wallet import BankAccount
from portal.permissions import BANK_VIEW, KYC_REVIEW
from portal.services import (
    audit,
    banks,
    institution_members,
    partner_kyc,
    staff_accounts,
    staff_counts,
    store_bank_accounts,
    store_members,
    stores,
)
from portal.services.staff_sessions import SignedInStaff

declare({"check_overtaken": N_("This was handed in anew or decided meanwhile. Please look again.")})

#: What reviewers of institutions' people most often have to say.
REASONS: tuple[str, ...] = (
    N_("The picture is blurred. Please take it again in good light."),
    N_("The document has expired. Please send a valid one."),
    N_("What is written does not match what you entered."),
    N_("This is another document than the one asked for."),
)


@dataclass(frozen=True, slots=True)
class PersonCase:
    """A person of an institution with what was handed in, in the clear."""

    found: PartnerKyc
    institution: Institution
    person: dict[str, Any]
    history: list[StateChange]


@dataclass(frozen=True, slots=True)
class StoreAccount:
    """A bank account of a store that waits, in the clear, beside the one in force."""

    store: Store
    account: BankAccount
    number: str
    holder: str
    bank_name: str
    in_force: BankAccount | None


# --- people of institutions ---


def people(session: Session, *, after: int = 0, count: int = 25) -> list[tuple[PartnerKyc, Institution]]:
    """Checks that wait for a decision, oldest first, above a number (keyset)."""
    rows = partner_kyc.waiting(session, after=after, count=count)
    query = sa.select(Institution).where(Institution.id.in_({row.institution_id for row in rows}))
    named = {institution.id: institution for institution in session.scalars(query)}
    return [(row, named[row.institution_id]) for row in rows]


def open_person(session: Session, me: SignedInStaff, public_id: str) -> PersonCase:
    """Opens a person's check and writes it down. Raises Refusal `not_found`, `staff_not_oneself`."""
    found = _person(session, me, public_id)
    audit.write(session, me.actor, "partner_kyc.open", f"partner_kyc:{found.id}")
    return PersonCase(
        found,
        session.get_one(Institution, found.institution_id),
        partner_kyc.details(session, found),
        states.history(session, PARTNER_KYC, found.id),
    )


def open_picture(session: Session, me: SignedInStaff, public_id: str, name: str) -> StoredFile:
    """A picture of a check, written down. Raises Refusal `not_found`, `staff_not_oneself`."""
    found = _person(session, me, public_id)
    file = session.get(StoredFile, found.files.get(name, 0))
    if file is None or (file.owner_kind, file.owner_id) != ("institution", found.institution_id):
        raise Refusal("not_found")
    audit.write(session, me.actor, "partner_kyc.document", f"partner_kyc:{found.id}", details={"file": name[:40]})
    return file


def decide_person(
    session: Session, me: SignedInStaff, public_id: str, submission: int, decision: str, reason: str
) -> None:
    """Passes or refuses a check as it was when it was opened (its `submission`); the institution is told.

    Raises Refusal `not_found`, `staff_not_oneself`, `check_overtaken`, `input_invalid`, `input_missing`.
    """
    found = _person(session, me, public_id)
    session.refresh(found, with_for_update=True)
    if (found.submissions, found.status) != (submission, "checking"):
        raise Refusal("check_overtaken")
    partner_kyc.decide(session, found.id, decision, reason, me.actor)
    audit.write(
        session, me.actor, f"partner_kyc.{decision}", f"partner_kyc:{found.id}", details={"reason": reason[:200]}
    )


def _person(session: Session, me: SignedInStaff, public_id: str) -> PartnerKyc:
    found = session.scalar(sa.select(PartnerKyc).where(PartnerKyc.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    working = {customer.id for _, customer in institution_members.members(session, found.institution_id)}
    if working & staff_accounts.own_customers(session, me.staff_id):
        raise Refusal("staff_not_oneself")
    return found


# --- bank accounts of stores ---


def open_account(session: Session, me: SignedInStaff, store_public_id: str) -> StoreAccount:
    """Opens the account that waits for a store and writes it down. Raises Refusal `not_found`, `staff_not_oneself`."""
    store = _store(session, me, store_public_id)
    account = store_bank_accounts.of_store(session, store.id, "pending")
    if account is None:
        raise Refusal("not_found")
    audit.write(session, me.actor, "store.bank_open", f"store:{store.id}", details={"tail": account.account_tail})
    vault = context(session).vault
    return StoreAccount(
        store,
        account,
        vault.open_text(account.account_sealed, "bank account"),
        vault.open_text(account.holder_sealed, "bank account holder"),
        banks.full_name(session, account.bank_code, account.branch_code),
        store_bank_accounts.of_store(session, store.id, "verified"),
    )


def decide_account(
    session: Session, me: SignedInStaff, store_public_id: str, account_id: int, decision: str, reason: str
) -> None:
    """Verifies or rejects the very account that was looked at; takings wait a day after a change.

    Raises Refusal `not_found`, `staff_not_oneself`, `check_overtaken`, `input_invalid`, `input_missing`.
    """
    store = _store(session, me, store_public_id)
    session.refresh(store, with_for_update=True)
    account = store_bank_accounts.of_store(session, store.id, "pending")
    if account is None or account.id != account_id:
        raise Refusal("check_overtaken")
    if decision not in ("approve", "reject"):
        raise Refusal("input_invalid", field="decision")
    store_bank_accounts.decide(session, store, decision == "approve", me.actor, reason)


def _store(session: Session, me: SignedInStaff, public_id: str) -> Store:
    store = stores.find(session, public_id)
    working = {customer.id for _, customer in store_members.members(session, store.id)}
    if working & staff_accounts.own_customers(session, me.staff_id):
        raise Refusal("staff_not_oneself")
    return store


staff_counts.declare(
    "partner_kyc", KYC_REVIEW, lambda _: sa.select(PartnerKyc.id).where(PartnerKyc.status == "checking")
)
staff_counts.declare(
    "store_accounts", BANK_VIEW,
    lambda _: sa.select(BankAccount.id).where(BankAccount.owner_kind == "store", BankAccount.status == "pending"),
)  # fmt: skip
