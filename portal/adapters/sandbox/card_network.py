"""The sandbox card network: issues cards, keeps their numbers, and settles loads."""

from portal.adapters.sandbox.world import World


class SandboxCardNetwork:
    """Cards of the sandbox world."""

    def __init__(self, world: World) -> None:
        self._world = world
