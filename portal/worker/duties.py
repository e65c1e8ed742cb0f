"""The register of duties and job handlers. A subject's module adds its own when imported."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.bootstrap import Portal


@dataclass(frozen=True)
class Duty:
    """Something the worker looks after: `run(portal)` does what is due and answers how much it did."""

    name: str
    every_seconds: float
    run: Callable[[Portal], int]


DUTIES: dict[str, Duty] = {}

#: Handlers by job kind: (portal, payload, job id) → None. They raise PortError to be tried again, PortRejected to give up.
HANDLERS: dict[str, Callable[[Portal, dict[str, Any], int], None]] = {}


def duty(name: str, every_seconds: float) -> Callable[[Callable[[Portal], int]], Callable[[Portal], int]]:
    """Declares a duty that is looked after at most every so often."""

    def declare(run: Callable[[Portal], int]) -> Callable[[Portal], int]:
        DUTIES[name] = Duty(name, every_seconds, run)
        return run

    return declare


def handles(
    kind: str,
) -> Callable[[Callable[[Portal, dict[str, Any], int], None]], Callable[[Portal, dict[str, Any], int], None]]:
    """Declares the handler of a kind of job."""

    def declare(run: Callable[[Portal, dict[str, Any], int], None]) -> Callable[[Portal, dict[str, Any], int], None]:
        HANDLERS[kind] = run
        return run

    return declare
