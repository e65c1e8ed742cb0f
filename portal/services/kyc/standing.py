"""Where a customer stands: every level and document with its status, personal data masked."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context
from portal.errors import Refusal
from portal.models.customers import Customer
from portal.models.files import StoredFile
from portal.models.kyc import KycDocument, KycLevel
from portal.services.bank_accounts import by_ids
from portal.services.kyc import numbers, records


@dataclass(frozen=True, slots=True)
class Paper:
    """A document of the customer's own: its file, status, and why it was rejected."""

    kind: int
    status: str
    reason: str | None
    file_public_id: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's identity check. Names and numbers are masked (`林*得`, `A12****89`, `0912***678`), None before KYC."""

    name: str | None
    gender: int | None
    number: str | None
    phone: str | None
    level: int
    levels: dict[int, str]
    reasons: dict[int, str | None]
    papers: dict[int, Paper]
    bank: str | None
    account_tail: str | None

    @property
    def void(self) -> bool:
        """Whether staff have withdrawn the record."""
        return records.VOID in self.levels.values()

    @property
    def may_change_bank_account(self) -> bool:
        """Whether the customer may (still) give another bank account."""
        return self.levels[3] in (records.UNVERIFIED, records.SUPPLEMENT)

    def document_status(self, *kinds: int) -> str:
        """The status of documents that count as one: rejected if any is, verified or verifying only if all are."""
        found = [self.papers[kind].status if kind in self.papers else None for kind in kinds]
        if "rejected" in found:
            return "rejected"
        if all(status == records.VERIFIED for status in found):
            return records.VERIFIED
        if all(status in (records.VERIFYING, records.VERIFIED) for status in found):
            return records.VERIFYING
        whole_level = self.levels[records.LEVEL_OF_KIND[kinds[0]]]
        return records.VERIFIED if whole_level == records.VERIFIED else records.UNVERIFIED


def standing(session: Session, customer_id: int) -> Standing:
    """The customer's identity check as it stands. Raises Refusal `not_found`."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise Refusal("not_found")
    rows = {row.level: row for row in session.scalars(sa.select(KycLevel).where(KycLevel.customer_id == customer_id))}
    vault = context(session).vault
    who = records.identity(session, customer_id)
    name_sealed = who.name_sealed if who else customer.real_name_sealed
    account_id = rows[3].bank_account_id if 3 in rows else None
    account = by_ids(session, [account_id]).get(account_id) if account_id else None
    proven_phone = customer.phone if customer.phone_verified_at else None
    return Standing(
        name=masked_name(vault.open_text(name_sealed, "real name")) if name_sealed else None,
        gender=who.gender if who else None,
        number=numbers.masked(vault.open_text(who.number_sealed, "identity number")) if who else None,
        phone=masked_phone(proven_phone) if proven_phone else None,
        level=customer.kyc_level,
        levels=records.statuses(session, customer),
        reasons={level: row.reason for level, row in rows.items()},
        papers=_papers(session, customer_id),
        bank=account.full_name if account else None,
        account_tail=account.tail if account else None,
    )


def _papers(session: Session, customer_id: int) -> dict[int, Paper]:
    query = (
        sa.select(KycDocument, StoredFile)
        .join(StoredFile, StoredFile.id == KycDocument.file_id)
        .where(KycDocument.customer_id == customer_id, KycDocument.status != "replaced")
    )
    return {
        row.kind: Paper(row.kind, row.status, row.reason, file.public_id, file.media_type)
        for row, file in session.execute(query)
    }


def masked_name(name: str) -> str:
    """`林*得`: the first and last sign; `王*` for two signs."""
    if len(name) < 3:
        return name[:1] + "*"
    return f"{name[0]}{'*' * (len(name) - 2)}{name[-1]}"


def masked_phone(number: str) -> str:
    """`0912***678` for a Taiwanese number in E.164, `+141***234` for another."""
    plain = f"0{number[4:]}" if number.startswith("+886") else number
    return f"{plain[:4]}***{plain[-3:]}"
