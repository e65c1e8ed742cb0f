"""A bare Flask hello on the same server: what the portal's cheapest answers are compared with."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from tests.support.live import free_port

PROCESSES = 4
THREADS = 4

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    """Says hello."""
    return "hello"


@contextmanager
def running() -> Iterator[int]:
    """Serves it with as many processes and threads as the benchmarks' portal has; the port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.hello", str(port), str(PROCESSES), str(THREADS)]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2], stdout=quiet, stderr=quiet)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=50), timeout=20) as client:
            client.get(f"http://127.0.0.1:{port}/")
        yield port
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    Granian(
        "tests.bench.hello:app",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.WSGI,
        workers=int(sys.argv[2]),
        blocking_threads=int(sys.argv[3]),
        websockets=False,
        log_access=False,
    ).serve()
