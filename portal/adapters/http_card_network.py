"""The card network over HTTP: cards, loads, accounts, statements, and a feed of events in order.

`POST cards`, `POST cards/<id>/documents`, `POST cards/<id>/activate`, `POST loads` are each carried out once per key;
`GET loads/<key>`, `GET cards/<id>`, `GET cards/<id>/statements`, `GET events` look. Amounts are decimal text in dollars.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from portal.adapters.http_json import JsonApi, NotThere, segment
from portal.money import AmountError, parse_units, plain_text
from portal.ports import (
    NetworkAccount,
    NetworkCard,
    NetworkEvent,
    NetworkLine,
    NetworkStatement,
    PayoutState,
    PortError,
)

R = TypeVar("R")

_STATES = ("accepted", "paid", "rejected")


class HttpCardNetwork:
    """Cards at one network. Settings: CARD_NETWORK_URL, CARD_NETWORK_API_KEY."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._api = JsonApi("the card network", settings["CARD_NETWORK_URL"], settings["CARD_NETWORK_API_KEY"])

    def issue(self, key: str, card_type_id: str) -> NetworkCard:
        """Makes a card. Raises PortRejected for a final no, else PortError."""
        answer = self._api.post("cards", key, {"key": key, "card_type_id": card_type_id})
        return _read(answer, lambda: NetworkCard(answer["id"], answer["first_six"], answer["last_four"]))

    def submit_documents(self, key: str, network_id: str) -> None:
        """Says that the holder's documents are ready for review."""
        self._api.post(f"cards/{segment(network_id)}/documents", key, {"key": key})

    def activate(self, key: str, network_id: str) -> None:
        """Activates a card."""
        self._api.post(f"cards/{segment(network_id)}/activate", key, {"key": key})

    def load(self, key: str, network_id: str, amount_units: int) -> None:
        """Loads a card with USD units. A PortRejected is final only when `load_state` agrees."""
        order = {"key": key, "card_id": network_id, "amount": plain_text(amount_units, "USD"), "currency": "USD"}
        self._api.post("loads", key, order)

    def load_state(self, key: str) -> PayoutState:
        """What the network knows of a load; `unknown` when it has none."""
        try:
            answer = self._api.get(f"loads/{segment(key)}")
        except NotThere:
            return PayoutState("unknown")
        state = answer.get("state")
        if state not in _STATES:
            raise PortError("the card network answered a state nobody knows")
        return PayoutState(state, str(answer.get("reason") or ""))

    def account(self, network_id: str) -> NetworkAccount:
        """A card's account as it stands."""
        answer = self._api.get(f"cards/{segment(network_id)}")
        return _read(
            answer,
            lambda: NetworkAccount(
                product=str(answer["product"]),
                active=answer["active"] is True,
                frozen=answer["frozen"] is True,
                balance_units=_units(answer["balance"]),
                available_units=_units(answer["available"]),
            ),
        )

    def statements(self, network_id: str, first: tuple[int, int], last: tuple[int, int]) -> list[NetworkStatement]:
        """The months from `first` to `last` (year and month) that the card has."""
        query = {"first": _month_text(first), "last": _month_text(last)}
        answer = self._api.get(f"cards/{segment(network_id)}/statements", query)
        return _read(answer, lambda: [_statement(each) for each in answer["statements"]])

    def events(self, after: int, limit: int) -> list[NetworkEvent]:
        """Events with larger numbers than `after`, in their order."""
        answer = self._api.get("events", {"after": after, "limit": limit})
        return _read(answer, lambda: [_event(each) for each in answer["events"]])


def _read(answer: Mapping[str, Any], reader: Callable[[], R]) -> R:
    """An answer that is not shaped as agreed says nothing: it is trouble, not a result."""
    try:
        return reader()
    except (KeyError, TypeError, ValueError, AmountError) as error:
        raise PortError("the card network's answer cannot be read") from error


def _units(text: Any) -> int:
    return parse_units(text, "USD")


def _month_text(month: tuple[int, int]) -> str:
    return f"{month[0]:04d}-{month[1]:02d}"


def _statement(content: Mapping[str, Any]) -> NetworkStatement:
    year, _, month = content["month"].partition("-")
    lines = tuple(
        NetworkLine(
            booked_on=date.fromisoformat(line["booked_on"]),
            posted_on=date.fromisoformat(line["posted_on"]),
            description=str(line["description"]),
            debit_units=_units(line["debit"]),
            credit_units=_units(line["credit"]),
            kind=int(line["kind"]),
        )
        for line in content["lines"]
    )
    closes_on = date.fromisoformat(content["closes_on"])
    return NetworkStatement(
        int(year), int(month), closes_on, _units(content["opening"]), _units(content["closing"]), lines
    )


def _event(content: Mapping[str, Any]) -> NetworkEvent:
    return NetworkEvent(
        number=int(content["number"]),
        network_id=str(content["card_id"]),
        kind=str(content["kind"]),
        at=datetime.fromisoformat(content["at"]),
        key=str(content.get("key") or ""),
        description=str(content.get("description") or ""),
        debit_units=_units(content.get("debit") or "0"),
        credit_units=_units(content.get("credit") or "0"),
        approved=content.get("approved") is not False,
        reason=str(content.get("reason") or ""),
    )
