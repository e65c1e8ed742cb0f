"""The worker's loop, and the same duties run once until idle for the sandbox and tests."""

import fcntl
import importlib
import logging
import os
import pkgutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import portal.worker
from portal.bootstrap import Portal
from portal.worker.duties import DUTIES

log = logging.getLogger(__name__)

#: `run_until_idle` stops after this many rounds even if something always has more to do.
MAX_ROUNDS = 50


def load() -> None:
    """Imports every module of duties and handlers."""
    for module in pkgutil.iter_modules(portal.worker.__path__):
        importlib.import_module(f"portal.worker.{module.name}")


def run_until_idle(found: Portal) -> int:
    """Runs every duty until none has anything left that is due; how much was done. Needs an application context.

    It has the sandbox's worker to itself meanwhile, so that nothing is still half done elsewhere when it answers.
    """
    load()
    done = 0
    with _alone(found):
        for _ in range(MAX_ROUNDS):
            round_total = sum(_run(found, name) for name in list(DUTIES))
            done += round_total
            if not round_total:
                break
    return done


@contextmanager
def _alone(found: Portal) -> Iterator[None]:
    """In the sandbox, one worker at a time over all processes of the instance; production's workers share by leases."""
    if found.world is None:
        yield
        return
    with open(found.settings.instance / "worker.lock", "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run_forever(found: Portal) -> None:
    """Looks after every duty at its pace until SIGTERM, SIGINT, or the parent that started it is gone.

    Needs an application context.
    """
    load()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = int(os.environ.get("PORTAL_PARENT", "0"))
    if parent:
        os.nice(5)  # beside the web processes: receipts and look-arounds may wait, whoever stands at a counter may not
    due = dict.fromkeys(DUTIES, 0.0)
    while not stop.is_set() and (not parent or os.getppid() == parent):
        for name, duty in DUTIES.items():
            if time.monotonic() >= due[name]:
                with _alone(found):
                    did = _run(found, name)
                due[name] = time.monotonic() + (0 if did else duty.every_seconds)
        stop.wait(0.2)


def _run(found: Portal, name: str) -> int:
    try:
        return DUTIES[name].run(found)
    except Exception:
        # One duty that fails must not keep the others from their work; it is tried again at its next turn.
        log.exception("duty failed", extra={"duty": name})
        return 0
