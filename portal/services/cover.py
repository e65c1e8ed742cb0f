"""Liabilities against holdings: what people are owed and what there is to pay them with; when it does not cover, pay-outs stop.

Holdings are what chains and bank statements were last heard to hold; where nobody told, the books' own mirror stands in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.ledger.chart import HOUSE_BUCKETS
from portal.models.bank import Holding
from portal.models.ledger import Account
from portal.models.wallet import Deposit, Withdrawal
from portal.money import AmountError, parse_units
from portal.services import bank_reconciliation, parameters, payout_switch, prices
from portal.services.networks import BANK, networks_of

#: `own_funds_twd` is what the house has pledged beside its accounts here: a shortfall up to it stops nothing.
parameters.declare("cover", {"automatic_stop": True, "own_funds_twd": "10000000", "reading_minutes": 30})

#: About so many addresses a chain is asked at a turn.
MOST_ADDRESSES = 5000

#: The house's own vouchers: tokens of them in its wallets are no means to pay with, so that only the mirror counts.
_ISSUED = ("TWIP", "TWIG")

_MIRRORS = ("bank", "chain", "card_network")
#: Owed although no person's account says so: money of unknown owners, and what left accounts and has not left us.
_OWED = ("suspense", "clearing")


@dataclass(frozen=True, slots=True)
class Line:
    """An asset: what is owed and what is held, in its units; `heard` tells whether the outside said so itself."""

    asset: str
    owed_units: int
    held_units: int
    heard: bool
    owed_twd: int | None
    held_twd: int | None

    @property
    def short_units(self) -> int:
        """How much is missing in this asset; negative for what is over."""
        return self.owed_units - self.held_units


@dataclass(frozen=True, slots=True)
class Books:
    """What the books said is held, by asset, at a moment."""

    at: datetime
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cover:
    """All assets together, in TWD units."""

    lines: tuple[Line, ...]
    own_funds_twd: int
    at: datetime

    @property
    def owed_twd(self) -> int:
        """All that is owed and has a price."""
        return sum(line.owed_twd or 0 for line in self.lines)

    @property
    def held_twd(self) -> int:
        """All that is held and has a price."""
        return sum(line.held_twd or 0 for line in self.lines)

    @property
    def covered(self) -> bool:
        """Whether holdings and pledged own funds are enough for everybody."""
        return self.held_twd + self.own_funds_twd >= self.owed_twd


def cover(session: Session) -> Cover:
    """How things stand now."""
    moment = now(session)
    owed, mirrored = _owed(session), _mirrored(session)
    heard = _heard(session, moment, mirrored)
    known = prices.all_last(session)
    lines = []
    for asset in sorted({*owed, *mirrored, *heard}):
        units, held = owed.get(asset, 0), heard.get(asset, mirrored.get(asset, 0))
        price = known.get(asset)
        worth = None if price is None else prices.worth(asset, units, price) if units >= 0 else 0
        held_worth = (
            None
            if price is None
            else (prices.worth(asset, held, price) if held >= 0 else -prices.worth(asset, -held, price))
        )
        lines.append(Line(asset, units, held, asset in heard, worth, held_worth))
    return Cover(tuple(lines), _own_funds(session), moment)


def unheard(session: Session) -> list[str]:
    """Assets of chains that people are owed and whose holdings no chain told of lately: the books stand in for them."""
    return [
        line.asset
        for line in cover(session).lines
        if line.owed_units > 0 and not line.heard and line.asset not in _ISSUED and networks_of(line.asset)
    ]


def is_short(session: Session) -> bool:
    """Whether the automatic stop would stop pay-outs now."""
    return bool(parameters.get(session, "cover")["automatic_stop"]) and not cover(session).covered


def check(session: Session) -> bool:
    """Stops pay-outs when what is held does not cover what is owed; True when it did."""
    found = cover(session)
    if found.covered or not parameters.get(session, "cover")["automatic_stop"]:
        return False
    missing = found.owed_twd - found.held_twd - found.own_funds_twd
    return payout_switch.stop(
        session, "system", f"holdings do not cover liabilities: {missing // 10_000} TWD are missing"
    )


def _own_funds(session: Session) -> int:
    try:
        return parse_units(parameters.get(session, "cover")["own_funds_twd"], "TWD")
    except AmountError:
        return 0


def _owed(session: Session) -> dict[str, int]:
    """What people own by the books, less what is on its way to them outside already."""
    people = sa.or_(Account.owner_kind != "house", sa.and_(Account.owner_kind == "house", Account.bucket.in_(_OWED)))
    query = sa.select(Account.asset, sa.func.sum(Account.balance_units)).where(people).group_by(Account.asset)
    owed = {asset: int(units or 0) for asset, units in session.execute(query)}
    leaving = (
        sa.select(Withdrawal.asset, sa.func.sum(Withdrawal.amount_units - Withdrawal.fee_units))
        .where(Withdrawal.status.in_(("processing", "broadcast")), Withdrawal.internal_owner_kind.is_(None))
        .group_by(Withdrawal.asset)
    )
    for asset, units in session.execute(leaving):
        owed[asset] = owed.get(asset, 0) - int(units or 0)
    return owed


def _mirrored(session: Session) -> dict[str, int]:
    assert set(_MIRRORS) <= set(HOUSE_BUCKETS)
    query = (
        sa.select(Account.asset, sa.func.sum(Account.balance_units))
        .where(Account.owner_kind == "house", Account.bucket.in_(_MIRRORS))
        .group_by(Account.asset)
    )
    held = {asset: -int(units or 0) for asset, units in session.execute(query)}
    leaving = (
        sa.select(Withdrawal.payout_asset, sa.func.sum(Withdrawal.amount_units - Withdrawal.fee_units))
        .where(
            Withdrawal.status.in_(("processing", "broadcast")),
            Withdrawal.internal_owner_kind.is_(None),
            Withdrawal.payout_asset == Withdrawal.asset,
        )
        .group_by(Withdrawal.payout_asset)
    )
    for asset, units in session.execute(leaving):
        held[asset] = held.get(asset, 0) - int(units or 0)
    return held


def _heard(session: Session, moment: datetime, mirrored: dict[str, int]) -> dict[str, int]:
    """What the outside itself said, carried on by the books since: for assets of which all their places told lately.

    A reading is some seconds or minutes old; what was booked since then is neither missing nor over. So it counts as its
    difference to the books of its own moment.
    """
    fresh = moment - timedelta(minutes=int(parameters.get(session, "cover")["reading_minutes"]))
    told: dict[str, dict[str, Holding]] = {}
    for row in session.scalars(sa.select(Holding).where(Holding.source.startswith("chain:"), Holding.at >= fresh)):
        told.setdefault(row.asset, {})[row.source] = row
    found = {}
    for asset, rows in told.items():
        places = {f"chain:{network}" for network in networks_of(asset)}
        if asset in _ISSUED or not places <= set(rows):
            continue
        if len({row.at for row in rows.values()}) > 1:
            continue  # of different moments: what was booked between them would be missing, or there twice
        books_units = next(iter(rows.values())).books_units
        found[asset] = sum(row.units for row in rows.values()) - books_units + mirrored.get(asset, 0)
    bank = bank_reconciliation.against_bank(session)
    if bank is not None and bank.told_whole:
        found["TWD"] = bank.held_units
    return found


def books(session: Session) -> Books:
    """What the books say is held now, to be written down beside a reading that begins now."""
    return Books(now(session), _mirrored(session))


def note(session: Session, told: Mapping[str, Mapping[str, int]], before: Books) -> None:
    """Writes down what networks hold, by network and asset, beside what the books said before they were asked.

    Before, because a chain tells of what cannot change any more: what the books took up meanwhile may be in the reading or
    not, and would be missing if it were not. An asset is written down when all its networks told in this turn; until then
    its last reading stands.
    """
    for asset in {asset for units in told.values() for asset in units}:
        networks = networks_of(asset)
        if any(asset not in told.get(network, {}) for network in networks):
            continue
        for network in networks:
            row = session.get(Holding, (f"chain:{network}", asset))
            if row is None:
                row = Holding(source=f"chain:{network}", asset=asset, units=0, at=before.at)
                session.add(row)
            row.units, row.books_units, row.at = told[network][asset], before.units.get(asset, 0), before.at
    session.flush()


def addresses(session: Session, network: str, most: int = MOST_ADDRESSES) -> list[str] | None:
    """Addresses of a network that ever took a deposit; None when they are more than can be asked about at a turn.

    Some of them alone would tell of too little, and stop pay-outs for nothing.
    """
    query = (
        sa.select(Deposit.address)
        .where(Deposit.network == network, Deposit.address.is_not(None), Deposit.network != BANK)
        .group_by(Deposit.address)
        .order_by(sa.func.max(Deposit.id).desc())
        .limit(most + 1)
    )
    found = [address for address in session.scalars(query) if address]
    return None if len(found) > most else found
