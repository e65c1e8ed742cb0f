"""What the signer may sign: assets it was given limits for, and orders that the portal's records hold as approved.

The records are read by a database user of the signer's own who may read `withdrawals` and nothing else; so a worker that
lies cannot send money anywhere nobody approved.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from portal.money import parse_units

DAY_SECONDS = 86_400


class Refused(RuntimeError):
    """The signer will not sign this; the text says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: `key` is `<withdrawal reference>:<number>`; units of the ledger."""

    key: str
    network: str
    asset: str
    to: str
    units: int


class Approvals(Protocol):
    """Who knows what was approved."""

    def check(self, order: Order) -> None: ...

    def is_abandoned(self, key: str, hashes: set[str]) -> bool: ...


class Limits:
    """Limits per network and asset: SIGNER_LIMIT_<NETWORK>_<ASSET> for one order, SIGNER_DAY_LIMIT_… for 24 hours.

    An asset without both is not signed for at all. Amounts are decimal text in whole coins.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    def check(self, network: str, asset: str, units: int, units_today: int) -> None:
        """Raises Refused when the order is over a limit, or the asset has none."""
        one = self._limit("SIGNER_LIMIT", network, asset)
        day = self._limit("SIGNER_DAY_LIMIT", network, asset)
        if units <= 0:
            raise Refused("there is nothing to send")
        if units > one:
            raise Refused(f"above the limit for one order of {asset}")
        if units_today + units > day:
            raise Refused(f"above the limit for a day of {asset}")

    def _limit(self, name: str, network: str, asset: str) -> int:
        text = self._settings.get(f"{name}_{network}_{asset}")
        if not text:
            raise Refused(f"{asset} on {network} has no limit and is not signed for")
        return parse_units(text, asset)


class DatabaseApprovals:
    """Reads the portal's withdrawals. Setting: SIGNER_DATABASE_URL."""

    _QUESTION = sa.text(
        "SELECT status, network, asset, payout_asset, address, amount_units, fee_units, internal_owner_kind, tx_hash,"
        " details FROM withdrawals WHERE reference = :reference"
    )

    def __init__(self, url: str) -> None:
        for plain in ("postgresql://", "postgres://"):
            if url.startswith(plain):
                url = "postgresql+psycopg://" + url[len(plain) :]
        self._engine = sa.create_engine(url, pool_pre_ping=True)

    def check(self, order: Order) -> None:
        """Raises Refused unless the records hold this very order as approved and not yet sent under another number."""
        row, number = self._find(order.key)
        if row is None:
            raise Refused("no such withdrawal")
        replaced = len(_details(row["details"]).get("replaced", []))
        first = row["status"] == "approved" and number == replaced + 1
        again = row["status"] in ("processing", "broadcast") and number == replaced + 2
        if not (first or again) or row["internal_owner_kind"] is not None:
            raise Refused("the withdrawal is not approved")
        wanted = (row["network"], row["asset"], row["address"], row["amount_units"] - row["fee_units"])
        if wanted != (order.network, order.asset, order.to, order.units) or row["asset"] != row["payout_asset"]:
            raise Refused("the order is not what was approved")

    def is_abandoned(self, key: str, hashes: set[str]) -> bool:
        """Whether an order was called off before its bytes were stored, so that they are nowhere and never will be."""
        row, _ = self._find(key)
        if row is None or row["status"] not in ("cancelled", "failed", "rejected", "expired"):
            return False
        return not hashes & {row["tx_hash"], *_details(row["details"]).get("replaced", [])}

    def _find(self, key: str) -> tuple[Any, int]:
        reference, _, number = key.rpartition(":")
        if not (number.isascii() and number.isdigit() and len(number) < 6):
            raise Refused("not a withdrawal's key")
        with self._engine.connect() as connection:
            row = connection.execute(self._QUESTION, {"reference": reference}).mappings().first()
        return row, int(number)


def _details(value: Any) -> dict[str, Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, dict) else {}
