"""Money in and out: addresses, bank accounts, deposits, bank credits, withdrawals, transfers."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Digest, Label, Moment, PublicId, RowId, Status, Text200, Units


class Bank(Base):
    """A bank of Taiwan with its three-digit code."""

    __tablename__ = "banks"

    code: Mapped[str] = mapped_column(sa.String(3), primary_key=True)
    name: Mapped[Text200]
    name_en: Mapped[Text200 | None]


class BankBranch(Base):
    """A branch with its four-digit code."""

    __tablename__ = "bank_branches"

    bank_code: Mapped[str] = mapped_column(sa.String(3), sa.ForeignKey("banks.code"), primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(4), primary_key=True)
    name: Mapped[Text200]


class BankAccount(Base):
    """A person's (or store's) bank account; the number is sealed, its index makes it unique while in use.

    Life cycle: machines/bank_accounts.py (pending, verified, rejected, closed). `account_tail` is the last four.
    """

    __tablename__ = "bank_accounts"
    __table_args__ = (
        sa.Index(None, "owner_kind", "owner_id"),
        sa.Index(None, "account_index"),
        sa.Index(
            "uq_bank_accounts_of_customers",
            "account_index",
            unique=True,
            sqlite_where=sa.text("status = 'verified' AND owner_kind = 'customer'"),
            postgresql_where=sa.text("status = 'verified' AND owner_kind = 'customer'"),
        ),
    )

    id: Mapped[RowId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12), default="customer")
    owner_id: Mapped[int] = mapped_column(BigInt)
    bank_code: Mapped[str] = mapped_column(sa.String(3))
    branch_code: Mapped[str] = mapped_column(sa.String(4))
    account_sealed: Mapped[bytes]
    account_index: Mapped[Digest]
    account_tail: Mapped[str] = mapped_column(sa.String(4))
    holder_sealed: Mapped[bytes]
    status: Mapped[Status] = mapped_column(default="pending")
    verified_at: Mapped[Moment | None]
    created_at: Mapped[Moment]


class VirtualAccount(Base):
    """A bank account number that stands for one payer or one order; credits to it match by themselves.

    `purpose` is `customer` (TWD deposits) or `order` (voucher orders); `subject_id` the customer or order.
    """

    __tablename__ = "virtual_accounts"
    __table_args__ = (sa.Index(None, "purpose", "subject_id"),)

    id: Mapped[RowId]
    account: Mapped[str] = mapped_column(sa.String(20), unique=True)
    bank_code: Mapped[str] = mapped_column(sa.String(3))
    branch_code: Mapped[str] = mapped_column(sa.String(4))
    purpose: Mapped[str] = mapped_column(sa.String(12))
    subject_id: Mapped[int] = mapped_column(BigInt)
    expires_at: Mapped[Moment | None]
    created_at: Mapped[Moment]


class BankCredit(Base):
    """Money that arrived on an account of the house: the outside fact, unique by the bank's reference.

    `outcome` says what it matched: `deposit`, `order`, or `suspense` (a task for staff) with the reason.
    """

    __tablename__ = "bank_credits"
    __table_args__ = (sa.UniqueConstraint("bank_reference"), sa.Index(None, "outcome", "id"))

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    bank_reference: Mapped[Text200]
    account: Mapped[Label]
    asset: Mapped[Asset] = mapped_column(default="TWD")
    amount_units: Mapped[Units]
    payer_account: Mapped[Label | None]
    payer_name: Mapped[Text200 | None]
    outcome: Mapped[Status]
    reason: Mapped[Label | None]
    matched_kind: Mapped[Label | None]
    matched_id: Mapped[int | None] = mapped_column(BigInt)
    details: Mapped[dict[str, Any] | None]
    received_at: Mapped[Moment]
    resolved_at: Mapped[Moment | None]


class DepositAddress(Base):
    """An address derived from the configured extended public key; one per owner and network.

    `owner_kind` is customer, institution or store. `derivation_index` is unique per network.
    """

    __tablename__ = "deposit_addresses"
    __table_args__ = (
        sa.UniqueConstraint("owner_kind", "owner_id", "network"),
        sa.UniqueConstraint("network", "derivation_index"),
        sa.UniqueConstraint("network", "address"),
    )

    id: Mapped[RowId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12))
    owner_id: Mapped[int] = mapped_column(BigInt)
    network: Mapped[str] = mapped_column(sa.String(10))
    address: Mapped[Label]
    derivation_index: Mapped[int] = mapped_column(BigInt)
    created_at: Mapped[Moment]


class AddressCounter(Base):
    """The next derivation index of a network; counted up under its row's lock."""

    __tablename__ = "address_counters"

    network: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    next_index: Mapped[int] = mapped_column(BigInt, default=0)


