"""Proving the ledger: every journal balances, every balance is the sum of its entries, nothing was posted twice."""

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

_UNBALANCED = """
SELECT journal_id, asset, SUM(amount_units) FROM entries GROUP BY journal_id, asset HAVING SUM(amount_units) <> 0
ORDER BY journal_id LIMIT 20
"""
_EMPTY = """
SELECT id FROM journals WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.journal_id = journals.id) LIMIT 20
"""
_BALANCES = """
SELECT accounts.id, accounts.balance_units, COALESCE(SUM(entries.amount_units), 0)
FROM accounts LEFT JOIN entries ON entries.account_id = accounts.id
GROUP BY accounts.id, accounts.balance_units
HAVING accounts.balance_units <> COALESCE(SUM(entries.amount_units), 0) ORDER BY accounts.id LIMIT 20
"""
_RUNNING = """
SELECT id, account_id, balance_after_units, running FROM (
  SELECT id, account_id, balance_after_units,
         SUM(amount_units) OVER (PARTITION BY account_id ORDER BY id) AS running FROM entries) AS lines
WHERE balance_after_units <> running ORDER BY id LIMIT 20
"""
_ASSETS = """
SELECT entries.id FROM entries JOIN accounts ON accounts.id = entries.account_id
WHERE accounts.asset <> entries.asset LIMIT 20
"""
_NEGATIVE = "SELECT id, balance_units FROM accounts WHERE balance_units < 0 AND owner_kind <> 'house' LIMIT 20"
_MIRROR = """
SELECT asset, SUM(CASE WHEN owner_kind = 'house' THEN 0 ELSE balance_units END) AS people,
       SUM(CASE WHEN owner_kind = 'house' THEN balance_units ELSE 0 END) AS house
FROM accounts GROUP BY asset ORDER BY asset
"""
_REPEATED = "SELECT reference FROM journals GROUP BY reference HAVING COUNT(*) > 1 LIMIT 20"


@dataclass
class Report:
    """What the check found: per asset what people own and what the house mirrors, and every violation by name."""

    journals: int = 0
    entries: int = 0
    totals: dict[str, tuple[int, int]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations


def check(session: Session) -> Report:
    """Proves the whole ledger; amounts in the report are ledger units."""
    report = Report(
        journals=session.scalar(sa.text("SELECT COUNT(*) FROM journals")) or 0,
        entries=session.scalar(sa.text("SELECT COUNT(*) FROM entries")) or 0,
    )
    found = report.violations
    for journal, asset, total in session.execute(sa.text(_UNBALANCED)):
        found.append(f"journal {journal} does not balance: {total} {asset}")
    for (journal,) in session.execute(sa.text(_EMPTY)):
        found.append(f"journal {journal} has no entries")
    for account, stored, summed in session.execute(sa.text(_BALANCES)):
        found.append(f"account {account} stores {stored} but its entries sum to {summed}")
    for entry, account, stored, running in session.execute(sa.text(_RUNNING)):
        found.append(f"entry {entry} of account {account} says {stored} after it; it was {running}")
    for (entry,) in session.execute(sa.text(_ASSETS)):
        found.append(f"entry {entry} is in another asset than its account")
    for account, units in session.execute(sa.text(_NEGATIVE)):
        found.append(f"account {account} is below zero: {units}")
    for (reference,) in session.execute(sa.text(_REPEATED)):
        found.append(f"reference {reference} was posted twice")
    for asset, people, house in session.execute(sa.text(_MIRROR)):
        report.totals[asset] = (int(people), int(house))
        if people + house:
            found.append(f"{asset}: people own {people}, the house mirrors {house}")
    return report
