"""What happens outside the portal in a test: the worker at its work, mails read, blocks gone by."""

from typing import Any

from portal.worker.loop import run_until_idle


def run_worker(portal: Any) -> int:
    """Runs every duty that is due; needs an application context."""
    return run_until_idle(portal)


def messages(portal: Any, to: str) -> list[Any]:
    """What was sent to an address or phone, newest first."""
    return list(portal.world.rows("SELECT * FROM messages WHERE recipient = ? ORDER BY id DESC", to))


def code_for(portal: Any, to: str) -> str:
    """The newest code sent to an address or phone."""
    return str(next(row["code"] for row in messages(portal, to) if row["code"]))


def let_blocks_go_by(portal: Any, network: str, count: int = 25) -> None:
    """Mines empty blocks."""
    portal.ports.chains[network].mine(count)
