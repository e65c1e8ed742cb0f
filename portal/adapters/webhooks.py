"""Sending webhooks over HTTP: to public addresses only, to the very address that was checked, following nothing.

One deadline covers the whole exchange, so that a receiver that answers drop by drop holds nobody for longer.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from functools import cached_property
from urllib.parse import urlsplit

from portal.ports import PortError, PortRejected, PortTimeout, WebhookAnswer

TIMEOUT_SECONDS = 5
READ_BYTES, STORED_LETTERS = 2000, 200

#: IPv6 ranges that carry an IPv4 address on to somewhere else (RFC 6052, RFC 8215, RFC 3056).
_CARRIERS = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"))


class HttpWebhooks:
    """Posts notices. With `private` (the sandbox) addresses of the own network and plain http are allowed as well."""

    def __init__(self, private: bool, timeout_seconds: int = TIMEOUT_SECONDS) -> None:
        self._private = private
        self._timeout = timeout_seconds

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Reads the machine's certificates, which takes a moment: only once there is somebody to call."""
        return ssl.create_default_context()

    def send(self, url: str, headers: dict[str, str], body: bytes) -> WebhookAnswer:
        """Posts the body. Raises PortRejected for an address that may not be called, else PortError."""
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        if not secure and not self._private:
            raise PortRejected("only https is called")
        port = parts.port or (443 if secure else 80)
        # The name is resolved once and that address is called: a name that changes its mind cannot lead elsewhere.
        address = self._address(host, port)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {**headers, "User-Agent": "portal-webhooks/1", "Connection": "close"}
        exchange = _Exchange(self._timeout)
        try:
            exchange.open(address, port, self._tls if secure else None, host)
            connection = http.client.HTTPConnection(host, port)
            connection.sock = exchange.socket
            connection.request("POST", target, body=body, headers=sent)
            return _read(connection.getresponse())
        except TimeoutError as error:
            raise PortTimeout("no answer in time") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if exchange.late:
                raise PortTimeout("no answer in time") from error
            raise PortError(f"cannot be reached: {type(error).__name__}") from error
        finally:
            exchange.close()

    def _address(self, host: str, port: int) -> str:
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise PortError("the name cannot be resolved") from error
        if not self._private and not all(is_public(address) for address in found):
            raise PortRejected("the address is not on the public internet")
        return found[0]


def is_public(address: str) -> bool:
    """Whether an address is on the public internet; one that carries another is judged by that one, or refused."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found.teredo is not None or any(found in carrier for carrier in _CARRIERS):
            return False
    return found.is_global and not found.is_multicast


def _read(answer: http.client.HTTPResponse) -> WebhookAnswer:
    start = answer.read(READ_BYTES).decode("utf-8", "replace")
    shown = "".join(letter for letter in start if letter.isprintable() or letter in "\n\t")
    return WebhookAnswer(answer.status, shown[:STORED_LETTERS])


class _Exchange:
    """One connection with a deadline over all of it: at its end the socket is cut, whatever it is waiting for."""

    def __init__(self, seconds: int) -> None:
        self.socket: socket.socket | None = None
        self.late = False
        self._seconds = seconds
        self._deadline = threading.Timer(seconds, self._cut)
        self._deadline.daemon = True

    def open(self, address: str, port: int, tls: ssl.SSLContext | None, host: str) -> None:
        """Connects to the address, for TLS in the name of the host. Raises OSError."""
        self._deadline.start()
        self.socket = socket.create_connection((address, port), timeout=self._seconds)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False)
            self.socket.do_handshake()

    def close(self) -> None:
        """Ends the exchange."""
        self._deadline.cancel()
        if self.socket is not None:
            self.socket.close()

    def _cut(self) -> None:
        self.late = True
        try:
            if self.socket is not None:
                self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was over already
