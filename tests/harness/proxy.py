"""A TCP proxy before PostgreSQL that can be told to misbehave."""

import contextlib
import random
import select
import socket
import struct
import threading
from pathlib import Path


class Proxy:
    """Listens on a port of the loopback address and forwards to a server's Unix socket.

    `weather`: `fair`; `slow` (every piece waits a moment); `cut` (some connections are reset in the middle);
    `lost answers` (some answers of the server never arrive: what was committed is not told); `away` (nobody is let in).
    """

    def __init__(self, target: Path, chance: random.Random) -> None:
        self.target, self.chance = target, chance
        self.weather = "fair"
        self.struck = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Ends everything."""
        self._listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        """Resets every connection at once."""
        for found in list(self._open):
            _reset(found)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.weather == "away":
                self.struck += 1
                _reset(client)
                continue
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self.target))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open |= {client}
        try:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                source = ready[0]
                data = source.recv(65536)
                if not data or not self._let_through(source is server):
                    return
                (client if source is server else server).sendall(data)
        except (OSError, ValueError):
            return
        finally:
            self._open -= {client}
            _reset(client)
            server.close()

    def _let_through(self, answer: bool) -> bool:
        if self.weather == "slow":
            select.select([], [], [], 0.01)
        lost = (self.weather == "cut" and self.chance.random() < 0.05) or (
            self.weather == "lost answers" and answer and self.chance.random() < 0.08
        )
        self.struck += lost or self.weather in ("slow", "away")
        return not lost and self.weather != "away"


def _reset(found: socket.socket) -> None:
    with contextlib.suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        found.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        found.close()
