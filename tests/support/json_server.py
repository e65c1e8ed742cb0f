"""A JSON server of one's own over real HTTP on the loopback address."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request; `target` is the path with its query as it was sent, header names are in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


@contextmanager
def json_server(answer: Callable[[Call], tuple[int, Any]]) -> Iterator[str]:
    """Serves what `answer` makes of each call, as (status, content); answers its address. Ended with the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._handle({})

        def do_POST(self) -> None:
            self._handle(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}"))

        def _handle(self, body: Any) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, found = answer(Call(self.command, self.path, headers, body))
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
