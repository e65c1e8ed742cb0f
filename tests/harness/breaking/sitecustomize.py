"""Runs at the start of every Python process of a portal that a harness breaks on purpose; see tests/harness/living.py.

PORTAL_HARNESS_BREAK=unlocked   balances are read without a lock before they are changed
PORTAL_HARNESS_BREAK=forgetful  a repeated idempotency key is new every time
PORTAL_HARNESS_BREAK=hasty      a payment is signed anew at every try and sent before it is stored

PORTAL_HARNESS_KILL=<folder>    a process that comes by a point named by a file of that folder kills itself there;
                                the file holds how often the point is passed unharmed first
"""

import os
import secrets
import signal
from functools import wraps
from pathlib import Path


def unlocked() -> None:
    """Balances are read without a lock and written as what was computed from them."""
    import sqlalchemy as sa

    from portal.ledger import writing

    def without(make):
        return lambda count, dialect: sa.text(make(count, dialect).text.replace(" FOR UPDATE", ""))

    writing._lock_by_number = without(writing._lock_by_number)
    writing._lock_by_name = without(writing._lock_by_name)
    writing.known = lambda session, keys, slot: None
    _nothing_foreseen()
    usual = writing._write_in_steps

    def write(session, head, rows):
        connection = session.connection()
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # the entries' guard
        usual(session, head, rows)
        for row in rows:
            values = {"id": row.account_id, "units": row.balance_after_units}
            connection.execute(sa.text("UPDATE accounts SET balance_units = :units WHERE id = :id"), values)

    writing.write = write


def forgetful() -> None:
    """Runs every request as if it had no key."""
    from portal.services import idempotency

    idempotency.once = lambda session, scope, key, digest, work: (work(), False)
    _nothing_foreseen()


def _nothing_foreseen() -> None:
    """Leaves all to the services, for what is broken there."""
    from portal import exchanges

    exchanges.alone = lambda engine, statement, values: None


def hasty() -> None:
    """Sends first and stores afterwards, under a key of its own each time."""
    from portal.services import withdrawal_sending as sending
    from portal.worker import withdrawals as worker

    usual = worker._by_chain

    def by_chain(portal, withdrawal):
        if withdrawal.status != "approved":
            return usual(portal, withdrawal)
        chain = portal.ports.chains[withdrawal.network]
        units = sending.payout_units(withdrawal)
        signed = chain.sign(secrets.token_hex(8), withdrawal.asset, withdrawal.address, units)
        chain.broadcast(signed)
        return portal.db.transact(sending.store_signed, withdrawal.id, signed)

    worker._by_chain = by_chain


def killing(folder: Path) -> None:
    """Puts a point before and after every commit, broadcast and order to the bank."""
    from portal import exchanges
    from portal.adapters.sandbox.bank import SandboxBank
    from portal.adapters.sandbox.chain import SandboxChain
    from portal.exchanges import ExchangeSession

    def come_by(point: str) -> None:
        armed = folder / point
        try:
            left = int(armed.read_text() or "0")
        except (FileNotFoundError, ValueError):
            return
        if left:
            armed.write_text(str(left - 1))
            return
        try:
            armed.unlink()
        except FileNotFoundError:
            return  # another process was first
        os.kill(os.getpid(), signal.SIGKILL)

    for owner, name in ((ExchangeSession, "commit"), (SandboxChain, "broadcast"), (SandboxBank, "pay")):
        setattr(owner, name, _between(getattr(owner, name), name, come_by))
    exchanges.alone = _between(exchanges.alone, "commit", come_by)


def _between(function, name, come_by):
    @wraps(function)
    def run(*args, **kwargs):
        come_by(f"before {name}")
        answer = function(*args, **kwargs)
        come_by(f"after {name}")
        return answer

    return run


if how := os.environ.get("PORTAL_HARNESS_BREAK"):
    {"unlocked": unlocked, "forgetful": forgetful, "hasty": hasty}[how]()
if where := os.environ.get("PORTAL_HARNESS_KILL"):
    killing(Path(where))
