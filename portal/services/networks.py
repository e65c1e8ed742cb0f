"""Networks and what moves on them: names in every dialect, token contracts, who shows a transaction."""

from collections.abc import Mapping

from portal.config import Settings
from portal.errors import Refusal

TRON, ETHEREUM, BANK = "TRON", "ETHEREUM", "BANK"

#: Payment ways of the brokerage contract (enum payment_way) and the networks behind them.
PAYMENT_WAYS = {"TRC20": TRON, "ERC20": ETHEREUM}
WAY_OF = {network: way for way, network in PAYMENT_WAYS.items()}

#: What may arrive and leave on each network.
ASSETS: dict[str, tuple[str, ...]] = {TRON: ("USDT", "TWIP", "TWIG"), ETHEREUM: ("USDT", "ETH")}

#: Token contracts on the main networks. TWIP and TWIG: voucher contract, manual_setup. The chain's own coin has none.
#: CHAIN_CONTRACT_<NETWORK>_<ASSET> in the environment overrules one.
CONTRACTS: Mapping[tuple[str, str], str | None] = {
    (TRON, "USDT"): "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    (TRON, "TWIP"): "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj",
    (TRON, "TWIG"): "TG3XXyExBkPp9nzdajDZsozEu4BkaSJozs",
    (ETHEREUM, "USDT"): "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    (ETHEREUM, "ETH"): None,
}

#: Coin and network as the brokerage contract writes it (enum coin_network).
COIN_NETWORKS = {
    "USDT-ERC20": ("USDT", ETHEREUM),
    "USDT-TRC20": ("USDT", TRON),
    "ETH-ETHEREUM": ("ETH", ETHEREUM),
    "ETH-ERC20": ("ETH", ETHEREUM),
}

_EXPLORERS = {TRON: "https://tronscan.org/#/transaction/", ETHEREUM: "https://etherscan.io/tx/"}
_SANDBOX_EXPLORERS = {
    TRON: "https://shasta.tronscan.org/#/transaction/",
    ETHEREUM: "https://sepolia.etherscan.io/tx/",
}


def network_of(name: str) -> str:
    """The network a payment way or network name means. Raises Refusal `currency_unknown`."""
    found = PAYMENT_WAYS.get(name, name)
    if found not in ASSETS:
        raise Refusal("currency_unknown", field="network")
    return found


def coin_network(text: str) -> tuple[str, str]:
    """Asset and network of a name such as `USDT-TRC20`. Raises Refusal `currency_unknown`."""
    if text not in COIN_NETWORKS:
        raise Refusal("currency_unknown", field="coinNetwork")
    return COIN_NETWORKS[text]


def networks_of(asset: str) -> list[str]:
    """The networks an asset moves on."""
    return [network for network in (ETHEREUM, TRON) if asset in ASSETS[network]]


def is_real(settings: Settings, network: str, asset: str, contract: str | None) -> bool:
    """Whether a transfer said to be of `asset` came from that asset's own contract."""
    if asset not in ASSETS.get(network, ()):
        return False
    expected = settings.adapters.get(f"CHAIN_CONTRACT_{network}_{asset}") or CONTRACTS[network, asset]
    if expected is None or contract is None:
        return expected is None and contract is None
    return expected == contract if network == TRON else expected.lower() == contract.lower()


def transaction_url(settings: Settings, network: str, tx_hash: str) -> str:
    """Where people can look a transaction up."""
    return (_SANDBOX_EXPLORERS if settings.sandbox else _EXPLORERS)[network] + tx_hash