class Deposit(Base):
    """Money coming in, from the bank or a chain. Life cycle: machines/deposits.py.

    A chain deposit is unique by (network, tx_hash, log_index). `network` is `BANK`, `TRON` or `ETHEREUM`.
    """

    __tablename__ = "deposits"
    __table_args__ = (
        sa.UniqueConstraint("network", "tx_hash", "log_index"),
        sa.Index(None, "owner_kind", "owner_id", "id"),
        sa.Index(None, "status", "network"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12), default="customer")
    owner_id: Mapped[int] = mapped_column(BigInt)
    asset: Mapped[Asset]
    network: Mapped[str] = mapped_column(sa.String(10))
    amount_units: Mapped[Units]
    fee_units: Mapped[Units] = mapped_column(default=0)
    status: Mapped[Status]
    address: Mapped[Label | None]
    tx_hash: Mapped[str | None] = mapped_column(sa.String(100))
    log_index: Mapped[int | None] = mapped_column(sa.Integer)
    block_number: Mapped[int | None] = mapped_column(BigInt)
    block_hash: Mapped[str | None] = mapped_column(sa.String(100))
    confirmations: Mapped[int] = mapped_column(sa.Integer, default=0)
    confirmations_needed: Mapped[int] = mapped_column(sa.Integer, default=0)
    bank_credit_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("bank_credits.id"), unique=True)
    details: Mapped[dict[str, Any] | None]
    seen_at: Mapped[Moment]
    confirmed_at: Mapped[Moment | None]
    expires_at: Mapped[Moment | None]


class ChainCursor(Base):
    """How far the deposit duty has read a network."""

    __tablename__ = "chain_cursors"

    network: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInt)
    block_hash: Mapped[str | None] = mapped_column(sa.String(100))


class Withdrawal(Base):
    """Money going out: crypto, fiat and redemption are one machine (machines/withdrawals.py).

    `amount_units` is what leaves the customer's balance, `fee_units` its part that stays (brokerage B40: the fee is
    inside the amount). `family` is the door it came through; `kind` is crypto, fiat, redemption, voucher or
    settlement. For redemptions `asset` is what is given (TWIP) and `payout_asset` what is paid (TWD).
    """

    __tablename__ = "withdrawals"
    __table_args__ = (
        sa.Index(None, "owner_kind", "owner_id", "id"),
        sa.Index(None, "status", "id"),
        sa.Index(None, "address"),
        sa.CheckConstraint("amount_units > fee_units AND fee_units >= 0", name="amounts"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    owner_kind: Mapped[str] = mapped_column(sa.String(12), default="customer")
    owner_id: Mapped[int] = mapped_column(BigInt)
    family: Mapped[str] = mapped_column(sa.String(12))
    kind: Mapped[str] = mapped_column(sa.String(12))
    asset: Mapped[Asset]
    payout_asset: Mapped[Asset]
    network: Mapped[str] = mapped_column(sa.String(10))
    amount_units: Mapped[Units]
    fee_units: Mapped[Units] = mapped_column(default=0)
    address: Mapped[Label | None]
    bank_account_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("bank_accounts.id"))
    internal_owner_kind: Mapped[str | None] = mapped_column(sa.String(12))
    internal_owner_id: Mapped[int | None] = mapped_column(BigInt)
    status: Mapped[Status] = mapped_column(default="created")
    reference: Mapped[Label] = mapped_column(unique=True)
    held: Mapped[bool] = mapped_column(default=False)
    needs_approvals: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    tx_hash: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    signed_bytes: Mapped[bytes | None]
    signed_expires_at: Mapped[Moment | None]
    chain_nonce: Mapped[int | None] = mapped_column(BigInt)
    bank_reference: Mapped[Text200 | None] = mapped_column(unique=True)
    failure: Mapped[Text200 | None]
    details: Mapped[dict[str, Any] | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    verified_at: Mapped[Moment | None]
    confirmed_at: Mapped[Moment | None]
    expires_at: Mapped[Moment | None]


class CommonAddress(Base):
    """A withdrawal address a customer has named; it counts for `known addresses only` from `active_at` on."""

    __tablename__ = "common_addresses"
    __table_args__ = (sa.UniqueConstraint("customer_id", "network", "address"),)

    id: Mapped[RowId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    network: Mapped[str] = mapped_column(sa.String(10))
    asset: Mapped[Asset]
    address: Mapped[Label]
    name: Mapped[Label]
    active_at: Mapped[Moment]
    created_at: Mapped[Moment]


class Transfer(Base):
    """Money from one customer to another (brokerage operation TRANSFER). Life cycle: machines/transfers.py.

    `link_digest` is the keyed digest of the code in the newest mail's link; a new mail ends the older link.
    """

    __tablename__ = "transfers"
    __table_args__ = (
        sa.Index(None, "sender_id", "id"),
        sa.Index(None, "receiver_id", "id"),
        sa.CheckConstraint("sender_id <> receiver_id", name="not_to_oneself"),
        sa.CheckConstraint("amount_units > 0", name="positive"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    sender_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    receiver_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    asset: Mapped[Asset]
    amount_units: Mapped[Units]
    note: Mapped[Text200 | None]
    status: Mapped[Status] = mapped_column(default="pending")
    reference: Mapped[Label] = mapped_column(unique=True)
    link_digest: Mapped[Digest | None] = mapped_column(unique=True)
    link_sent_at: Mapped[Moment | None]
    link_expires_at: Mapped[Moment | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    completed_at: Mapped[Moment | None]


class LimitUse(Base):
    """What an owner has used of a limit on a day (Taipei calendar); months are sums of days.

    Changed under the owner's row lock in the same transaction as what it counts.
    """

    __tablename__ = "limit_uses"

    owner_kind: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    limit_name: Mapped[Label] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    used_units: Mapped[Units] = mapped_column(default=0)
