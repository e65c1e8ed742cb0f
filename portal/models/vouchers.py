"""Vouchers: how people come in, buy, swap, and which cards of theirs are known."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Digest, Label, Moment, PublicId, RowId, Status, Text, Text200, Units


class Registration(Base):
    """A voucher sign-up under way; the customer is made with the password. Life cycle: machines/registration.py.

    Whoever proved the phone owns the later steps: by the token whose digest is kept, or from the same network
    address until `address_until`. A `decoy` stands for a phone that is taken: it behaves alike and leads nowhere.
    """

    __tablename__ = "registrations"
    __table_args__ = (sa.Index(None, "phone", "company_id", "id"), sa.Index(None, "expires_at"))

    id: Mapped[RowId]
    company_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("companies.id"))
    phone: Mapped[str] = mapped_column(sa.String(20))
    email: Mapped[Text200 | None]
    status: Mapped[Status] = mapped_column(default="sms_pending")
    decoy: Mapped[bool] = mapped_column(default=False)
    token_digest: Mapped[Digest | None]
    address: Mapped[str] = mapped_column(sa.String(45))
    address_until: Mapped[Moment | None]
    customer_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("customers.id"), unique=True)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]


class CompanyBankAccount(Base):
    """An account of a company that customers pay voucher orders into (voucher contract: payout_accounts)."""

    __tablename__ = "company_bank_accounts"
    __table_args__ = (sa.UniqueConstraint("bank_code", "account"), sa.Index(None, "company_id"))

    id: Mapped[RowId]
    company_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("companies.id"))
    bank_code: Mapped[str] = mapped_column(sa.String(3))
    bank_name: Mapped[Text200]
    branch_name: Mapped[Text200]
    account_name: Mapped[Text200]
    account: Mapped[Label]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[Moment]

    @property
    def spelled(self) -> str:
        """Bank code and number as the contract writes them: `009-5251234567890`."""
        return f"{self.bank_code}-{self.account}"


class BuyOrder(Base):
    """An order of vouchers for New Taiwan dollars. Life cycle: machines/buying.py.

    `quantity_units` are TWIP, `total_units` TWD. By `atm` the customer pays into the virtual account, by `remittance`
    into the company's account under `remittance_name`. `bank_credit_id` is the credit that paid it.
    """

    __tablename__ = "buy_orders"
    __table_args__ = (
        sa.Index(None, "customer_id", "id"),
        sa.Index(None, "status", "expires_at"),
        sa.Index(None, "payout_account_id", "status"),
        sa.CheckConstraint("quantity_units > 0 AND total_units > 0", name="positive"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    company_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("companies.id"))
    quantity_units: Mapped[Units]
    unit_price: Mapped[Decimal]
    total_units: Mapped[Units]
    payment_type: Mapped[str] = mapped_column(sa.String(12))
    payout_account_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("company_bank_accounts.id"))
    remittance_name: Mapped[Text200 | None]
    virtual_account_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("virtual_accounts.id"))
    bank_credit_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("bank_credits.id"), unique=True)
    status: Mapped[Status] = mapped_column(default="created")
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    paid_at: Mapped[Moment | None]
    token_at: Mapped[Moment | None]


class SwapOrder(Base):
    """An exchange of one voucher for another (TWIP and TWIG). Life cycle: machines/swapping.py."""

    __tablename__ = "swap_orders"
    __table_args__ = (
        sa.Index(None, "customer_id", "id"),
        sa.Index(None, "status", "expires_at"),
        sa.CheckConstraint("quantity_units > 0 AND received_units > 0", name="positive"),
        sa.CheckConstraint("from_asset <> to_asset", name="two_assets"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    from_asset: Mapped[Asset]
    to_asset: Mapped[Asset]
    quantity_units: Mapped[Units]
    received_units: Mapped[Units]
    rate: Mapped[Decimal]
    status: Mapped[Status] = mapped_column(default="created")
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    completed_at: Mapped[Moment | None]


class Card(Base):
    """An NFC card that tells a counter who stands there. Life cycle: machines/cards.py.

    `claimed_no` is the number while the card is claimed (pending or verified): unique, so that a card has one
    holder; empty once the claim lapsed or the card was given up. A claim that is not proven lapses at `lapses_at`.
    """

    __tablename__ = "voucher_cards"
    __table_args__ = (sa.Index(None, "customer_id", "status", "id"), sa.Index(None, "status", "lapses_at"))

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    card_no: Mapped[str] = mapped_column(sa.String(20))
    claimed_no: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    name: Mapped[Label | None]
    status: Mapped[Status] = mapped_column(default="pending")
    created_at: Mapped[Moment]
    lapses_at: Mapped[Moment | None]
    verified_at: Mapped[Moment | None]
    deleted_at: Mapped[Moment | None]


class PolicyVersion(Base):
    """A version of a company's terms (`company_id` empty: of all companies). The newest of a type is in force."""

    __tablename__ = "policy_versions"
    __table_args__ = (sa.UniqueConstraint("company_id", "terms_type", "version"),)

    id: Mapped[RowId]
    company_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("companies.id"))
    terms_type: Mapped[Label]
    version: Mapped[str] = mapped_column(sa.String(16))
    content: Mapped[Text | None]
    published_at: Mapped[Moment]
