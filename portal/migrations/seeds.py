"""What every portal's database holds from its first day: the list of Taiwan's banks."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.models.wallet import Bank, BankBranch
from portal.services import banks


def load_banks(connection: Connection) -> None:
    """Loads the list of banks and branches that the portal comes with."""
    rows = banks.starting_list()
    named = {
        row.bank_code: {"code": row.bank_code, "name": row.bank_name, "name_en": row.name_en or None}
        for row in rows[::-1]
    }
    connection.execute(sa.insert(Bank), list(named.values()))
    connection.execute(
        sa.insert(BankBranch),
        [
            {"bank_code": row.bank_code, "code": row.branch_code, "name": row.branch_name}
            for row in rows
            if row.branch_code
        ],
    )
