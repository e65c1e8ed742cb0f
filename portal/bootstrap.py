"""Wiring: the only file that chooses adapters, sandbox twins or real ones."""

from dataclasses import dataclass, replace

from portal.adapters import real
from portal.adapters.sandbox.bank import SandboxBank
from portal.adapters.sandbox.card_network import SandboxCardNetwork
from portal.adapters.sandbox.chain import SandboxChain
from portal.adapters.sandbox.files import SandboxFiles
from portal.adapters.sandbox.messages import SandboxMail, SandboxSms
from portal.adapters.sandbox.rates import SandboxRates
from portal.adapters.sandbox.travel_rule import SandboxTravelRule
from portal.adapters.sandbox.wallet import public_keys
from portal.adapters.sandbox.world import World
from portal.adapters.webhooks import HttpWebhooks
from portal.clock import Clock, SandboxClock, SystemClock
from portal.config import Settings
from portal.db import Context, Database
from portal.ports import Ports
from portal.vault import Vault


@dataclass(frozen=True, slots=True)
class Portal:
    """A running portal: what `app.extensions["portal"]` holds. `world` is the sandbox's, None in production."""

    settings: Settings
    db: Database
    clock: Clock
    vault: Vault
    ports: Ports
    world: World | None


def build(settings: Settings) -> Portal:
    """Puts a portal together from its settings."""
    settings = _with_deposit_keys(settings)
    clock: Clock = SandboxClock(settings.instance / "clock") if settings.sandbox else SystemClock()
    vault = Vault(settings.encryption_keys, settings.password_pepper)
    database = Database(settings)
    world = World(settings.instance / "world.db") if settings.sandbox else None
    ports = _sandbox_ports(settings, world, clock) if world is not None else real.ports(settings, clock)
    database.context = Context(settings, clock, vault, ports)
    return Portal(settings, database, clock, vault, ports, world)


def _with_deposit_keys(settings: Settings) -> Settings:
    """A sandbox without extended public keys of its own derives deposit addresses from its sandbox signer's."""
    if not settings.sandbox or (settings.deposit_xpub_tron and settings.deposit_xpub_ethereum):
        return settings
    keys = public_keys(settings.instance)
    return replace(
        settings,
        deposit_xpub_tron=settings.deposit_xpub_tron or keys["TRON"],
        deposit_xpub_ethereum=settings.deposit_xpub_ethereum or keys["ETHEREUM"],
    )


def _sandbox_ports(settings: Settings, world: World, clock: Clock) -> Ports:
    return Ports(
        mail=SandboxMail(world, clock),
        sms=SandboxSms(world, clock),
        rates=SandboxRates(world),
        files=SandboxFiles(world, settings.instance / "files"),
        bank=SandboxBank(world),
        card_network=SandboxCardNetwork(world, clock),
        webhooks=HttpWebhooks(private=True),
        chains={network: SandboxChain(world, clock, network) for network in ("TRON", "ETHEREUM")},
        travel_rule=SandboxTravelRule(world),
    )
