"""Runs at the start of every Python process of a portal that a harness breaks on purpose; see tests/harness/living.py.

PORTAL_HARNESS_BREAK=unlocked   balances are read without a lock before they are changed
PORTAL_HARNESS_BREAK=forgetful  a repeated idempotency key is new every time
PORTAL_HARNESS_KILL=<folder>    a process that comes by a point named by a file of that folder kills itself there
"""

import os


def unlocked() -> None:
    """Takes the row locks out of the ledger's statements."""
    import sqlalchemy as sa

    from portal.ledger import writing

    def without(make):
        return lambda count, dialect: sa.text(make(count, dialect).text.replace(" FOR UPDATE", ""))

    writing._lock_by_number = without(writing._lock_by_number)
    writing._lock_by_name = without(writing._lock_by_name)


def forgetful() -> None:
    """Runs every request as if it had no key."""
    from portal.services import idempotency

    idempotency.once = lambda session, scope, key, digest, work: (work(), False)


if how := os.environ.get("PORTAL_HARNESS_BREAK"):
    {"unlocked": unlocked, "forgetful": forgetful}[how]()
