"""Institutions of the card programme: their people, terms and float."""

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import Database, context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.ledger import Account, Entry, Journal
from portal.models.partner import (
    CardTerms,
    CardType,
    Institution,
    InstitutionAsset,
    PartnerCounter,
)
from portal.models.wallet import DepositAddress
from portal.services import addresses, calculators
from portal.services.calculators import COIN, Terms
from portal.services.networks import ETHEREUM, TRON

#: Terms change rarely: a process remembers them this long.
SECONDS_REMEMBERED = 1.5
#: The first institution's number; the others count on.
FIRST_NUMBER = 1001

declare(
    {
        "institution_asset_unknown": N_("The institution has no account in this currency."),
        "institution_asset_blocked": N_("The institution's account in this currency is blocked."),
        "card_terms_unknown": N_("There are no terms for this kind of card."),
        "card_type_unknown": N_("There is no such kind of card."),
        "card_type_forbidden": N_("The institution may not open this kind of card."),
    }
)


@dataclass(frozen=True, slots=True)
class CardOffer:
    """A kind of card with an institution's terms for it."""

    card_type_id: str
    currency: str
    bank_id: str
    description: str
    may_open: bool
    open_fee_units: int
    terms: Terms
    tiers: tuple[dict[str, Any], ...]
    bank_transaction_rate: Any
    bank_atm_rate: Any
    bank_atm_fee: Any


def create(
    session: Session, name: str, areas: list[str], *, low_units: int = 0, network: str = "ETHEREUM"
) -> Institution:
    """Makes an institution with a USDT account; its number is the next free one."""
    highest = session.scalar(sa.select(sa.func.max(Institution.number)))
    made = Institution(
        number=str(int(highest) + 1 if highest else FIRST_NUMBER), name=name, areas=areas, created_at=now(session)
    )
    session.add(made)
    session.flush()
    session.add(InstitutionAsset(institution_id=made.id, asset=COIN, network=network, low_units=low_units))
    for kind in ("kyc", "card", "load"):
        session.add(PartnerCounter(institution_id=made.id, kind=kind, last=0))
    session.flush()
    for chain in (ETHEREUM, TRON):
        addresses.for_owner(session, "institution", made.id, chain)
    return made


def deposit_addresses(session: Session, institution_id: int) -> dict[str, str]:
    """Where the float is filled: the institution's address by network."""
    query = sa.select(DepositAddress.network, DepositAddress.address).where(
        DepositAddress.owner_kind == "institution", DepositAddress.owner_id == institution_id
    )
    return {network: address for network, address in session.execute(query)}


@dataclass(frozen=True, slots=True)
class FloatState:
    """A currency's account: what it holds, where it is filled, and whether it can be used."""

    asset: str
    balance_units: int
    address: str
    network: str
    low_units: int
    status: str


#: The float is asked for often: one statement, quickly read.
_FLOATS = (
    "SELECT kept.asset, COALESCE(held.balance_units, 0), lies.address, kept.network, kept.low_units, kept.status"
    " FROM institution_assets AS kept"
    " LEFT JOIN accounts AS held ON held.owner_kind = 'institution' AND held.owner_id = kept.institution_id"
    " AND held.asset = kept.asset AND held.bucket = 'float'"
    " LEFT JOIN deposit_addresses AS lies ON lies.owner_kind = 'institution' AND lies.owner_id = kept.institution_id"
    " AND lies.network = kept.network"
    " WHERE kept.institution_id = CAST(? AS BIGINT) ORDER BY kept.asset"
)


def float_states(session: Session, institution_id: int) -> list[FloatState]:
    """The institution's accounts (partner contract 4.9). Raises Refusal `institution_asset_unknown` when it has none."""
    rows = session.execute(sa.text(_FLOATS.replace("?", ":institution")), {"institution": institution_id})
    return _float_states([tuple("" if value is None else str(value) for value in row) for row in rows])


def _float_states(rows: list[tuple[str, ...]]) -> list[FloatState]:
    if not rows:
        raise Refusal("institution_asset_unknown")
    return [
        FloatState(asset, int(units), address, network, int(low_units), status)
        for asset, units, address, network, low_units, status in rows
    ]


def usable_floats(database: Database, institution_id: int) -> list[FloatState]:
    """The same, quickly, for a caller that may use them. Raises Refusal `institution_asset_blocked` when one is blocked."""
    found = _float_states(database.glance(_FLOATS, institution_id))
    if any(state.status != "usable" for state in found):
        raise Refusal("institution_asset_blocked")
    return found


def get(session: Session, institution_id: int) -> Institution:
    """An institution. Raises Refusal `institution_unknown`."""
    found = session.get(Institution, institution_id)
    if found is None:
        raise Refusal("institution_unknown")
    return found


def next_number(session: Session, institution_id: int, kind: str) -> int:
    """The next number of a kind of record, without gaps: its row is locked until the commit."""
    row = session.execute(_NEXT, {"institution": institution_id, "kind": kind}).first()
    if row is None:
        insert_if_absent(session, PartnerCounter.__table__, {"institution_id": institution_id, "kind": kind, "last": 0})
        row = session.execute(_NEXT, {"institution": institution_id, "kind": kind}).one()
    return int(row[0])


_NEXT = sa.text(
    "UPDATE partner_counters SET last = last + 1 WHERE institution_id = :institution AND kind = :kind RETURNING last"
)


