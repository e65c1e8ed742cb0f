"""A bare Flask hello on the same server: what the portal's cheapest answers are compared with."""

import sys

from flask import Flask
from granian import Granian
from granian.constants import Interfaces

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    """Says hello."""
    return "hello"


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
