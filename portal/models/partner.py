"""Institutions that issue prepaid cards to their own people: who they are, what they may do and on which terms."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Digest, Label, Moment, PublicId, RowId, Status, Text200, Units


class Institution(Base):
    """A partner of the card programme (partner contract: User ID).

    `number` opens every card id of the institution. `status` is active, suspended or closed. `areas` are the parts of the
    API it was granted at all (portal/services/partner_keys.py: AREAS); each of its keys has some of them.
    """

    __tablename__ = "institutions"

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    number: Mapped[str] = mapped_column(sa.String(6), unique=True)
    name: Mapped[Text200]
    status: Mapped[Status] = mapped_column(default="active")
    areas: Mapped[list[Any]]
    locale: Mapped[str] = mapped_column(sa.String(12), default="zh_Hant_TW")
    created_at: Mapped[Moment]


class InstitutionAsset(Base):
    """A currency in which an institution keeps a float; `status` is usable or blocked.

    Below `low_units` its members are warned, once until it has been above again (`warned_at`).
    """

    __tablename__ = "institution_assets"

    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"), primary_key=True)
    asset: Mapped[Asset] = mapped_column(primary_key=True)
    status: Mapped[Status] = mapped_column(default="usable")
    network: Mapped[str] = mapped_column(sa.String(10), default="ETHEREUM")
    low_units: Mapped[Units] = mapped_column(default=0)
    warned_at: Mapped[Moment | None]


class InstitutionMember(Base):
    """A customer who works for an institution: `owner`, `operator` or `viewer`."""

    __tablename__ = "institution_members"
    __table_args__ = (sa.UniqueConstraint("institution_id", "customer_id"), sa.Index(None, "customer_id"))

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"))
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    role: Mapped[str] = mapped_column(sa.String(8))
    created_at: Mapped[Moment]
    removed_at: Mapped[Moment | None]


class CardType(Base):
    """A kind of card (partner contract 4.5); its id begins with the bank's. `restock_to` is how many stay ready to open."""

    __tablename__ = "card_types"

    id: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    currency: Mapped[Asset]
    bank_id: Mapped[str] = mapped_column(sa.String(8))
    description: Mapped[Text200]
    restock_to: Mapped[int] = mapped_column(sa.Integer, default=0)


class CardTerms(Base):
    """What an institution pays for a kind of card, and whether it may open it (partner contract 4.6).

    `open_fee_units` is USDT. `exchange_rate` is the card's currency per USDT. `loading_tiers` is a list of
    `{"min", "max", "rate"}` texts in USDT: min <= amount < max, above the last max its rate (reading P17). Rates are
    ratios: 0.05 is five in a hundred.
    """

    __tablename__ = "card_terms"

    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"), primary_key=True)
    card_type_id: Mapped[str] = mapped_column(sa.String(16), sa.ForeignKey("card_types.id"), primary_key=True)
    may_open: Mapped[bool] = mapped_column(default=True)
    open_fee_units: Mapped[Units]
    exchange_rate: Mapped[Decimal]
    exchange_fee_rate: Mapped[Decimal]
    loading_tiers: Mapped[list[Any]]
    bank_transaction_rate: Mapped[Decimal]
    bank_atm_rate: Mapped[Decimal]
    bank_atm_fee: Mapped[Decimal]


class PartnerKyc(Base):
    """One person of an institution asking for one kind of card. Life cycle: machines/partner_kyc.py.

    `number` counts the institution's records without gaps, in order of `created_at`: totals and pages of the lists come
    from it. `details_sealed` holds the person's data, `files` the numbers of the pictures by field. Mail and phone are
    unique per institution and kind of card by their blind indexes.
    """

    __tablename__ = "partner_kyc"
    __table_args__ = (
        sa.UniqueConstraint("institution_id", "acct_no", "card_type_id"),
        sa.UniqueConstraint("institution_id", "card_type_id", "mail_index"),
        sa.UniqueConstraint("institution_id", "card_type_id", "mobile_index"),
        sa.UniqueConstraint("institution_id", "number"),
        sa.Index(None, "institution_id", "created_at", "number"),
        sa.Index(None, "status", "id"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"))
    number: Mapped[int] = mapped_column(BigInt)
    acct_no: Mapped[Label]
    card_type_id: Mapped[str] = mapped_column(sa.String(16), sa.ForeignKey("card_types.id"))
    status: Mapped[Status] = mapped_column(default="submitted")
    reason: Mapped[Text200] = mapped_column(default="")
    details_sealed: Mapped[bytes]
    mail_index: Mapped[Digest]
    mobile_index: Mapped[Digest]
    files: Mapped[dict[str, Any]]
    submissions: Mapped[int] = mapped_column(sa.Integer, default=1)
    created_at: Mapped[Moment]
    submitted_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]


class PartnerKycSubmission(Base):
    """A KYC call by the institution's own serial number, so that a repeated call is told from another one."""

    __tablename__ = "partner_kyc_submissions"
    __table_args__ = (sa.UniqueConstraint("institution_id", "cust_tx_id"),)

    id: Mapped[RowId]
    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"))
    cust_tx_id: Mapped[Text200]
    fingerprint: Mapped[Digest]
    kyc_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("partner_kyc.id"))
    created_at: Mapped[Moment]


class PartnerMailProof(Base):
    """A mail code sent for an institution: sent, checked (4.2) or used (1.1). Token and code are kept as keyed digests."""

    __tablename__ = "partner_mail_proofs"
    __table_args__ = (sa.UniqueConstraint("institution_id", "token_index"),)

    id: Mapped[RowId]
    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"))
    token_index: Mapped[Digest]
    mail_index: Mapped[Digest]
    code_index: Mapped[Digest]
    status: Mapped[Status] = mapped_column(default="sent")
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]


class PartnerCounter(Base):
    """How many records of a kind an institution has; the newest record's `number`."""

    __tablename__ = "partner_counters"

    institution_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    kind: Mapped[Status] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInt, default=0)


class PartnerRequest(Base):
    """A call that was refused and why, for the institution's own eyes: no body, no query, no signature."""

    __tablename__ = "partner_requests"
    __table_args__ = (sa.Index(None, "institution_id", "id"), sa.Index(None, "at"))

    id: Mapped[RowId]
    institution_id: Mapped[int] = mapped_column(BigInt)
    api_key: Mapped[Label]
    method: Mapped[str] = mapped_column(sa.String(8))
    path: Mapped[Text200]
    operation: Mapped[Label]
    code: Mapped[int] = mapped_column(sa.Integer)
    reason: Mapped[Label]
    field: Mapped[Label | None]
    skew_ms: Mapped[int | None] = mapped_column(BigInt)
    ip: Mapped[str] = mapped_column(sa.String(45))
    at: Mapped[Moment]


class NetworkCursor(Base):
    """How far the worker has read a feed of the card network."""

    __tablename__ = "network_cursors"

    name: Mapped[Label] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInt, default=0)
