"""The sandbox's file store: a local folder that can be told to fail."""

from pathlib import Path

from portal.adapters.files import LocalFiles
from portal.adapters.sandbox.world import World


class SandboxFiles:
    """Files of the instance's folder behind the sandbox's faults."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._files = LocalFiles(folder)

    def put(self, name: str, content: bytes) -> None:
        with self._world.call("files"):
            self._files.put(name, content)

    def get(self, name: str) -> bytes:
        with self._world.call("files"):
            return self._files.get(name)

    def delete(self, name: str) -> None:
        with self._world.call("files"):
            self._files.delete(name)
