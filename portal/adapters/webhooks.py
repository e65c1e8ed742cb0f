"""Sending webhooks over HTTP: to public addresses only, to the very address that was checked, following nothing."""

import ipaddress
import socket
from urllib.parse import urlsplit

import httpx

from portal.ports import PortError, PortRejected, PortTimeout, WebhookAnswer

TIMEOUT_SECONDS = 5.0
STORED_BYTES = 200


class HttpWebhooks:
    """Posts notices. With `private` (the sandbox) addresses of the own network and plain http are allowed as well."""

    def __init__(self, private: bool) -> None:
        self._private = private
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)

    def send(self, url: str, headers: dict[str, str], body: bytes) -> WebhookAnswer:
        """Posts the body. Raises PortRejected for an address that may not be called, else PortError."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not self._private:
            raise PortRejected("only https is called")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = self._address(host, port)
        # The name is resolved once and that address is called: a name that changes its mind cannot lead elsewhere.
        literal = f"[{address}]" if ":" in address else address
        target = parts._replace(netloc=f"{literal}:{port}").geturl()
        sent = {**headers, "host": parts.netloc, "user-agent": "portal-webhooks/1"}
        try:
            with self._client.stream(
                "POST", target, content=body, headers=sent, extensions={"sni_hostname": host}
            ) as answer:
                return WebhookAnswer(answer.status_code, self._start(answer))
        except httpx.TimeoutException as error:
            raise PortTimeout("no answer in time") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PortError(f"cannot be reached: {type(error).__name__}") from error

    @staticmethod
    def _start(answer: httpx.Response) -> str:
        for part in answer.iter_raw(STORED_BYTES):
            return part[:STORED_BYTES].decode("utf-8", "replace").replace("\x00", "")
        return ""

    def _address(self, host: str, port: int) -> str:
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError) as error:
            raise PortError("the name cannot be resolved") from error
        for address in sorted(found):
            plain = ipaddress.ip_address(address.partition("%")[0])
            inner = getattr(plain, "ipv4_mapped", None) or plain
            if self._private or inner.is_global:
                continue
            raise PortRejected("the address is not on the public internet")
        return sorted(found)[0]
