"""A TCP proxy before a server that can be told to misbehave."""

import contextlib
import random
import select
import socket
import struct
import threading
from pathlib import Path

#: What the proxy can do beside forwarding in fair weather.
SKIES = ("slow", "cut", "lost answers", "partial answers", "black hole", "away")


class Proxy:
    """Listens on a port of the loopback address and forwards to a server's Unix socket or to (host, port).

    `weather`: `fair`; `slow` (every piece waits a moment); `cut` (connections are reset in the middle); `lost answers`
    (answers never arrive: what was done is not told); `partial answers` (half of one, then nothing); `black hole` (it
    takes everything and says nothing); `away` (nobody is let in). `odds` is how often the random ones strike.
    """

    def __init__(self, target: Path | tuple[str, int], chance: random.Random, odds: float = 0.06) -> None:
        self.target, self.chance, self.odds = target, chance, odds
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
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open |= {client}
        server = socket.socket(socket.AF_UNIX if isinstance(self.target, Path) else socket.AF_INET)
        try:
            server.connect(str(self.target) if isinstance(self.target, Path) else self.target)
            while True:
                ready, _, _ = select.select([client, server], [], [])
                source = ready[0]
                data = source.recv(65536)
                answer = source is server
                if not data or not self._let_through(answer):
                    return
                if self.weather == "black hole":
                    self.struck += 1
                elif answer and self._strikes("partial answers"):
                    client.sendall(data[: len(data) // 2])
                    return
                else:
                    (client if answer else server).sendall(data)
        except (OSError, ValueError):
            return
        finally:
            self._open -= {client}
            _reset(client)
            server.close()

    def _let_through(self, answer: bool) -> bool:
        if self.weather == "slow":
            self.struck += 1
            select.select([], [], [], 0.01)
        if self.weather == "away":
            self.struck += 1
            return False
        return not (self._strikes("cut") or (answer and self._strikes("lost answers")))

    def _strikes(self, weather: str) -> bool:
        strikes = self.weather == weather and self.chance.random() < self.odds
        self.struck += strikes
        return strikes


def _reset(found: socket.socket) -> None:
    with contextlib.suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        found.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        found.close()