def card_types(session: Session) -> list[CardType]:
    """All kinds of cards, by id (partner contract 4.5)."""
    return list(session.scalars(sa.select(CardType).order_by(CardType.id)))


def remembered_offer(cache: dict[str, Any], institution_id: int, card_type_id: str) -> CardOffer | None:
    """The terms as this process saw them a moment ago; None when they have to be looked up."""
    kept = cache.get("card_offers", {}).get((institution_id, card_type_id))
    return kept[1] if kept is not None and kept[0] > time.monotonic() else None


def offer(session: Session, institution_id: int, card_type_id: str) -> CardOffer:
    """An institution's terms for a kind of card. Raises Refusal `card_type_unknown` or `card_terms_unknown`."""
    remembered = remembered_offer(context(session).cache, institution_id, card_type_id)
    if remembered is not None:
        return remembered
    query = (
        sa.select(CardType, CardTerms)
        .outerjoin(
            CardTerms, sa.and_(CardTerms.card_type_id == CardType.id, CardTerms.institution_id == institution_id)
        )
        .where(CardType.id == card_type_id)
    )
    row = session.execute(query).first()
    if row is None:
        raise Refusal("card_type_unknown", field="card_type_id")
    if row[1] is None:
        raise Refusal("card_terms_unknown", field="card_type_id")
    found = _offer(*row)
    memory = context(session).cache.setdefault("card_offers", {})
    memory[(institution_id, card_type_id)] = (time.monotonic() + SECONDS_REMEMBERED, found)
    return found


def offers(session: Session, institution_id: int) -> list[CardOffer]:
    """All kinds of cards an institution has terms for."""
    query = sa.select(CardType, CardTerms).join(CardTerms, CardTerms.card_type_id == CardType.id)
    rows = session.execute(query.where(CardTerms.institution_id == institution_id).order_by(CardType.id))
    return [_offer(*row) for row in rows]


def _offer(kind: CardType, terms: CardTerms) -> CardOffer:
    tiers = calculators.read_tiers(terms.loading_tiers)
    return CardOffer(
        card_type_id=kind.id,
        currency=kind.currency,
        bank_id=kind.bank_id,
        description=kind.description,
        may_open=terms.may_open,
        open_fee_units=terms.open_fee_units,
        terms=Terms(kind.currency, terms.exchange_rate, terms.exchange_fee_rate, tiers),
        tiers=tuple(terms.loading_tiers),
        bank_transaction_rate=terms.bank_transaction_rate,
        bank_atm_rate=terms.bank_atm_rate,
        bank_atm_fee=terms.bank_atm_fee,
    )


def open_offer(session: Session, institution_id: int, card_type_id: str) -> CardOffer:
    """Terms of a kind of card that the institution may open. Raises Refusal `card_type_unknown` or `card_type_forbidden`."""
    try:
        found = offer(session, institution_id, card_type_id)
    except Refusal as refusal:
        if refusal.name == "card_terms_unknown":
            raise Refusal("card_type_forbidden", field="card_type_id") from refusal
        raise
    if not found.may_open:
        raise Refusal("card_type_forbidden", field="card_type_id")
    return found


def set_terms(session: Session, institution_id: int, card_type_id: str, **terms: Any) -> CardTerms:
    """Sets an institution's terms for a kind of card. Raises ValueError for tiers that leave gaps or overlap."""
    calculators.read_tiers(terms["loading_tiers"])
    found = session.get(CardTerms, (institution_id, card_type_id))
    if found is None:
        found = CardTerms(institution_id=institution_id, card_type_id=card_type_id, **terms)
        session.add(found)
    else:
        for name, value in terms.items():
            setattr(found, name, value)
    session.flush()
    context(session).cache.pop("card_offers", None)
    return found


def usable_asset(session: Session, institution_id: int, asset: str) -> InstitutionAsset:
    """An institution's account. Raises Refusal `institution_asset_unknown` or `institution_asset_blocked`."""
    found = session.get(InstitutionAsset, (institution_id, asset))
    if found is None:
        raise Refusal("institution_asset_unknown", field="coin_type")
    if found.status != "usable":
        raise Refusal("institution_asset_blocked", field="coin_type")
    return found


@dataclass(frozen=True, slots=True)
class FloatLine:
    """A change of a float: the entry's number, what it was for, the signed units and the balance after it."""

    entry_id: int
    kind: str
    reference: str
    units: int
    balance_after_units: int
    at: Any


def float_balance(session: Session, institution_id: int, asset: str = COIN) -> int:
    """What the float holds, in ledger units."""
    return ledger.balance(session, ledger.institution_float(institution_id, asset))


def float_history(
    session: Session, institution_id: int, *, before: int | None = None, count: int = 50, asset: str = COIN
) -> list[FloatLine]:
    """The float's entries, newest first, those with numbers below `before`."""
    account = (
        sa.select(Account.id)
        .where(
            Account.owner_kind == "institution",
            Account.owner_id == institution_id,
            Account.asset == asset,
            Account.bucket == "float",
        )
        .scalar_subquery()
    )
    query = (
        sa.select(
            Entry.id, Journal.kind, Journal.reference, Entry.amount_units, Entry.balance_after_units, Journal.posted_at
        )
        .join(Journal, Journal.id == Entry.journal_id)
        .where(Entry.account_id == account)
    )
    if before is not None:
        query = query.where(Entry.id < before)
    return [FloatLine(*row) for row in session.execute(query.order_by(Entry.id.desc()).limit(count))]
