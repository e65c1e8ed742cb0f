"""The portal's one clock. In the sandbox it can be moved forward, for every process at once."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """What tells the time: `now()` is an aware UTC datetime, `now_ms()` the same in UNIX milliseconds."""

    def now(self) -> datetime: ...

    def now_ms(self) -> int: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class SandboxClock:
    """The machine's clock plus an offset kept in a file that all processes of the instance share.

    The file holds whole milliseconds as text. It is read again whenever it changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._offset_ms = 0

    def offset_ms(self) -> int:
        """How far the clock stands ahead of the machine's, in milliseconds."""
        try:
            facts = os.stat(self._path)
        except FileNotFoundError:
            self._seen, self._offset_ms = None, 0
            return 0
        stamp = (facts.st_mtime_ns, facts.st_ino)
        if stamp != self._seen:
            self._offset_ms = int(self._path.read_text(encoding="ascii") or "0")
            self._seen = stamp
        return self._offset_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(milliseconds=self.offset_ms())

    def advance(self, seconds: int) -> datetime:
        """Moves the clock by whole seconds and answers the new time."""
        offset = self.offset_ms() + seconds * 1000
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_text(str(offset), encoding="ascii")
        os.replace(draft, self._path)
        return self.now()


def to_ms(moment: datetime) -> int:
    """UNIX milliseconds of an aware datetime."""
    return int(moment.timestamp() * 1000)
