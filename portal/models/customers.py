"""Companies and customers: who comes through which door, and what is known of them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, BigInt
from portal.models.columns import Digest, Label, Moment, PublicId, RowId, Text200, Units


class Company(Base):
    """A company through which customers come and which sells vouchers (voucher contract: user_source, company)."""

    __tablename__ = "companies"

    id: Mapped[RowId]
    code: Mapped[Label] = mapped_column(unique=True)
    name: Mapped[Text200]
    colour: Mapped[str] = mapped_column(sa.String(7), default="#0b6b57")
    logo: Mapped[bytes | None]
    contact_email: Mapped[Text200 | None]
    sellable_units: Mapped[Units] = mapped_column(default=0)
    settings: Mapped[dict[str, Any] | None]
    created_at: Mapped[Moment]


class Customer(Base):
    """One person, whatever the door. Statuses of the API families are derived from these facts.

    `username` and `email` hold the canonical form that is unique over the portal; `username_shown` is what the
    person typed. `standing` is the administrators' word: normal, blocked, deleted, suspended, locked or
    not_tradable. `registration` is the voucher family's life cycle (voucher contract, state machine user).
    """

    __tablename__ = "customers"
    __table_args__ = (sa.CheckConstraint("kyc_level BETWEEN 0 AND 3", name="kyc_level"),)

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    company_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("companies.id"))
    username: Mapped[Label | None] = mapped_column(unique=True)
    username_shown: Mapped[Label | None]
    email: Mapped[Text200 | None] = mapped_column(unique=True)
    phone: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    password_hash: Mapped[Text200 | None]
    standing: Mapped[str] = mapped_column(sa.String(16), default="normal")
    registration: Mapped[str] = mapped_column(sa.String(20), default="created")
    kyc_level: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    real_name_sealed: Mapped[bytes | None]
    locale: Mapped[str] = mapped_column(sa.String(12), default="zh_Hant_TW")
    price_colours: Mapped[str] = mapped_column(sa.String(8), default="taiwan")
    theme: Mapped[str] = mapped_column(sa.String(8), default="auto")
    is_vip: Mapped[bool] = mapped_column(default=False)
    spread_override_bp: Mapped[int | None] = mapped_column(sa.Integer)
    email_verified_at: Mapped[Moment | None]
    phone_verified_at: Mapped[Moment | None]
    password_changed_at: Mapped[Moment | None]
    withdrawals_held_until: Mapped[Moment | None]
    known_addresses_only: Mapped[bool] = mapped_column(default=False)
    notification_settings: Mapped[dict[str, Any] | None]
    created_at: Mapped[Moment]

    @property
    def display_name(self) -> str:
        """What the portal calls this person: the username, or the e-mail for a customer without one."""
        return self.username_shown or self.email or self.phone or ""


class ClientSession(Base):
    """One signed-in device. Only a digest of the secret is kept; `scope` is `full` or `second_factor`."""

    __tablename__ = "client_sessions"
    __table_args__ = (sa.Index(None, "customer_id", "id"), sa.Index(None, "device_digest"))

    id: Mapped[RowId]
    public_id: Mapped[PublicId]
    customer_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    secret_digest: Mapped[Digest] = mapped_column(unique=True)
    family: Mapped[str] = mapped_column(sa.String(12))
    scope: Mapped[str] = mapped_column(sa.String(16))
    ip: Mapped[str] = mapped_column(sa.String(45))
    user_agent: Mapped[str] = mapped_column(sa.String(300), default="")
    device_digest: Mapped[Digest | None]
    created_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
    reauthenticated_at: Mapped[Moment | None]
    expires_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]
    ended_why: Mapped[Label | None]


class SignInEvent(Base):
    """A line of a customer's sign-in log (brokerage contract: login_log; operation codes 1001, 1002, 1003 …).

    A try on a name that is nobody's has no customer: it is written all the same, so that both take as long.
    """

    __tablename__ = "sign_in_events"
    __table_args__ = (sa.Index(None, "customer_id", "id"),)

    id: Mapped[RowId]
    customer_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("customers.id"))
    operation_code: Mapped[int] = mapped_column(sa.Integer)
    ip: Mapped[str] = mapped_column(sa.String(45))
    browser: Mapped[Label]
    os: Mapped[Label]
    at: Mapped[Moment]
