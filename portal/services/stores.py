"""Stores that take vouchers: found by name, area or distance, shown, made."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.errors import Refusal
from portal.models.stores import Store
from portal.money import parse_units, to_decimal, units_floor
from portal.services import audit

#: Letters of the codes on QR stickers: none that are mistaken for one another.
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

#: Letters of a search's keyword; of a store's own name, address, and of its area and kind.
MAX_NAME = 80
MAX_OWN_NAME, MAX_ADDRESS, MAX_LABEL = 100, 200, 64


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill in TWIP units: what was asked, what the discount takes off, what is paid."""

    bill_units: int
    discount_units: int
    amount_units: int


def new_code(length: int = 10) -> str:
    """A fresh code for a QR: the length keeps anybody from trying them all."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))


def find(session: Session, public_id: str) -> Store:
    """An open store by its id outside. Raises Refusal `not_found`."""
    return _one(session, Store.public_id == public_id)


def by_code(session: Session, code: str) -> Store | None:
    """The open store of a counter's static code."""
    return session.scalar(sa.select(Store).where(Store.code == code, Store.standing == "open"))


def _one(session: Session, condition: sa.ColumnElement[bool]) -> Store:
    found = session.scalar(sa.select(Store).where(condition, Store.standing == "open"))
    if found is None:
        raise Refusal("not_found")
    return found


def matching(name: str | None = None, area: str | None = None) -> sa.Select[Store]:
    """The query of open stores whose name holds the keyword and that lie in the area."""
    query = sa.select(Store).where(Store.standing == "open")
    if name and name.strip():
        query = query.where(Store.name.icontains(name.strip()[:MAX_NAME], autoescape=True))
    if area:
        query = query.where(Store.area == area)
    return query


def page(
    session: Session,
    *,
    name: str | None = None,
    area: str | None = None,
    after_id: int = 0,
    before_id: int = 0,
    count: int = 15,
) -> list[Store]:
    """Stores in order of their number, after (or just before) a number: one page by keyset."""
    query = matching(name, area)
    if before_id:
        found = session.scalars(query.where(Store.id < before_id).order_by(Store.id.desc()).limit(count))
        return list(found)[::-1]
    return list(session.scalars(query.where(Store.id > after_id).order_by(Store.id).limit(count)))


def near(
    session: Session, latitude_micro: int, longitude_micro: int, *, name: str | None = None, count: int = 20
) -> list[tuple[Store, int]]:
    """The nearest stores with their distance in metres, nearest first.

    Positions are in millionths of a degree. On the scale of a town the earth is flat: a degree of latitude is
    111 km, one of longitude in Taiwan (about 23.7° north) 102 km.
    """
    north = sa.cast(Store.latitude_micro - latitude_micro, sa.BigInteger) * 111
    east = sa.cast(Store.longitude_micro - longitude_micro, sa.BigInteger) * 102
    squared = (north * north + east * east).label("squared")
    query = (
        matching(name)
        .add_columns(squared)
        .where(Store.latitude_micro.is_not(None), Store.longitude_micro.is_not(None))
        .order_by(squared, Store.id)
        .limit(count)
    )
    return [(store, int(Decimal(distance).sqrt()) // 1000) for store, distance in session.execute(query)]


def areas(session: Session) -> Sequence[str]:
    """The areas that have open stores, in order."""
    query = sa.select(Store.area).where(Store.standing == "open", Store.area != "").distinct().order_by(Store.area)
    return session.scalars(query).all()


def bill_of(store: Store, bill_units: int) -> Bill:
    """What a bill comes to after the store's discount, in TWIP units.

    A fixed discount above the bill takes it to 0, never below. A percentage is rounded down (the store's side).
    """
    if store.discount_type == "percent":
        off = units_floor(to_decimal(bill_units, "TWIP") * store.discount_value / 100, "TWIP")
    else:
        off = parse_units(store.discount_value, "TWIP")
    off = min(off, bill_units)
    return Bill(bill_units, off, bill_units - off)


def check_discount(discount_type: str, value: Decimal) -> None:
    """Raises Refusal `input_invalid` for a discount that is none: fixed from 0, percent from 0 to 100, two places."""
    if discount_type not in ("fixed", "percent"):
        raise Refusal("input_invalid", field="discount_type")
    most = Decimal(100) if discount_type == "percent" else Decimal(10_000_000)
    if not 0 <= value <= most or value != value.quantize(Decimal("0.01")):
        raise Refusal("input_invalid", field="discount_value")


def create(
    session: Session,
    company_id: int,
    name: str,
    address: str,
    *,
    area: str = "",
    category: str = "",
    about: str | None = None,
    latitude_micro: int | None = None,
    longitude_micro: int | None = None,
    discount_type: str = "fixed",
    discount_value: Decimal = Decimal(0),
    contact_phone: str | None = None,
    contact_email: str | None = None,
    actor: str,
) -> Store:
    """Makes a store (voucher contract: manual_setup, create_store). Raises Refusal `input_invalid`, `input_missing`."""
    check_discount(discount_type, discount_value)
    for field, text, longest in (("name", name, MAX_OWN_NAME), ("address", address, MAX_ADDRESS)):
        if not text.strip():
            raise Refusal("input_missing", field=field)
        if len(text.strip()) > longest or not text.strip().isprintable():
            raise Refusal("input_invalid", field=field)
    for field, text in (("area", area), ("category", category)):
        if len(text) > MAX_LABEL:
            raise Refusal("input_invalid", field=field)
    made = Store(
        company_id=company_id,
        code=new_code(),
        name=name.strip(),
        area=area,
        address=address.strip(),
        category=category,
        about=about,
        latitude_micro=latitude_micro,
        longitude_micro=longitude_micro,
        discount_type=discount_type,
        discount_value=discount_value,
        contact_phone=contact_phone,
        contact_email=contact_email,
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    audit.write(session, actor, "store.create", f"store:{made.id}", details={"name": made.name})
    return made


def set_discount(session: Session, store: Store, discount_type: str, value: Decimal, actor: str) -> None:
    """Changes what customers get off their bills from now on; orders already asked for keep theirs."""
    check_discount(discount_type, value)
    before = {"type": store.discount_type, "value": str(store.discount_value)}
    store.discount_type, store.discount_value = discount_type, value
    after = {"type": discount_type, "value": str(value)}
    audit.write(session, actor, "store.discount", f"store:{store.id}", details={"before": before, "after": after})
