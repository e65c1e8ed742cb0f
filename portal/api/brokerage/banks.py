"""Taiwan's banks and branches in the brokerage dialect."""

from typing import Any

from portal.api.brokerage.family import family
from portal.api.family import Call
from portal.api.parsing import Model
from portal.services import banks


class BankOf(Model):
    """Which bank's branches."""

    code: str


@family.route(
    "GET", "/finance/bank_codes", "bank_codes", auth="session", summary="All banks of Taiwan with their codes",
    errors=("session_required",), example=[{"code": "004", "name": "臺灣銀行"}],
)  # fmt: skip
def bank_codes(call: Call[Any]) -> Any:
    return [{"code": bank.code, "name": bank.name} for bank in call.look(banks.every_bank)]


@family.route(
    "GET", "/finance/bank_branches", "bank_branches", auth="session", query=BankOf,
    summary="The branches of a bank; an empty list for a code that names none",
    errors=("input_missing", "session_required"), example=[{"code": "0018", "name": "營業部"}],
)  # fmt: skip
def bank_branches(call: Call[Any]) -> Any:
    query: BankOf = call.query
    return [{"code": branch.code, "name": branch.name} for branch in call.look(banks.branches, query.code)]
