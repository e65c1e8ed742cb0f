"""The sandbox's other providers: they take every message about a transfer, once per key, unless told to refuse."""

from dataclasses import asdict

import orjson

from portal.adapters.sandbox.world import World
from portal.ports import TravelMessage

_TABLES = "CREATE TABLE IF NOT EXISTS travel_messages (key TEXT PRIMARY KEY, content TEXT NOT NULL);"


class SandboxTravelRule:
    """Keeps what it was told in the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.script(_TABLES)

    def tell(self, message: TravelMessage) -> str:
        with self._world.call("travel_rule"), self._world.change() as connection:
            connection.execute(
                "INSERT INTO travel_messages VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
                (message.key, orjson.dumps(asdict(message)).decode()),
            )
        return f"T-{message.key}"
