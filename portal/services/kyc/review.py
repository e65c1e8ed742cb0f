"""The staff's side: what waits, one case with all that was handed in, and the decision by compare-and-set."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.machines.bank_accounts import BANK_ACCOUNT
from portal.machines.kyc import KYC_DOCUMENT, KYC_LEVEL
from portal.models.customers import Customer
from portal.models.files import StoredFile
from portal.models.kyc import IdentityHolder, KycDocument, KycIdentity, KycLevel
from portal.models.system import StateChange
from portal.models.wallet import BankAccount
from portal.services import audit, bank_accounts, notifications
from portal.services.activity import TAIPEI
from portal.services.bank_accounts import BankAccountView
from portal.services.kyc import identity, numbers, records, submissions
from portal.services.kyc.records import SUPPLEMENT, UNVERIFIED, VERIFIED, VERIFYING, VOID
from portal.services.notifications import Event

APPROVE, REJECT = "approve", "reject"
_MAX_REASON = 200

declare(
    {
        "kyc_changed": N_("This case has changed since you opened it. Please look at it again."),
        "kyc_reason_missing": N_("Say what is wrong, so that the customer can mend it."),
        "kyc_nothing_waits": N_("Nothing of this level waits for a decision."),
    }
)
notifications.declare(
    {
        "kyc_approved": Event(
            "account",
            N_("Your identity check has reached a new level"),
            N_("Level %(level)s is verified. What it opens is yours to use now."),
            icon="id-card",
        ),
        "kyc_rejected": Event(
            "account",
            N_("Your identity check needs something more"),
            N_("For level %(level)s our reviewer wrote: %(reason)s"),
            icon="id-card",
        ),
        "kyc_void": Event("account", N_("Your identity check is no longer valid"), N_("Our reviewer wrote: %(reason)s"), icon="id-card"),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the review queue. `attempts` counts the submissions, the present one included."""

    level_id: int
    customer_id: int
    customer_public_id: str
    level: int
    name: str
    submitted_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class DocumentInCase:
    """A document as a reviewer sees it; `file_public_id` is what files.find takes."""

    id: int
    kind: int
    level: int
    status: str
    reason: str | None
    file_public_id: str
    media_type: str
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of a customer's identity, in the clear; opening one is an act the caller writes to the audit log.

    `warnings` are names of what a reviewer should look at twice: `gender_differs`, `number_held_by_another`,
    `account_used_by_another`.
    """

    customer_id: int
    customer_public_id: str
    display_name: str
    email: str | None
    phone: str | None
    kyc_level: int
    name: str | None
    gender: int | None
    birthday: date | None
    age_years: int | None
    number: str | None
    number_kind: str | None
    answers: dict[str, Any] | None
    levels: dict[int, KycLevel]
    documents: list[DocumentInCase]
    older_documents: list[DocumentInCase]
    bank_account: BankAccountView | None
    history: list[StateChange]
    warnings: tuple[str, ...]


def queue(
    session: Session, *, level: int | None = None, after: tuple[datetime, int] | None = None, count: int = 20
) -> list[Waiting]:
    """Levels that wait for a decision, longest first; `after` is the (submitted_at, level_id) of the last line seen."""
    query = (
        sa.select(KycLevel, Customer, KycIdentity.name_sealed)
        .join(Customer, Customer.id == KycLevel.customer_id)
        .outerjoin(KycIdentity, KycIdentity.customer_id == KycLevel.customer_id)
        .where(KycLevel.status == VERIFYING)
    )
    if level is not None:
        query = query.where(KycLevel.level == level)
    if after is not None:
        query = query.where(sa.tuple_(KycLevel.submitted_at, KycLevel.id) > sa.tuple_(*map(sa.literal, after)))
    vault = context(session).vault
    return [
        Waiting(
            level_id=row.id,
            customer_id=customer.id,
            customer_public_id=customer.public_id,
            level=row.level,
            name=vault.open_text(name, "real name") if name else customer.display_name,
            submitted_at=row.submitted_at or customer.created_at,
            attempts=row.revision,
        )
        for row, customer, name in session.execute(query.order_by(KycLevel.submitted_at, KycLevel.id).limit(count))
    ]


def waiting_count(session: Session) -> int:
    """How many levels wait, counted up to 999; for a badge."""
    some = sa.select(KycLevel.id).where(KycLevel.status == VERIFYING).limit(999).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def case(session: Session, customer_id: int) -> Case:
    """One customer's case. Raises Refusal `not_found`."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise Refusal("not_found")
    vault = context(session).vault
    who = records.identity(session, customer_id)
    born = date.fromisoformat(vault.open_text(who.birthday_sealed, "birthday")) if who else None
    number = vault.open_text(who.number_sealed, "identity number") if who else None
    rows = {row.level: row for row in session.scalars(sa.select(KycLevel).where(KycLevel.customer_id == customer_id))}
    papers = _documents(session, customer_id)
    account = submissions.account_of(session, customer)
    shown = bank_accounts.by_ids(session, [account.id]).get(account.id) if account else None
    return Case(
        customer_id=customer.id,
        customer_public_id=customer.public_id,
        display_name=customer.display_name,
        email=customer.email,
        phone=customer.phone,
        kyc_level=customer.kyc_level,
        name=vault.open_text(who.name_sealed, "real name") if who else None,
        gender=who.gender if who else None,
        birthday=born,
        age_years=records.years_between(born, now(session).astimezone(TAIPEI).date()) if born else None,
        number=number,
        number_kind=who.number_kind if who else None,
        answers=orjson.loads(vault.open(who.answers_sealed, "kyc answers")) if who and who.answers_sealed else None,
        levels=rows,
        documents=[paper for paper in papers if paper.status != "replaced"],
        older_documents=[paper for paper in papers if paper.status == "replaced"],
        bank_account=shown,
        history=_history(session, [row.id for row in rows.values()]),
        warnings=_warnings(session, customer_id, who, number, account),
    )


