"""Marks that serve once, remembered by all processes of one machine in a mapped file: a few microseconds each.

The file is a table of buckets; a mark's own random bytes say which bucket. It outlives processes, so a restart forgets
nothing; only a power cut may. For what must survive that, the database keeps the marks (portal/services/partner_keys.py).
"""

import fcntl
import mmap
import os
import struct
import threading
from pathlib import Path

_ENTRY = struct.Struct("<16sQ")
WAYS = 8
BUCKETS = 1 << 16
_BUCKET_BYTES = WAYS * _ENTRY.size


class SpentMap:
    """`spend(mark, …)` answers True once per mark until it expires, and None when its bucket has no room left."""

    def __init__(self, path: Path, buckets: int = BUCKETS) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = buckets * _BUCKET_BYTES
        if os.fstat(self._file).st_size < size:
            os.ftruncate(self._file, size)
        self._map = mmap.mmap(self._file, size)
        self._buckets = buckets
        # Locks of a file are the process's: its threads need one of their own.
        self._threads = threading.Lock()

    def spend(self, mark: bytes, now_ms: int, expires_ms: int) -> bool | None:
        """Uses up 32 random bytes. `now_ms` tells which of the kept marks have expired."""
        start = int.from_bytes(mark[16:20], "little") % self._buckets * _BUCKET_BYTES
        name = mark[:16]
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX, _BUCKET_BYTES, start)
            try:
                free = -1
                bucket = self._map[start : start + _BUCKET_BYTES]
                for place, (kept, until) in enumerate(_ENTRY.iter_unpack(bucket)):
                    if until <= now_ms:
                        free = place
                    elif kept == name:
                        return False
                if free < 0:
                    return None
                _ENTRY.pack_into(self._map, start + free * _ENTRY.size, name, expires_ms)
                return True
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _BUCKET_BYTES, start)
