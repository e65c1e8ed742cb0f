"""A second's memory in front of the application, for answers that are the same for everybody.

A ticker is asked for by every open page, many times a second. Its answer does not depend on the caller, so the bytes and
headers that the application made once serve for a second, without waking the application. Limits are counted all the same,
and a caller over a limit is handed to the application, which refuses in its own words.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from uuid_utils.compat import uuid7

from portal import metrics, rate_limits

#: Paths with answers that are the same for everybody, and the operation each is counted as.
SHARED = {"/v1/allTickers": "all_tickers", "/bitgin/v1/allTickers": "all_tickers"}

SECONDS = 1.0

StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer as the application gave it."""

    until: float
    headers: list[tuple[str, str]]
    body: bytes


class FastLane:
    """WSGI middleware: answers SHARED paths from memory, everything else goes through."""

    def __init__(self, app: Flask) -> None:
        self._app, self._inner = app, app.wsgi_app
        context = app.extensions["portal"].db.context
        # Lies where the market's own memory lies, so that what clears the one clears the other.
        self._kept: dict[str, Any] = context.cache

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in SHARED or environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
            return self._inner(environ, start_response)
        kept: _Kept | None = self._kept.get(f"market:answer:{path}")
        if kept is None or kept.until < time.monotonic():
            return self._fetch(path, environ, start_response)
        if not rate_limits.admits(self._app, SHARED[path], environ):
            return self._inner(environ, start_response)
        metrics.answered_from_memory(SHARED[path])
        start_response("200 OK", [*kept.headers, ("X-Request-Id", str(uuid7()))])
        return [kept.body]

    def _fetch(self, path: str, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        said: dict[str, Any] = {}

        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            said["status"], said["headers"] = status, headers
            return start_response(status, headers, *more)

        body = b"".join(self._inner(environ, note))
        if said["status"].startswith("200"):
            shared = [
                (name, value) for name, value in said["headers"] if name.lower() not in ("set-cookie", "x-request-id")
            ]
            self._kept[f"market:answer:{path}"] = _Kept(time.monotonic() + SECONDS, shared, body)
        return [body]
