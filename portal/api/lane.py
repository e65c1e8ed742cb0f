"""Calls that are made all the time, answered before the application wakes: by the same views, with the same answers.

Routing, cookies, languages, forms and page headers cost several times what such a call itself does. A route declared as
`quick` is taken the shorter way when the call is a plain one: a POST of JSON, without a query, by somebody whose token stands
in the family's header. Everything else goes through. Nothing of a call is decided here: its limits are counted alike, the
session is proven in the transaction that acts, and the view, its words and its refusals are the family's own.
"""

import io
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import Flask
from uuid_utils.compat import uuid7
from werkzeug.http import HTTP_STATUS_CODES

from portal import failures, logs, metrics, rate_limits
from portal.api import parsing
from portal.api.family import Call, Family, Quick, Sent
from portal.db import Unavailable
from portal.errors import Refusal
from portal.services import sessions

StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

#: What a value in a path may look like here; a stranger one goes through.
_VALUE = "[0-9A-Za-z-]{1,64}"


class HeaderMemory:
    """The headers that the application gives a family's answers, noted from one of them and again every minute."""

    SECONDS = 60.0
    #: Of one answer alone.
    OWN = ("content-length", "set-cookie", "x-request-id", "retry-after", "idempotency-replayed")

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner
        self.headers: Headers = []
        self.until = 0.0

    @property
    def fresh(self) -> bool:
        """Whether there are headers to give."""
        return self.until > time.monotonic()

    def through(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Lets the application answer, and keeps the headers that it gives such an answer."""

        def note(status: str, headers: Headers, *more: Any) -> Any:
            if status.startswith("200"):
                self.headers = [pair for pair in headers if pair[0].lower() not in self.OWN]
                self.until = time.monotonic() + self.SECONDS
            return start_response(status, headers, *more)

        return self._inner(environ, note)


class Way(NamedTuple):
    """Where a quick route is found."""

    family: Family[Any]
    quick: Quick
    endpoint: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose call it is."""

    customer_id: int


class CallLane:
    """WSGI middleware: answers the plain calls of quick routes, everything else goes through."""

    def __init__(self, app: Flask, families: Sequence[Family[Any]]) -> None:
        self._app, self._inner = app, app.wsgi_app
        self._portal = app.extensions["portal"]
        self._memory = {family.name: HeaderMemory(self._inner) for family in families}
        self._ways: dict[str, Way] = {}
        self._patterns: list[tuple[re.Pattern[str], Way]] = []
        quick = {serve: (family, one) for family in families for serve, one in family.quick.items()}
        for rule in app.url_map.iter_rules():
            found = quick.get(app.view_functions[rule.endpoint])
            if found is None:
                continue
            way = Way(*found, rule.endpoint)
            if rule.arguments:
                pattern = re.sub(r"<(\w+)>", rf"(?P<\1>{_VALUE})", rule.rule)
                self._patterns.append((re.compile(pattern, re.ASCII), way))
            else:
                self._ways[rule.rule] = way

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ.get("CONTENT_TYPE") != "application/json":
            return self._inner(environ, start_response)
        way, values = self._way(environ["PATH_INFO"])
        if way is None or environ.get("QUERY_STRING") or "HTTP_TRANSFER_ENCODING" in environ:
            return self._inner(environ, start_response)
        memory = self._memory[way.family.name]
        if not memory.fresh:
            return memory.through(environ, start_response)
        started = time.perf_counter()
        call = self._call(way, environ)
        if call is None or not rate_limits.admits(self._app, way.quick.operation_id, environ, changes=True):
            return self._inner(environ, start_response)
        status, content, more = self._answer(way, call, values)
        request_id = str(uuid7())
        metrics.answered(way.endpoint, status, started)
        logs.answered("POST", way.endpoint, status, started, request_id)
        own = [("Content-Length", str(len(content))), ("X-Request-Id", request_id)]
        start_response(f"{status} {HTTP_STATUS_CODES[status]}", [*memory.headers, *own, *more])
        return [content]

    def _way(self, path: str) -> tuple[Way | None, Mapping[str, str]]:
        way = self._ways.get(path)
        if way is None:
            for pattern, candidate in self._patterns:
                found = pattern.fullmatch(path)
                if found:
                    return candidate, found.groupdict()
        return way, {}

    def _call(self, way: Way, environ: dict[str, Any]) -> Call[Owner] | None:
        """The call, when it is a plain one; the body may be read again afterwards."""
        length = environ.get("CONTENT_LENGTH", "")
        if not (length.isascii() and length.isdigit() and len(length) < 9) or int(length) > parsing.MAX_JSON_BYTES:
            return None
        token = way.family.token_of(environ) if way.family.token_of else None
        customer_id = self._owner(token) if token else None
        if token is None or customer_id is None:
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            parsed = parsing.into(way.quick.body, parsing.object_of(body))
        except Refusal:
            return None
        caller = Owner(customer_id)
        return Call(
            caller=caller,
            body=parsed,
            query=None,
            scope=f"{way.family.name}:{way.family.scope_of(caller)}",
            sent=Sent("POST", environ["PATH_INFO"], body, environ.get("HTTP_IDEMPOTENCY_KEY")),
            token=token,
        )

    def _owner(self, token: str) -> int | None:
        try:
            return sessions.owner(self._portal.db, token)
        except Unavailable:
            return None  # the application says so

    def _answer(self, way: Way, call: Call[Owner], values: Mapping[str, str]) -> tuple[int, bytes, Headers]:
        """Status, text and further headers."""
        family = way.family
        assert family.compose is not None and family.failure is not None
        with self._app.app_context():
            try:
                content = family.compose(way.quick.view(call, **values))
                return 200, content, [("Idempotency-Replayed", "true")] if call.replayed else []
            except Refusal as refusal:
                response = family.refuse(refusal)
            except failures.AWAY as error:
                response = family.failure(*failures.away(error))
            except Exception:
                response = family.failure(*failures.unexpected(call.sent.path if call.sent else ""))
            waits = response.headers.get("Retry-After")
            return response.status_code, response.get_data(), [("Retry-After", waits)] if waits else []
