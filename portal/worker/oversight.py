"""Watching over the portal itself: the audit log's chain is carried on, risk rules look at what is new."""

from portal.bootstrap import Portal
from portal.services import audit, book_days, risk_rules
from portal.worker.duties import duty


@duty("audit seal", every_seconds=5)
def seal_audit(portal: Portal) -> int:
    """Seals what was written; how many records."""
    return portal.db.transact(audit.seal)


@duty("risk rules", every_seconds=15)
def look_for_risk(portal: Portal) -> int:
    """Runs the risk rules; how many signals they raised."""
    return portal.db.transact(risk_rules.scan) if portal.db.read(risk_rules.anything_new) else 0


@duty("ledger days", every_seconds=60)
def sum_up_days(portal: Portal) -> int:
    """Sums the ledger's entries up by day; how many, one batch at a turn."""
    return portal.db.transact(book_days.sum_up)
