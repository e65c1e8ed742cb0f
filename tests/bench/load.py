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


def together(work: Callable[..., tuple[int, float]], arguments: Sequence[tuple[Any, ...]]) -> float:
    """Runs `work(*arguments, start)` in one process per row of arguments; operations per second of all together."""
    start = CONTEXT.Barrier(len(arguments))
    results: Any = CONTEXT.SimpleQueue()
    processes = [CONTEXT.Process(target=_one, args=(work, row, start, results)) for row in arguments]
    for process in processes:
        process.start()
    answers = [results.get() for _ in processes]
    for process in processes:
        process.join()
    failures = [answer for answer in answers if isinstance(answer, str)]
    if failures:
        raise RuntimeError(failures[0])
    return sum(count for count, _ in answers) / max(seconds for _, seconds in answers)


def _one(work: Callable[..., tuple[int, float]], row: tuple[Any, ...], start: Barrier, results: Any) -> None:
    try:
        results.put(work(*row, start))
    except BaseException as error:
        start.abort()
        results.put(f"{type(error).__name__}: {error}")


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


def same_request(port: int, wire: bytes, seconds: float, start: Barrier) -> tuple[int, float]:
    """Sends the same request again and again for some seconds; every answer must be a 200."""
    connection = Connection(port)
    connection.exchange(wire)
    start.wait()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        status, body = connection.exchange(wire)
        if status != 200:
            raise RuntimeError(f"status {status}: {body[:300]!r}")
        count += 1
    return count, time.perf_counter() - began


def each_request(port: int, wires: Sequence[bytes], must_hold: bytes, start: Barrier) -> tuple[int, float]:
    """Sends every request once; every answer must be a 200 that holds `must_hold`."""
    connection = Connection(port)
    start.wait()
    began = time.perf_counter()
    for wire in wires:
        status, body = connection.exchange(wire)
        if status != 200 or must_hold not in body:
            raise RuntimeError(f"status {status}: {body[:300]!r}")
    return len(wires), time.perf_counter() - began


@dataclass
class Collected:
    """What every connection got back, and how fast all together."""

    bodies: list[list[bytes]]
    per_second: float


def collecting(port: int, wires: Sequence[Sequence[bytes]]) -> Collected:
    """Sends each row's requests over a connection of its own, all rows at once, and keeps the bodies."""
    start = CONTEXT.Barrier(len(wires))
    results: Any = CONTEXT.SimpleQueue()
    processes = [
        CONTEXT.Process(target=_collect, args=(number, port, row, start, results)) for number, row in enumerate(wires)
    ]
    for process in processes:
        process.start()
    answers = sorted(results.get() for _ in processes)
    for process in processes:
        process.join()
    return Collected(
        [bodies for _, bodies, _ in answers], sum(len(row) for row in wires) / max(seconds for _, _, seconds in answers)
    )


def _collect(number: int, port: int, wires: Sequence[bytes], start: Barrier, results: Any) -> None:
    connection = Connection(port)
    start.wait()
    began = time.perf_counter()
    bodies = [connection.exchange(wire)[1] for wire in wires]
    results.put((number, bodies, time.perf_counter() - began))


def alternating(rounds: int, **sides: Callable[[], float]) -> dict[str, float]:
    """Measures every side in turn, round after round; the median of each."""
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            figures[name].append(measure())
    return {name: statistics.median(values) for name, values in figures.items()}
