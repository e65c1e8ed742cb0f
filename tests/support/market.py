"""The market and the outside money of a test: prices, chain transfers, bank credits."""

import itertools
from decimal import Decimal
from typing import Any

from portal.money import parse_units
from portal.services import addresses, bank_credits, prices
from portal.worker import deposits as watching

_hashes = itertools.count(1)

USDT, ETH = "32.1079", "98765.4321"


def open_market(portal: Any, usdt: str = USDT, eth: str = ETH) -> None:
    """Puts prices in force now, whatever was before."""
    seen = {"USDT-TWD": Decimal(usdt), "ETH-TWD": Decimal(eth)}
    portal.db.transact(prices.record, seen, "test", trusted=True)


def stock(portal: Any, **amounts: str) -> None:
    """Gives the house's inventory what it trades from, such as `usdt="1000"`."""
    from portal import ledger
    from portal.ledger import Line

    for name, amount in amounts.items():
        asset = name.upper()
        units = parse_units(amount, asset)
        lines = [
            Line(ledger.house("inventory", asset), units),
            Line(ledger.house("bank" if asset == "TWD" else "chain", asset), -units),
        ]
        reference = f"test_stock:{asset}:{next(_hashes)}"
        portal.db.transact(ledger.post, "test_stock", reference, lines, actor="system")


def address(portal: Any, person: Any, network: str = "TRON") -> str:
    """The person's deposit address."""
    return str(portal.db.transact(addresses.for_owner, "customer", person.id, network).address)


def send(
    portal: Any, network: str, asset: str, to: str, amount: str, *, tx_hash: str | None = None, log_index: int = 0, **more: Any
) -> str:  # fmt: skip
    """A transfer on the sandbox chain; its hash."""
    tx_hash = tx_hash or f"{next(_hashes):064x}"
    portal.ports.chains[network].add_transfer(
        asset, to, parse_units(amount, asset), tx_hash, log_index, sender="somebody", **more
    )
    return tx_hash


def mine(portal: Any, network: str = "TRON", count: int = 25) -> None:
    """Blocks go by and the portal looks at them."""
    portal.ports.chains[network].mine(count)
    look(portal)


def look(portal: Any) -> None:
    """The portal reads the chains until there is nothing new."""
    while watching.watch(portal):
        pass


def bank_credit(portal: Any, account: str, amount: str, **more: Any) -> Any:
    """Money arrives at the bank."""
    return portal.db.transact(bank_credits.receive, account=account, amount_units=parse_units(amount, "TWD"), **more)
