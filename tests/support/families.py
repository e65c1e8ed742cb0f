"""Callers of the three JSON families, each in its own dialect, over the app's test client."""

import base64
import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urlencode

import orjson
from flask import Flask
from werkzeug.test import TestResponse

from portal.clock import Clock


def _exact(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value)} has no JSON")


def body_text(body: Any) -> str:
    """JSON as the callers send it; a Decimal is written as the exact number it is."""
    return orjson.dumps(body, default=_exact).decode()


def read(answer: TestResponse) -> Any:
    """The JSON of an answer with every fraction as an exact Decimal."""
    return json.loads(answer.text, parse_float=Decimal)


class JsonClient:
    """What the families share: a JSON call that answers status and JSON, numbers exact."""

    prefix = ""

    def __init__(self, app: Flask) -> None:
        self.raw = app.test_client(use_cookies=False)
        self.last: TestResponse | None = None

    def headers(self, method: str, target: str, body: str) -> dict[str, str]:
        """The headers that prove who calls."""
        return {}

    def call(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None, **more: Any,
    ) -> TestResponse:  # fmt: skip
        """Makes one call. `body` is sent as JSON; `more` goes to the test client as it is (files, other bodies)."""
        target = self.prefix + path + (f"?{urlencode(query)}" if query else "")
        text = "" if body is None else body if isinstance(body, str) else body_text(body)
        sent = {**self.headers(method, target, text), **(headers or {})}
        if body is not None:
            more = {"data": text.encode(), "content_type": "application/json", **more}
        self.last = self.raw.open(target, method=method, headers=sent, **more)
        assert self.last.status_code < 500, f"{method} {path}: {self.last.status_code} {self.last.text[:600]}"
        return self.last

    def get(self, path: str, **query: Any) -> Any:
        """The JSON that a GET answers, whatever its status."""
        return read(self.call("GET", path, query=query or None))

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON that a POST answers, whatever its status."""
        return read(self.call("POST", path, {} if body is None else body, **more))


class BrokerageClient(JsonClient):
    """A customer's app on `/v1`: the session's token goes into the header `token`."""

    prefix = "/v1"

    def __init__(self, app: Flask, token: str = "") -> None:
        super().__init__(app)
        self.token = token

    def headers(self, method: str, target: str, body: str) -> dict[str, str]:
        return {"token": self.token} if self.token else {}

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The `data` of a call that succeeds (code 1)."""
        said = read(self.call(method, path, body, **more))
        assert said["code"] == 1, f"{method} {path}: {said}"
        return said["data"]

    def refused(self, code: int, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer of a call that is refused with this code."""
        said = read(self.call(method, path, body, **more))
        assert said["code"] == code, f"{method} {path}: {said}"
        assert not said["success"]
        return said


def sha256_password(password: str) -> str:
    """The password as a brokerage app sends it: the hex SHA-256 of what was typed."""
    return hashlib.sha256(password.encode()).hexdigest()


class VoucherClient(JsonClient):
    """A customer's app on `/api/v1`: a bearer token `<uuid>|<40 characters>`."""

    prefix = "/api/v1"

    def __init__(self, app: Flask, token: str = "") -> None:
        super().__init__(app)
        self.token = token

    def headers(self, method: str, target: str, body: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON of a call that succeeds (no `error` member)."""
        said = read(self.call(method, path, body, **more))
        assert "error" not in said, f"{method} {path}: {said}"
        return said

    def refused(self, code: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The error of a call that is refused with this code."""
        said = read(self.call(method, path, body, **more))
        assert said.get("error", {}).get("code") == code, f"{method} {path}: {said}"
        return said["error"]


def canonical_body(body: str) -> str:
    """The partner document's signed form of a flat JSON object: keys sorted by ASCII, `key=value` joined with `&`."""
    if not body:
        return ""
    values = json.loads(body, parse_float=str, parse_int=str)
    return "&".join(f"{key}={values[key]}" for key in sorted(values))


class PartnerClient(JsonClient):
    """An institution on `/api/v1`: every call signed with the key's secret at the portal's time."""

    prefix = "/api/v1"

    def __init__(self, app: Flask, clock: Clock, key: str, secret: str, passphrase: str = "") -> None:
        super().__init__(app)
        self.clock, self.key, self.secret, self.passphrase = clock, key, secret, passphrase
        self.last_ms = 0

    def headers(self, method: str, target: str, body: str) -> dict[str, str]:
        # A signature serves once: two equal calls in one millisecond would be one signature.
        self.last_ms = max(self.clock.now_ms(), self.last_ms + 1)
        path, _, query = target.partition("?")
        uri = f"{path}?{unquote(query)}" if query else path
        signed = f"{self.last_ms}{method.upper()}{self.key}{uri}{canonical_body(body)}"
        mac = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).digest()
        said = {"Authorization": f"Noumena:{self.key}:{self.last_ms}:{base64.b64encode(mac).decode()}"}
        return {**said, **({"Access-Passphrase": self.passphrase} if self.passphrase else {})}

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The `result` of a call that succeeds (code 0)."""
        said = read(self.call(method, path, body, **more))
        assert said["code"] == 0, f"{method} {path}: {said}"
        return said["result"]

    def refused(self, code: int, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer of a call that is refused with this code."""
        said = read(self.call(method, path, body, **more))
        assert said["code"] == code, f"{method} {path}: {said}"
        return said
