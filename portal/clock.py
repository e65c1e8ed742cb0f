"""The portal's one clock. In the sandbox it can be moved forward, for every process at once."""

import mmap
import os
import struct
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
    """The machine's clock plus an offset that all processes of the instance share.

    The offset lies in a file of eight bytes (whole milliseconds) that each process holds in its memory: reading it costs
    nothing, and a move is seen everywhere at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shared: mmap.mmap | None = None

    def offset_ms(self) -> int:
        """How far the clock stands ahead of the machine's, in milliseconds."""
        offset: int = _OFFSET.unpack_from(self._shared or self._open())[0]
        return offset

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms()

    def now(self) -> datetime:
        offset = self.offset_ms()
        moment = datetime.now(UTC)
        return moment + timedelta(milliseconds=offset) if offset else moment

    def advance(self, seconds: int) -> datetime:
        """Moves the clock by whole seconds and answers the new time."""
        _OFFSET.pack_into(self._shared or self._open(), 0, self.offset_ms() + seconds * 1000)
        return self.now()

    def _open(self) -> mmap.mmap:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != _OFFSET.size:
                file.truncate(_OFFSET.size)
            self._shared = mmap.mmap(file.fileno(), _OFFSET.size)
        return self._shared


#: How the offset is written.
_OFFSET = struct.Struct("<q")


def to_ms(moment: datetime) -> int:
    """UNIX milliseconds of an aware datetime."""
    return int(moment.timestamp() * 1000)
