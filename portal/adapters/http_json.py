"""A partner's JSON interface over HTTP: bearer key, idempotency key, and trouble told from a final no."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from portal.ports import PortError, PortRejected, PortTimeout

TIMEOUT_SECONDS = 15

#: Answers that are a final no to this very order; the body's `error` says why.
_FINAL = (400, 403, 409, 422)


class NotThere(PortRejected):
    """The other side does not know the thing (404)."""


class JsonApi:
    """Calls one interface. `name` is how errors call the other side."""

    def __init__(self, name: str, url: str, api_key: str) -> None:
        self._name = name
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/",
            timeout=TIMEOUT_SECONDS,
            headers={"Authorization": f"Bearer {api_key}", "Accept": "application/json"},
            follow_redirects=False,
        )

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Asks. Raises NotThere, PortRejected, PortError."""
        return self._call("GET", path, params=dict(query or {}))

    def post(self, path: str, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Orders, once per key. Raises NotThere, PortRejected, PortError."""
        return self._call("POST", path, json=dict(body), headers={"Idempotency-Key": key})

    def _call(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **what)
        except httpx.TimeoutException as error:
            raise PortTimeout(f"{self._name} did not answer in time") from error
        except httpx.HTTPError as error:
            raise PortError(f"{self._name} cannot be reached: {type(error).__name__}") from error
        content = _object(answer.content)
        if answer.status_code == 404:
            raise NotThere(f"{self._name} does not know it")
        if answer.status_code in _FINAL:
            raise PortRejected(str(content.get("error") or f"{self._name} answered {answer.status_code}")[:120])
        if not answer.is_success:
            raise PortError(f"{self._name} answered {answer.status_code}")
        return content


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content) if content else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def segment(text: str) -> str:
    """Text as one segment of a path."""
    return quote(text, safe="")
