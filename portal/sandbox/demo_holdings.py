"""What the demo world's house holds on its chains: as much as its books say, so that both agree from the first day."""

from typing import Any

from sqlalchemy.orm import Session

from portal import ledger
from portal.bootstrap import Portal
from portal.services import cover
from portal.services.networks import ASSETS, ETHEREUM, TRON

#: The chain that is given the opening of an asset which moves on several.
_HOME = {"USDT": TRON, "ETH": ETHEREUM, "TWIP": TRON, "TWIG": TRON}


def load(portal: Portal) -> None:
    """Sets the openings of both chains."""
    for network, assets in ASSETS.items():
        chain: Any = portal.ports.chains[network]  # the sandbox's twin, which can be given an opening
        for asset in assets:
            chain.set_opening(asset, 0)
    held: dict[str, int] = {}
    for network in ASSETS:
        chain = portal.ports.chains[network]
        for asset, units in chain.holdings(portal.db.read(cover.addresses, network) or []).items():
            held[asset] = held.get(asset, 0) + units
    for asset, network in _HOME.items():
        missing = -portal.db.read(_mirror, asset) - held.get(asset, 0)
        chain = portal.ports.chains[network]
        chain.set_opening(asset, missing)


def _mirror(session: Session, asset: str) -> int:
    return ledger.balance(session, ledger.house("chain", asset))