def _documents(session: Session, customer_id: int) -> list[DocumentInCase]:
    query = (
        sa.select(KycDocument, StoredFile)
        .join(StoredFile, StoredFile.id == KycDocument.file_id)
        .where(KycDocument.customer_id == customer_id, StoredFile.state == "registered")
        .order_by(KycDocument.kind, KycDocument.id)
    )
    return [
        DocumentInCase(
            paper.id, paper.kind, paper.level, paper.status, paper.reason, file.public_id, file.media_type,
            file.size_bytes, paper.created_at,
        )
        for paper, file in session.execute(query)
    ]  # fmt: skip


def _history(session: Session, level_ids: list[int]) -> list[StateChange]:
    query = sa.select(StateChange).where(StateChange.machine == KYC_LEVEL.name, StateChange.thing_id.in_(level_ids))
    return list(session.scalars(query.order_by(StateChange.id.desc()).limit(100)))


def _warnings(
    session: Session, customer_id: int, who: KycIdentity | None, number: str | None, account: BankAccount | None
) -> tuple[str, ...]:
    found = []
    if who is not None and number is not None:
        if numbers.gender_in(number) not in (None, who.gender):
            found.append("gender_differs")
        holder = sa.select(IdentityHolder.customer_id).where(IdentityHolder.number_index == who.number_index)
        if session.scalar(holder) not in (None, customer_id):
            found.append("number_held_by_another")
    if account is not None:
        used = sa.select(BankAccount.id).where(
            BankAccount.account_index == account.account_index,
            BankAccount.status.in_(("pending", "verified")),
            sa.or_(BankAccount.owner_id != customer_id, BankAccount.owner_kind != "customer"),
        )
        if session.scalar(used.limit(1)) is not None:
            found.append("account_used_by_another")
    return tuple(found)


def decide(
    session: Session,
    customer_id: int,
    level: int,
    decision: str,
    *,
    actor: str,
    reason: str = "",
    documents: Mapping[int, str] | None = None,
    revision: int | None = None,
) -> KycLevel:
    """Approves or rejects what waits of level 2 or 3.

    `decision` is APPROVE or REJECT; `documents` names the rejected kinds with their reasons (all of the level, with the
    general reason, when none is named); the others are kept as verified. `revision` is that of the case as it was opened:
    another one raises Refusal `kyc_changed`. Further refusals: `not_found`, `kyc_nothing_waits`, `kyc_reason_missing`,
    `input_invalid`, `kyc_bank_account_taken`.
    """
    if decision not in (APPROVE, REJECT):
        raise Refusal("input_invalid", field="decision")
    customer = records.lock_customer(session, customer_id)
    row = session.scalar(sa.select(KycLevel).where(KycLevel.customer_id == customer_id, KycLevel.level == level))
    if row is None or row.status != VERIFYING:
        raise Refusal("kyc_changed" if row is not None and revision is not None else "kyc_nothing_waits")
    if revision is not None and row.revision != revision:
        raise Refusal("kyc_changed")
    papers = {kind: paper for kind, paper in records.documents(session, customer_id).items() if paper.level == level}
    if decision == APPROVE:
        _approve(session, customer, row, papers, actor)
    else:
        _reject(session, customer, row, papers, actor, _plain(reason), documents or {})
    audit.write(
        session, actor, f"kyc_{decision}", f"customer:{customer_id}", details={"level": level, "revision": row.revision}
    )
    return row


def _plain(reason: str) -> str:
    return " ".join(reason.split())[:_MAX_REASON]


