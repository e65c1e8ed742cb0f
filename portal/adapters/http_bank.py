"""The house bank's pay-outs over HTTP. Its notices of arriving money come by signed webhook: portal/api/hooks.py.

`POST payouts` takes `{key, bank_code, branch_code, account, holder, amount, currency}` once per key; `GET payouts/<key>`
answers `{state, reason}`. Amounts are decimal text in dollars.
"""

from collections.abc import Mapping

from portal.adapters.http_json import JsonApi, NotThere, segment
from portal.money import plain_text
from portal.ports import PayoutState, PortError

_STATES = ("accepted", "paid", "rejected")


class HttpBank:
    """Orders pay-outs at one bank. Settings: BANK_URL, BANK_API_KEY."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._api = JsonApi("the bank", settings["BANK_URL"], settings["BANK_API_KEY"])

    def pay(self, key: str, bank_code: str, branch_code: str, account: str, holder: str, amount_units: int) -> None:
        """Orders one pay-out in TWD units. Raises PortRejected for a final no, else PortError."""
        order = {
            "key": key, "bank_code": bank_code, "branch_code": branch_code, "account": account, "holder": holder,
            "amount": plain_text(amount_units, "TWD"), "currency": "TWD",
        }  # fmt: skip
        try:
            self._api.post("payouts", key, order)
        except NotThere as error:
            raise PortError("the bank's interface is not where BANK_URL says") from error

    def payout(self, key: str) -> PayoutState:
        """What the bank knows of an order; `unknown` when it has none. Raises PortError."""
        try:
            answer = self._api.get(f"payouts/{segment(key)}")
        except NotThere:
            return PayoutState("unknown")
        state = answer.get("state")
        if state not in _STATES:
            raise PortError("the bank answered a state nobody knows")
        return PayoutState(state, str(answer.get("reason") or ""))
