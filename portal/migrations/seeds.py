"""What every portal's database holds from its first day: the list of Taiwan's banks, what staff roles may do."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.models.staff import RolePermission
from portal.models.wallet import Bank, BankBranch
from portal.permissions import STARTING_ROLES
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


def load_roles(connection: Connection) -> None:
    """Gives every role of the staff what it starts with."""
    rows = [{"role": role, "permission": name} for role, names in STARTING_ROLES.items() for name in names]
    connection.execute(sa.insert(RolePermission), rows)
