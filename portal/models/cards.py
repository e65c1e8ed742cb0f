"""Partner cards: the stock of numbers, the cards opened, their loads and what the card network tells of them."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Asset, Digest, Label, Moment, PublicId, RowId, Status, Text200, Units


class CardStock(Base):
    """A card that the network issued and that nobody has yet; the whole number stays with the network."""

    __tablename__ = "card_stock"
    __table_args__ = (sa.Index(None, "card_type_id", "taken_at", "id"),)

    id: Mapped[RowId]
    card_type_id: Mapped[str] = mapped_column(sa.String(16), sa.ForeignKey("card_types.id"))
    network_id: Mapped[Label] = mapped_column(unique=True)
    first_six: Mapped[str] = mapped_column(sa.String(6))
    last_four: Mapped[str] = mapped_column(sa.String(4))
    added_at: Mapped[Moment]
    taken_at: Mapped[Moment | None]


class PartnerCard(Base):
    """A card opened for a person of an institution. Life cycle: machines/partner_cards.py.

    `card_no` is the id that the institution uses: never a card number, as it cannot pass Luhn's check. `number` counts the
    institution's cards without gaps.
    """

    __tablename__ = "partner_cards"
    __table_args__ = (
        sa.UniqueConstraint("institution_id", "acct_no", "card_type_id"),
        sa.UniqueConstraint("institution_id", "number"),
        sa.Index(None, "institution_id", "created_at", "number"),
    )

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"))
    number: Mapped[int] = mapped_column(BigInt)
    kyc_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("partner_kyc.id"))
    acct_no: Mapped[Label]
    card_type_id: Mapped[str] = mapped_column(sa.String(16), sa.ForeignKey("card_types.id"))
    card_no: Mapped[Label] = mapped_column(unique=True)
    network_id: Mapped[Label] = mapped_column(unique=True)
    first_six: Mapped[str] = mapped_column(sa.String(6))
    last_four: Mapped[str] = mapped_column(sa.String(4))
    status: Mapped[Status] = mapped_column(default="not_activated")
    reason: Mapped[Text200] = mapped_column(default="")
    files: Mapped[dict[str, Any]]
    created_at: Mapped[Moment]
    activated_at: Mapped[Moment | None]

    @property
    def masked_number(self) -> str:
        """`430021******1144`: all that is ever shown of the real number."""
        return f"{self.first_six}******{self.last_four}"


class CardLoad(Base):
    """Money on its way from an institution's float to a card. Life cycle: machines/partner_loads.py.

    `amount_units` (USDT) is what the float pays: exchange_fee + loading_fee + deposit. `currency_units` is what arrives,
    in the card's currency. `cust_tx_id` is the institution's own number, once for ever; `fingerprint` tells a repeat from
    another call under it.
    """

    __tablename__ = "card_loads"
    __table_args__ = (
        sa.UniqueConstraint("institution_id", "cust_tx_id"),
        sa.UniqueConstraint("institution_id", "number"),
        sa.Index(None, "institution_id", "created_at", "number"),
        sa.Index(None, "institution_id", "acct_no", "id"),
        sa.Index(None, "card_id", "id"),
        sa.Index(None, "status", "id"),
        sa.CheckConstraint(
            "amount_units = exchange_fee_units + loading_fee_units + deposit_units AND deposit_units > 0",
            name="amounts",
        ),
    )

    id: Mapped[RowId]
    institution_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("institutions.id"))
    number: Mapped[int] = mapped_column(BigInt)
    card_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("partner_cards.id"))
    acct_no: Mapped[Label]
    card_no: Mapped[Label]
    tx_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    cust_tx_id: Mapped[Text200]
    fingerprint: Mapped[Digest]
    asset: Mapped[Asset]
    currency: Mapped[Asset]
    amount_units: Mapped[Units]
    exchange_fee_units: Mapped[Units]
    loading_fee_units: Mapped[Units]
    deposit_units: Mapped[Units]
    currency_units: Mapped[Units]
    exchange_rate: Mapped[Decimal]
    exchange_fee_rate: Mapped[Decimal]
    loading_fee_rate: Mapped[Decimal]
    remark: Mapped[Text200 | None]
    status: Mapped[Status] = mapped_column(default="submitted")
    failure: Mapped[Text200] = mapped_column(default="")
    created_at: Mapped[Moment]
    settled_at: Mapped[Moment | None]


class CardTransaction(Base):
    """A line of a card's account as the network told it: the outside fact, unique by the network's own number.

    `kind` is purchase, atm, refund, transfer, fee or load; amounts are in ledger units of the card's currency. `posted` is
    false for a line that the ledger could not carry yet.
    """

    __tablename__ = "card_transactions"
    __table_args__ = (sa.Index(None, "card_id", "id"),)

    id: Mapped[RowId]
    network_number: Mapped[int] = mapped_column(BigInt, unique=True)
    card_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("partner_cards.id"))
    kind: Mapped[Status]
    description: Mapped[Text200]
    currency: Mapped[Asset]
    debit_units: Mapped[Units] = mapped_column(default=0)
    credit_units: Mapped[Units] = mapped_column(default=0)
    outcome: Mapped[Status]
    reason: Mapped[Label | None]
    posted: Mapped[bool] = mapped_column(default=False)
    at: Mapped[Moment]
