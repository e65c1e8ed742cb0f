"""Travel Rule messages to other providers over HTTP, by way of one messaging service.

`POST transfers` takes `{key, provider, originator, beneficiary, network, asset, amount}` once per key and answers
`{reference}`; 4xx is the receiving provider's final no with `{error}`.
"""

from collections.abc import Mapping
from dataclasses import asdict

from portal.adapters.http_json import JsonApi, NotThere
from portal.ports import PortError, TravelMessage


class HttpTravelRule:
    """One messaging service. Settings: TRAVEL_RULE_URL, TRAVEL_RULE_API_KEY."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._api = JsonApi("the Travel Rule service", settings["TRAVEL_RULE_URL"], settings["TRAVEL_RULE_API_KEY"])

    def tell(self, message: TravelMessage) -> str:
        """Tells of one transfer and answers the service's reference. Raises PortRejected for a final no, else PortError."""
        try:
            answer = self._api.post("transfers", message.key, asdict(message))
        except NotThere as error:
            raise PortError("the service's interface is not where TRAVEL_RULE_URL says") from error
        return str(answer.get("reference") or message.key)[:200]
