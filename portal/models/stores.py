"""Stores that take vouchers, their people, and what is asked, paid and given back at their counters."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Foreseen, Label, Moment, PublicId, RowId, Status, Text, Text200, Units


class Store(Base):
    """A store (voucher contract: manual_setup, create_store).

    `discount_type` is `fixed` (an amount of TWIP off the bill) or `percent` (of the bill); `discount_value` is that
    amount or percentage. `code` is the store's own, for the QR at the counter (`/pay/<code>`). The position is in
    millionths of a degree. `standing` is `open` or `closed`.
    """

    __tablename__ = "stores"
    __table_args__ = (
        sa.Index(None, "area", "id"),
        sa.CheckConstraint("discount_type IN ('fixed', 'percent')", name="discount_type"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    company_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("companies.id"))
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    name: Mapped[Text200]
    area: Mapped[Label] = mapped_column(default="")
    address: Mapped[Text200]
    category: Mapped[Label] = mapped_column(default="")
    about: Mapped[Text | None]
    latitude_micro: Mapped[int | None] = mapped_column(sa.Integer)
    longitude_micro: Mapped[int | None] = mapped_column(sa.Integer)
    discount_type: Mapped[str] = mapped_column(sa.String(8), default="fixed")
    discount_value: Mapped[Decimal] = mapped_column(default=Decimal(0))
    contact_phone: Mapped[str | None] = mapped_column(sa.String(20))
    contact_email: Mapped[Text200 | None]
    standing: Mapped[str] = mapped_column(sa.String(8), default="open")
    created_at: Mapped[Moment]

    @property
    def discount_plain(self) -> str:
        """The discount's number as people write it: `10`, `12.5`."""
        return f"{self.discount_value:.2f}".rstrip("0").rstrip(".")


class StoreMember(Base):
    """A customer who works for a store: `owner`, `cashier` or `viewer`; the PIN confirms refunds at the counter."""

    __tablename__ = "store_members"
    __table_args__ = (sa.UniqueConstraint("store_id", "customer_id"), sa.Index(None, "customer_id"))

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    store_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("stores.id"))
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    role: Mapped[str] = mapped_column(sa.String(8))
    pin_hash: Mapped[Text200 | None]
    created_at: Mapped[Moment]
    removed_at: Mapped[Moment | None]


class PaymentRequest(Base):
    """What a counter asks of a customer: an amount, shown as a QR to `/pay/<code>`. Life cycle: machines/shopping.py.

    `customer_id` is set when a registered card told who stands at the counter; then nobody else can pay it.
    `made_by` is the actor (`customer:<id>` of a member, `store:<id>` for a till). `order_id` is the payment that
    settled it; only one ever does.
    """

    __tablename__ = "payment_requests"
    __table_args__ = (
        sa.Index(None, "store_id", "id"),
        sa.Index(None, "status", "expires_at"),
        sa.CheckConstraint("amount_units >= 0", name="not_negative"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    store_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("stores.id"))
    customer_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    amount_units: Mapped[Units]
    note: Mapped[Text200 | None]
    reference: Mapped[Label | None]
    made_by: Mapped[Label]
    status: Mapped[Status] = mapped_column(default="open")
    order_id: Mapped[int | None] = mapped_column(BigInt, unique=True)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    paid_at: Mapped[Moment | None]


class ShoppingOrder(Base):
    """A payment in a store (voucher contract: checkout). Life cycle: machines/shopping.py.

    In TWIP: `bill_units` is what was asked, `discount_units` what the store's discount took off, `amount_units` what
    the customer pays, `refunded_units` what came back since.
    """

    __tablename__ = "shopping_orders"
    __table_args__ = (
        sa.Index(None, "customer_id", "id"),
        sa.Index(None, "store_id", "status", "id"),
        sa.Index(None, "store_id", "paid_at", "id"),
        sa.Index(None, "status", "expires_at"),
        sa.CheckConstraint("bill_units = discount_units + amount_units AND discount_units >= 0", name="parts"),
        sa.CheckConstraint("refunded_units BETWEEN 0 AND amount_units", name="refunds"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    store_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("stores.id"))
    payment_request_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("payment_requests.id"))
    bill_units: Mapped[Units]
    discount_units: Mapped[Units]
    amount_units: Mapped[Units]
    refunded_units: Mapped[Units] = mapped_column(default=0)
    status: Mapped[Status] = mapped_column(default="created")
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    paid_at: Mapped[Moment | None]
    foreseen: Mapped[Foreseen]


class Refund(Base):
    """Money a store gave back on a payment, through the ledger, confirmed by a member's own PIN (or a till's key)."""

    __tablename__ = "refunds"
    __table_args__ = (
        sa.Index(None, "order_id", "id"),
        sa.Index(None, "store_id", "id"),
        sa.CheckConstraint("amount_units > 0", name="positive"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    order_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("shopping_orders.id"))
    store_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("stores.id"))
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    amount_units: Mapped[Units]
    reason: Mapped[Text200 | None]
    made_by: Mapped[Label]
    status: Mapped[Status] = mapped_column(default="done")
    created_at: Mapped[Moment]