def _approve(
    session: Session, customer: Customer, row: KycLevel, papers: Mapping[int, KycDocument], actor: str
) -> None:
    moment = now(session)
    for paper in papers.values():
        if paper.status == VERIFYING:
            states.advance(session, KYC_DOCUMENT, paper, VERIFIED, actor, decided_at=moment)
    if row.level == 3:
        account = submissions.account_of(session, customer)
        if account is not None and account.status == "pending":
            submissions.check_account_is_free(session, account.account_index, customer.id)
            states.advance(session, BANK_ACCOUNT, account, "verified", actor, verified_at=moment)
    states.advance(session, KYC_LEVEL, row, VERIFIED, actor, "approved", decided_at=moment, decided_by=actor)
    customer.kyc_level = max(customer.kyc_level, row.level)
    session.flush()
    notifications.tell(session, customer.id, "kyc_approved", {"level": row.level}, "/kyc")


def _reject(
    session: Session,
    customer: Customer,
    row: KycLevel,
    papers: Mapping[int, KycDocument],
    actor: str,
    reason: str,
    named: Mapping[int, str],
) -> None:
    rejected = {kind: _plain(why) or reason for kind, why in named.items()} or dict.fromkeys(papers, reason)
    if set(rejected) - set(papers):
        raise Refusal("input_invalid", field="documents")
    told = reason or " ".join(dict.fromkeys(filter(None, rejected.values())))[:_MAX_REASON]
    if not told:
        raise Refusal("kyc_reason_missing", field="reason")
    moment = now(session)
    for kind, paper in papers.items():
        if paper.status == VERIFYING and kind not in rejected:
            states.advance(session, KYC_DOCUMENT, paper, VERIFIED, actor, decided_at=moment)
        elif paper.status == VERIFYING:
            why = rejected[kind] or told
            states.advance(session, KYC_DOCUMENT, paper, "rejected", actor, why, reason=why, decided_at=moment)
    if row.level == 3:
        account = submissions.account_of(session, customer)
        if account is not None and account.status == "pending":
            states.advance(session, BANK_ACCOUNT, account, "rejected", actor, told)
    states.advance(session, KYC_LEVEL, row, SUPPLEMENT, actor, told, decided_at=moment, decided_by=actor, reason=told)
    notifications.tell(session, customer.id, "kyc_rejected", {"level": row.level, "reason": told}, "/kyc")


def withdraw(session: Session, customer_id: int, *, actor: str, reason: str) -> None:
    """Declares the whole record invalid: all levels become void, the customer's level 0, until it is opened again.

    Verified bank accounts are closed. Raises Refusal `not_found`, `kyc_reason_missing`, `kyc_void` when it is so already.
    """
    told = _plain(reason)
    if not told:
        raise Refusal("kyc_reason_missing", field="reason")
    customer = records.lock_customer(session, customer_id)
    levels = records.levels(session, customer)
    records.refuse_void([row.status for row in levels.values()])
    for row in levels.values():
        states.advance(
            session, KYC_LEVEL, row, VOID, actor, told, decided_at=now(session), decided_by=actor, reason=told
        )
    account = submissions.account_of(session, customer)
    if account is not None and account.status != "closed":
        states.advance(session, BANK_ACCOUNT, account, "closed", actor, told)
    customer.kyc_level = 0
    session.flush()
    audit.write(session, actor, "kyc_withdraw", f"customer:{customer_id}", details={"reason": told})
    notifications.tell(session, customer_id, "kyc_void", {"reason": told}, "/kyc")


def reopen(session: Session, customer_id: int, *, actor: str) -> None:
    """Lets a customer whose record was withdrawn begin anew; the number may be claimed by whoever proves it then.

    Raises Refusal `not_found` or `state_conflict` when the record is not void.
    """
    customer = records.lock_customer(session, customer_id)
    for row in records.levels(session, customer).values():
        states.advance(session, KYC_LEVEL, row, UNVERIFIED, actor, "opened again", bank_account_id=None, reason=None)
    for paper in records.documents(session, customer_id).values():
        states.advance(session, KYC_DOCUMENT, paper, "replaced", actor, "opened again")
    session.execute(sa.delete(IdentityHolder).where(IdentityHolder.customer_id == customer_id))
    audit.write(session, actor, "kyc_reopen", f"customer:{customer_id}")


def admit(
    session: Session,
    customer_id: int,
    level: int,
    *,
    name: str,
    gender: int,
    birthday: date,
    number: str,
    actor: str,
) -> None:
    """Records a customer whose identity was checked elsewhere (the demo world, a takeover of customers) up to `level`.

    Raises Refusal as `submit_basic_data` does. A bank account is the caller's matter.
    """
    identity.submit_basic_data(session, customer_id, name, gender, birthday.strftime("%Y/%m/%d"), number)
    customer = records.lock_customer(session, customer_id)
    who = records.identity(session, customer_id)
    assert who is not None
    records.claim_number(session, who.number_index, customer_id)
    identity.pass_level_1(session, customer, who, now(session), actor, "admitted")
    for row in list(records.levels(session, customer).values())[1:level]:
        states.advance(session, KYC_LEVEL, row, VERIFYING, actor, "admitted")
        states.advance(session, KYC_LEVEL, row, VERIFIED, actor, "admitted", decided_at=now(session), decided_by=actor)
    customer.kyc_level = max(customer.kyc_level, level)
    session.flush()
