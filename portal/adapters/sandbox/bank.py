"""The sandbox bank: pays out what it is told to, once per key."""

from portal.adapters.sandbox.world import World
from portal.ports import PayoutState


class SandboxBank:
    """Pay-outs of the sandbox world; an order is paid as soon as it is accepted."""

    def __init__(self, world: World) -> None:
        self._world = world

    def pay(self, key: str, bank_code: str, branch_code: str, account: str, holder: str, amount_units: int) -> None:
        with self._world.call("bank"), self._world.change() as connection:
            connection.execute(
                "INSERT INTO payouts (key, bank_code, branch_code, account, holder, units, state)"
                " VALUES (?, ?, ?, ?, ?, ?, 'paid') ON CONFLICT (key) DO NOTHING",
                (key, bank_code, branch_code, account, holder, amount_units),
            )

    def payout(self, key: str) -> PayoutState:
        with self._world.call("bank", looks=True):
            rows = self._world.rows("SELECT state, reason FROM payouts WHERE key = ?", key)
        return PayoutState(rows[0]["state"], rows[0]["reason"]) if rows else PayoutState("unknown")
