"""Load from processes of their own: each keeps one connection and sends one request after the other."""

import multiprocessing
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

CONTEXT = multiprocessing.get_context("fork")


#: Works through its arguments once `start` lets it; answers when it began and when each of its operations was done.
Work = Callable[..., list[float]]

#: A client opens its connection anew after so many requests, so that no luck of the first moment decides which web
#: process serves whom for the whole round.
KEPT_FOR = 25


def together(work: Work, arguments: Sequence[tuple[Any, ...]]) -> float:
    """Runs `work(*arguments, start)` in one process per row of arguments; operations per second of all together."""
    return rate([stamps for stamps, _ in _all(work, arguments)])


def rate(clients: Sequence[list[float]]) -> float:
    """Operations per second while all clients were busy: until the first one had nothing left to do."""
    began, ended = min(stamps[0] for stamps in clients), min(stamps[-1] for stamps in clients)
    return sum(sum(stamp <= ended for stamp in stamps[1:]) for stamps in clients) / (ended - began)


def _all(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[tuple[list[float], Any]]:
    """What `work` answered in each process, in the order of the arguments: its moments, and what it brought back."""
    start = CONTEXT.Barrier(len(arguments))
    results: Any = CONTEXT.SimpleQueue()
    processes = [
        CONTEXT.Process(target=_one, args=(number, work, row, start, results)) for number, row in enumerate(arguments)
    ]
    for process in processes:
        process.start()
    answers = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    failures = [answer for answer in answers.values() if isinstance(answer, str)]
    if failures:
        raise RuntimeError(failures[0])
    found = [answers[number] for number in range(len(arguments))]
    return [answer if isinstance(answer, tuple) else (answer, None) for answer in found]


def _one(number: int, work: Callable[..., Any], row: tuple[Any, ...], start: Barrier, results: Any) -> None:
    try:
        results.put((number, work(*row, start)))
    except BaseException as error:
        start.abort()
        results.put((number, f"{type(error).__name__}: {error}"))


class Connection:
    """A keep-alive HTTP/1.1 connection that costs next to nothing, so that the server is what is measured."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Sends one request and answers (status, body)."""
        self._socket.sendall(request)
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(rest) < length:
            self._more()
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        self._buffer = rest[length:]
        return int(head[9:12]), rest[:length]

    def _more(self) -> None:
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._buffer += received


def request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def same_request(port: int, wire: bytes, seconds: float, start: Barrier) -> list[float]:
    """Sends the same request again and again for some seconds; every answer must be a 200."""
    connection = Connection(port)
    connection.exchange(wire)
    start.wait()
    stamps = [time.perf_counter()]
    while stamps[-1] - stamps[0] < seconds:
        if len(stamps) % (KEPT_FOR * 10) == 0:
            connection = Connection(port)
        status, body = connection.exchange(wire)
        if status != 200:
            raise RuntimeError(f"status {status}: {body[:300]!r}")
        stamps.append(time.perf_counter())
    return stamps


def each_request(port: int, wires: Sequence[bytes], must_hold: bytes, start: Barrier) -> list[float]:
    """Sends every request once; every answer must be a 200 that holds `must_hold`."""
    return _send_each(port, wires, must_hold, start)[0]


def each_quick_request(port: int, wires: Sequence[bytes], must_hold: bytes, start: Barrier) -> list[float]:
    """The same for answers so quick that opening connections would count; to be compared with `same_request`."""
    return _send_each(port, wires, must_hold, start, kept_for=KEPT_FOR * 10)[0]


@dataclass
class Collected:
    """What every connection got back, and how fast all together."""

    bodies: list[list[bytes]]
    per_second: float


def collecting(port: int, wires: Sequence[Sequence[bytes]]) -> Collected:
    """Sends each row's requests over a connection of its own, all rows at once, and keeps the bodies."""
    answers = _all(_send_each, [(port, row, b"") for row in wires])
    return Collected([bodies for _, bodies in answers], rate([stamps for stamps, _ in answers]))


def _send_each(
    port: int, wires: Sequence[bytes], must_hold: bytes, start: Barrier, kept_for: int = KEPT_FOR
) -> tuple[list[float], list[bytes]]:
    connection = Connection(port)
    start.wait()
    stamps, bodies = [time.perf_counter()], []
    for number, wire in enumerate(wires, 1):
        if number % kept_for == 0:
            connection = Connection(port)
        status, body = connection.exchange(wire)
        if status != 200 or must_hold not in body:
            raise RuntimeError(f"status {status}: {body[:300]!r}")
        stamps.append(time.perf_counter())
        bodies.append(body)
    return stamps, bodies


def alternating(rounds: int, **sides: Callable[[], float]) -> dict[str, float]:
    """Measures every side in turn, round after round; the median of each."""
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            figures[name].append(measure())
    return {name: statistics.median(values) for name, values in figures.items()}
