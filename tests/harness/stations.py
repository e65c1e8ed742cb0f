"""The outside of a portal as real servers, each behind a proxy with a weather of its own.

SMTP is aiosmtpd and S3 is moto; the bank, the card network, the SMS gateway and the exchange are HTTP servers made of the
sandbox's twins; TRON is a node that checks real signatures of a real signer; Redis is what of its protocol counting needs.
"""

import contextlib
import email
import random
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from aiosmtpd.controller import Controller
from moto.server import ThreadedMotoServer

from portal.adapters import http_json, rates_worker, s3, sms_gateway, smtp, tron
from portal.adapters.http_bank import HttpBank
from portal.adapters.http_card_network import HttpCardNetwork
from portal.adapters.rates import Guard
from portal.adapters.s3 import S3Files
from portal.adapters.sms_gateway import HttpSms
from portal.adapters.smtp import SmtpMail
from portal.adapters.tron import TronChain
from tests.adapters import outside, signing, tron_node
from tests.harness.proxy import Proxy
from tests.harness.report import FULL
from tests.support.live import free_port

#: How long an adapter waits here; a black hole must not last as long as in life.
PATIENCE_SECONDS = 0.6
#: How often a cut, a lost or a half answer strikes: most calls fail, some go through; every one in the short form.
ODDS = 0.5 if FULL else 1.0


@dataclass
class Post:
    """What arrived at the mail server and the SMS gateway: (when by the portal's clock, the sender's key, text) by address."""

    clock: Any
    letters: dict[str, list[tuple[Any, str, str]]] = field(default_factory=dict)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = email.message_from_bytes(envelope.content)
        part = letter.get_payload(0) if letter.is_multipart() else letter
        text = part.get_payload(decode=True).decode()
        for to in envelope.rcpt_tos:
            self.take(to, str(letter["Message-ID"]), text)
        return "250 taken"

    def take(self, to: str, key: str, text: str) -> None:
        self.letters.setdefault(to, []).append((self.clock.now(), key, text))

    def gateway(self, method: str, path: list[str], query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        self.take(body["to"], body["id"], body["text"])
        return 202, {}


_HELLO = b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"


class Counting(socketserver.StreamRequestHandler):
    """Redis as far as counting within a window asks for it (RESP 3): scripts that increase, GET, TTL."""

    server: "Counters"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            while line := self.rfile.readline():
                parts = [self._part() for _ in range(int(line[1:]))]
                self.wfile.write(self._answer(parts[0].decode().upper(), parts[1:]))

    def _part(self) -> bytes:
        size = int(self.rfile.readline()[1:])
        return self.rfile.read(size + 2)[:-2]

    def _answer(self, name: str, rest: list[bytes]) -> bytes:
        if name in ("EVALSHA", "EVAL"):  # (script, keys, key, seconds, amount)
            with self.server.lock:
                self.server.counts[rest[2].decode()] += int(rest[4])
                return b":%d\r\n" % self.server.counts[rest[2].decode()]
        if name == "GET":
            text = str(self.server.counts[rest[0].decode()]).encode()
            return b"$%d\r\n%s\r\n" % (len(text), text)
        if name in ("TTL", "EXPIRETIME"):
            return b":60\r\n"
        return _HELLO if name == "HELLO" else b"+OK\r\n"


class Counters(socketserver.ThreadingTCPServer):
    """The store of limits; a window never ends here."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counting)
        self.counts: Counter[str] = Counter()
        self.lock = threading.Lock()


class Exchange:
    """An exchange whose price moves when it is told to, and the port that asks it through its proxy."""

    def __init__(self, clock: Any) -> None:
        self.clock, self.guard = clock, Guard(sources=1)
        self.price = Decimal(30)
        #: Every price with the moments from and until which it was the market's.
        self.told: list[tuple[Any, Decimal]] = [(clock.now(), self.price)]
        self.asked: Any = None

    def answer(self, method: str, path: list[str], query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        price = str(self.price if query["market"] == "usdttwd" else self.price * 3000)
        return 200, {"buy": price, "sell": price, "last": price, "market": query["market"]}

    def move(self, price: Decimal) -> None:
        self.price = price
        self.told.append((self.clock.now(), price))

    def prices(self) -> dict[str, Decimal]:
        """One round of the price worker, and what its guard lets through."""
        moment = int(self.clock.now().timestamp())
        rates_worker.run_once(
            {"max": self.asked},
            lambda line: self.guard.hear(line["symbol"], line["source"], Decimal(line["price"]), moment),
        )
        return self.guard.prices(moment)


@dataclass
class Stations:
    """All servers and their proxies; `ports` are the real adapters that reach them through the proxies."""

    proxies: dict[str, Proxy]
    ports: dict[str, Any]
    post: Post
    exchange: Exchange
    counters: Counters
    bucket: Any = None
    node: Any = None
    signer: Any = None

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.proxies['redis'].port}/0"


@contextlib.contextmanager
def stations(portal: Any, folder: Path, seed: int, *, whole: bool = True) -> Iterator[Stations]:
    """Starts the servers around a portal, whose twins stand behind them; not `whole`, without S3, node and signer."""
    with contextlib.ExitStack() as stack:
        proxies: dict[str, Proxy] = {}

        def behind(name: str, port: int) -> int:
            proxies[name] = Proxy(("127.0.0.1", port), random.Random(f"{seed} {name}"), ODDS)
            stack.callback(proxies[name].close)
            return proxies[name].port

        def http(name: str, answer: outside.Answerer, *, asks_for_key: bool = True) -> str:
            url = stack.enter_context(outside.serving(answer, asks_for_key=asks_for_key))
            return f"http://127.0.0.1:{behind(name, urlsplit(url).port or 0)}/"

        post, exchange, counters = Post(portal.clock), Exchange(portal.clock), Counters()
        letters = Controller(post, hostname="127.0.0.1", port=free_port())
        letters.start()
        stack.callback(letters.stop)
        threading.Thread(target=counters.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        stack.callback(counters.server_close)
        stack.callback(counters.shutdown)
        behind("redis", counters.server_address[1])
        mail = {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(behind("smtp", letters.port)),
            "SMTP_SECURITY": "none",
            "MAIL_FROM": "Taroko <post@example.com>",
        }
        twins = portal.ports
        with _impatient():
            ports = {
                "mail": SmtpMail(mail, portal.clock),
                "sms": HttpSms({"SMS_URL": http("sms", post.gateway), "SMS_API_KEY": outside.KEY}),
                "bank": HttpBank({"BANK_URL": http("bank", outside.bank(twins.bank)), "BANK_API_KEY": outside.KEY}),
                "card_network": HttpCardNetwork(
                    {"CARD_NETWORK_URL": http("card network", outside.card_network(twins.card_network)),
                     "CARD_NETWORK_API_KEY": outside.KEY}
                ),
                "rates": exchange,
            }  # fmt: skip
            exchange.asked = rates_worker.Max(http("rates", exchange.answer, asks_for_key=False))
            found = Stations(proxies, ports, post, exchange, counters)
            if whole:
                _store(stack, found, behind)
                _chain(stack, found, portal, folder, behind)
            yield found


def _store(stack: contextlib.ExitStack, found: Stations, behind: Any) -> None:
    """A bucket of a real S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    stack.callback(server.stop)
    host, port = server.get_host_and_port()
    found.bucket = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test",
    )  # fmt: skip
    found.bucket.create_bucket(Bucket="documents")
    found.ports["files"] = S3Files(
        {
            "S3_BUCKET": "documents", "S3_ENDPOINT_URL": f"http://127.0.0.1:{behind('s3', int(port))}",
            "S3_ACCESS_KEY_ID": "test", "S3_SECRET_ACCESS_KEY": "test",
        }
    )  # fmt: skip


