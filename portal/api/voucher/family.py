"""The voucher dialect: envelopes, bearer tokens, pages of fifteen rows, error objects. Contract: voucher.json."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, g, request

from portal.api.family import Call, Family
from portal.api.parsing import Model
from portal.api.rendering import dumps
from portal.api.voucher.errors import FAILED, HTTP_FAILURES, STATUS, code_of, message_of
from portal.errors import Refusal
from portal.http import portal
from portal.services import sessions
from portal.services.sessions import SignedIn

BASE = "/api/v1"

PER_PAGE = 15

#: Deeper pages are refused: nobody reads them, and counting up to them costs.
LAST_PAGE = 100_000

blueprint = Blueprint("voucher", __name__)


class Done:
    """What a route returns that answers `{"success": true}`."""


DONE = Done()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows: `rows` are presented already, `more` says whether another page follows."""

    number: int
    rows: Sequence[Any]
    more: bool


class PageQuery(Model):
    """`?page=n`, from 1; anything else is the first page's refusal."""

    page: str = "1"

    @property
    def number(self) -> int:
        """The page's number. Raises Refusal `input_invalid`."""
        text = self.page
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= LAST_PAGE:
            raise Refusal("input_invalid", field="page")
        return int(text)


def _answer(content: Any, status: int = 200) -> Response:
    return Response(dumps(content), status, mimetype="application/json")


def compose(data: Any) -> bytes:
    """The text of the success answer of a route without pages."""
    return dumps({"success": True} if isinstance(data, Done) else {"data": data})


def say(data: Any) -> Response:
    """`{"data": …}`, `{"success": true}` or a page with links and meta (a simple pager: `last` is always null)."""
    if not isinstance(data, Page):
        return Response(compose(data), mimetype="application/json")
    path = portal().settings.public_url + request.path
    first = (data.number - 1) * PER_PAGE + 1
    query = "".join(f"&{key}={value}" for key, value in _kept_query())
    return _answer(
        {
            "data": data.rows,
            "links": {
                "first": f"{path}?page=1{query}",
                "last": None,
                "prev": f"{path}?page={data.number - 1}{query}" if data.number > 1 else None,
                "next": f"{path}?page={data.number + 1}{query}" if data.more else None,
            },
            "meta": {
                "current_page": data.number,
                "from": first if data.rows else None,
                "path": path,
                "per_page": PER_PAGE,
                "to": first + len(data.rows) - 1 if data.rows else None,
            },
        }
    )


def _kept_query() -> list[tuple[str, str]]:
    return [(quote(key), quote(value)) for key, value in request.args.items() if key != "page"]


def error(code: str, field: str | None = None, status: int | None = None) -> Response:
    """The error object; `type` is always invalid_request_error."""
    content = {"message": message_of(code, field), "code": code, "type": "invalid_request_error"}
    return _answer({"error": content}, status or STATUS.get(code, 400))


#: Where a service's field is another parameter of the documents, by the call's area.
PARAMETERS: dict[tuple[str, str | None], str] = {("withdrawal", "address"): "recipient_address"}


def refuse(refusal: Refusal) -> Response:
    """The error of a refusal in the words of the call's area."""
    response = error(code_of(refusal, area()), PARAMETERS.get((area(), refusal.field), refusal.field))
    if "retry_after_seconds" in refusal.facts:
        response.headers["Retry-After"] = str(refusal.facts["retry_after_seconds"])
    return response


def area() -> str:
    """The area of the call under way; empty before its route began."""
    return str(g.get("voucher_area", ""))


def failure(status: int, name: str) -> Response:
    """What went wrong outside a route's own refusals: unknown path, wrong method, too large, database away."""
    if status >= 500 and status != 503:
        return error(FAILED.get(area(), "unexpected_failure"), status=status)
    return error(HTTP_FAILURES.get(status, "parameter_invalid"), status=status)


def bearer() -> str | None:
    """The token of the Authorization header, if it has one of this family's spelling."""
    return _bearer(request.headers.get("Authorization", ""))


def _bearer(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and "|" in token else None


def authenticate(auth: str) -> SignedIn | None:
    """Finds the caller by bearer token. Raises Refusal `session_required` on `bearer` routes without one."""
    if auth == "none":
        return None
    signed_in = sessions.resolve(portal().db, bearer())
    if signed_in is None or signed_in.scope != sessions.FULL:
        raise Refusal("session_required")
    return signed_in


def scope_of(caller: SignedIn | None) -> str:
    """Idempotency keys belong to a customer, or to the address of an anonymous caller."""
    return f"customer:{caller.customer_id}" if caller else f"address:{request.remote_addr}"


family: Family[Any] = Family(
    "voucher",
    blueprint,
    authenticate=authenticate,
    say=say,
    refuse=refuse,
    scope_of=scope_of,
    form_too=True,
    compose=compose,
    token_of=lambda environ: _bearer(environ.get("HTTP_AUTHORIZATION", "")),
    failure=failure,
)


def route(
    method: str, path: str, operation_id: str, area: str, *, auth: str = "bearer", **declared: Any
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Declares a route of the family; its refusals are said in the words of `area` (user, order, store, …)."""

    def declare(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def in_area(call: Call[Any], **path_values: str) -> Any:
            g.voucher_area = area
            return view(call, **path_values)

        return family.route(method, path, operation_id, auth=auth, **declared)(in_area)

    return declare


def nothing(_: Any) -> None:
    """Presents a result nobody sees."""
    return None
