"""What the lists of the family share: their parameters, and `{total, records}`."""

from collections.abc import Callable
from typing import Any

from portal.api.family import Call
from portal.api.partner.authentication import Signed
from portal.api.partner.family import Model
from portal.services import partner_lists


class ListQuery(Model):
    """Page, span and order of a list; one person's records with acct_no (readings P1, P8, P15, P16)."""

    page_num: str | None = None
    page_size: str | None = None
    former_time: str | None = None
    latter_time: str | None = None
    time_sort: str | None = None
    acct_no: str | None = None

    @property
    def window(self) -> partner_lists.Window:
        """What is asked for. Raises Refusal `input_invalid`, `time_unreadable` or `span_too_long`."""
        return partner_lists.read_window(
            self.page_num, self.page_size, self.former_time, self.latter_time, self.time_sort, self.acct_no
        )


def listed(call: Call[Signed], service: Callable[..., Any], present: Callable[[Any], Any]) -> dict[str, Any]:
    """A page of the caller's own records."""
    return page_result(call.look(service, call.caller.institution_id, call.query.window), present)


def page_result(page: tuple[int, list[Any]], present: Callable[[Any], Any]) -> dict[str, Any]:
    """A page as the contract shows it."""
    total, rows = page
    return {"total": total, "records": [present(row) for row in rows]}
