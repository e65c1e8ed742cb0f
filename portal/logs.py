"""Structured logs: one JSON line per event, with a request id, and without secrets, codes or card numbers."""

import logging
import re
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from uuid_utils.compat import uuid7

#: The name of our handler, by which a second call knows that all is set up.
HANDLER = "portal"

_SECRET_KEYS = re.compile(r"pass|secret|token|code|otp|sign|authorization|cookie|card|totp|pin", re.IGNORECASE)
_LONG_DIGITS = re.compile(r"\b\d{12,19}\b")


def redact(_: Any, __: str, event: Any) -> Any:
    """Replaces what must not be written: values under secret-looking keys, and long digit runs."""
    for key, value in list(event.items()):
        if key != "event" and _SECRET_KEYS.search(key) and key not in ("status_code", "exc_info"):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = _LONG_DIGITS.sub("[digits]", value)
    return event


def configure() -> None:
    """Sets up the process's logging, once."""
    root = logging.getLogger()
    if any(handler.name == HANDLER for handler in root.handlers):
        return
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.set_name(HANDLER)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for noisy in ("werkzeug", "alembic", "_granian", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def register(app: Flask) -> None:
    """Logs every request with its outcome and time; the path only, never its query."""
    configure()

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = str(uuid7())

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        if request.endpoint != "static":
            answered(request.method, request.endpoint, response.status_code, g.started, g.request_id)
        return response


_requests = logging.getLogger("portal.request")


def answered(method: str, endpoint: str | None, status: int, started: float, request_id: str) -> None:
    """Writes down a request that was refused or failed, every one when debugging; `started` is a reading of perf_counter."""
    if status >= 400 or _requests.isEnabledFor(logging.DEBUG):
        _requests.info(
            "request",
            extra={
                "method": method,
                "endpoint": endpoint,
                "status_code": status,
                "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                "request": request_id,
            },
        )