def _chain(stack: contextlib.ExitStack, found: Stations, portal: Any, folder: Path, behind: Any) -> None:
    """A TRON node, and a signer that reads this portal's own records."""
    folder.mkdir(parents=True, exist_ok=True)
    limits = {"SIGNER_LIMIT_TRON_USDT": "100000", "SIGNER_DAY_LIMIT_TRON_USDT": "10000000"}
    found.node = stack.enter_context(tron_node.running(portal.clock.now_ms()))
    found.signer = stack.enter_context(signing.running(folder, **limits))
    found.signer.kill()
    found.signer.settings["SIGNER_DATABASE_URL"] = portal.settings.database_url
    found.signer.start()
    found.node.give(found.signer.keys.hot("TRON").address, 10**15)
    url = f"http://127.0.0.1:{behind('chain', urlsplit(found.node.url).port)}"
    found.ports["chain"] = TronChain(
        {"TRON_NODE_URL": url, "SIGNER_SOCKET": found.signer.settings["SIGNER_SOCKET"]}, portal.clock
    )


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Adapters that wait for a moment only."""
    waits = [(module, "TIMEOUT_SECONDS") for module in (http_json, sms_gateway, smtp, tron, rates_worker)]
    waits += [(s3, "CONNECT_SECONDS"), (s3, "READ_SECONDS")]
    usual = [(module, name, getattr(module, name)) for module, name in waits]
    try:
        for module, name, _ in usual:
            setattr(module, name, PATIENCE_SECONDS)
        yield
    finally:
        for module, name, value in usual:
            setattr(module, name, value)
