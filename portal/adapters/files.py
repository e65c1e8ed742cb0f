"""Files on a local disk: sealed bytes under opaque names, written whole or not at all."""

import os
import re
from pathlib import Path

from portal.ports import PortError, PortRejected

_NAME = re.compile(r"[0-9a-f-]{32,64}", re.ASCII)


class LocalFiles:
    """Keeps files in a folder of the instance; names are opaque ids, never anything a person typed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise PortRejected("not a file name of this store")
        return self._folder / name[-2:] / name

    def put(self, name: str, content: bytes) -> None:
        path = self._path(name)
        try:
            path.parent.mkdir(exist_ok=True)
            draft = path.with_name(f".{name}.{os.getpid()}")
            draft.write_bytes(content)
            os.replace(draft, path)
        except OSError as error:
            raise PortError("the file store cannot write") from error

    def get(self, name: str) -> bytes:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError as error:
            raise PortRejected("no such file") from error
        except OSError as error:
            raise PortError("the file store cannot read") from error

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)
