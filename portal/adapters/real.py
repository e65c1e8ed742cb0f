"""The real adapters of a production portal, chosen and checked by its settings.

Every port must be configured: what is missing is named all at once, and the portal does not start.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from portal.adapters.files import LocalFiles
from portal.adapters.http_bank import HttpBank
from portal.adapters.http_card_network import HttpCardNetwork
from portal.adapters.http_travel_rule import HttpTravelRule
from portal.adapters.rates import ProcessRates
from portal.adapters.sms_gateway import HttpSms
from portal.adapters.smtp import SmtpMail
from portal.adapters.webhooks import HttpWebhooks
from portal.clock import Clock
from portal.config import Settings, SettingsError
from portal.ports import ChainPort, FilePort, Ports

#: What each port cannot be without.
REQUIRED = {
    "mail": ("SMTP_HOST", "MAIL_FROM"),
    "sms": ("SMS_URL", "SMS_API_KEY"),
    "files": ("FILES_STORE",),
    "bank": ("BANK_URL", "BANK_API_KEY", "BANK_WEBHOOK_SECRET"),
    "card network": ("CARD_NETWORK_URL", "CARD_NETWORK_API_KEY"),
    "rates": ("RATES_PYTHON",),
    "Ethereum": ("ETHEREUM_NODE_URL", "SIGNER_SOCKET"),
    "TRON": ("TRON_NODE_URL", "SIGNER_SOCKET"),
}

#: Addresses that carry a key or money: https, or a machine of one's own.
_URLS = (
    "SMS_URL",
    "BANK_URL",
    "CARD_NETWORK_URL",
    "ETHEREUM_NODE_URL",
    "TRON_NODE_URL",
    "S3_ENDPOINT_URL",
    "TRAVEL_RULE_URL",
)

_WEBHOOK_SECRET_LENGTH = 32


def problems(settings: Settings) -> list[str]:
    """What keeps these settings from describing a production portal's outside world, by port."""
    given = settings.adapters
    found = [f"{port}: {name} is missing" for port, names in REQUIRED.items() for name in names if not given.get(name)]
    store = given.get("FILES_STORE")
    if store == "s3":
        found += ["files: S3_BUCKET is missing"] if not given.get("S3_BUCKET") else []
    elif store and store != "local":
        found.append("files: FILES_STORE must be local or s3")
    found += [f"{name} must be https" for name in _URLS if given.get(name) and not _is_safe(given[name])]
    if given.get("TRAVEL_RULE_URL") and not given.get("TRAVEL_RULE_API_KEY"):
        found.append("Travel Rule: TRAVEL_RULE_API_KEY is missing")
    secrets = [part for part in given.get("BANK_WEBHOOK_SECRET", "").split(",") if part]
    found += ["bank: BANK_WEBHOOK_SECRET is too weak"] if any(len(s) < _WEBHOOK_SECRET_LENGTH for s in secrets) else []
    for network, key in (("Ethereum", settings.deposit_xpub_ethereum), ("TRON", settings.deposit_xpub_tron)):
        found += [f"{network}: DEPOSIT_XPUB_{network.upper()} is missing"] if not key else []
    return found


def ports(settings: Settings, clock: Clock) -> Ports:
    """Puts the real adapters together. Raises SettingsError naming every port that is not configured."""
    found = problems(settings)
    if found:
        raise SettingsError("The portal cannot start: " + "; ".join(found) + ".")
    given = settings.adapters
    return Ports(
        mail=SmtpMail(given, clock),
        sms=HttpSms(given),
        rates=ProcessRates(given),
        files=_files(given, settings.instance),
        bank=HttpBank(given),
        card_network=HttpCardNetwork(given),
        webhooks=HttpWebhooks(private=False),
        chains=_chains(given, clock),
        travel_rule=HttpTravelRule(given) if given.get("TRAVEL_RULE_URL") else None,
    )


def _files(given: Mapping[str, str], instance: Path) -> FilePort:
    if given["FILES_STORE"] == "local":
        return LocalFiles(instance / "files")
    from portal.adapters.s3 import S3Files  # an extra: boto3 is there only where it is used

    return S3Files(given)


def _chains(given: Mapping[str, str], clock: Clock) -> dict[str, ChainPort]:
    from portal.adapters.ethereum import EthereumChain  # extras: web3 and tronpy are slow to load
    from portal.adapters.tron import TronChain

    return {"TRON": TronChain(given, clock), "ETHEREUM": EthereumChain(given)}


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_private)
    except ValueError:
        return False
