"""Other people's servers over real HTTP, each made of the sandbox twin of what it stands for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from portal.adapters.sandbox.bank import SandboxBank
from portal.adapters.sandbox.card_network import SandboxCardNetwork
from portal.money import parse_units, plain_text
from portal.ports import PayoutState, PortError, PortRejected
from tests.support.json_server import Call, json_server

#: (method, path segments, query, body) → (status, answer)
Answerer = Callable[[str, list[str], dict[str, str], dict[str, Any]], tuple[int, dict[str, Any]]]

KEY = "an api key"


@contextmanager
def serving(answer: Answerer, *, asks_for_key: bool = True) -> Iterator[str]:
    """A JSON server of one's own; answers its address. A caller without the right key gets 401."""

    def hear(call: Call) -> tuple[int, dict[str, Any]]:
        if asks_for_key and call.headers.get("authorization") != f"Bearer {KEY}":
            return 401, {}
        parts = urlsplit(call.target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        segments = [unquote(part) for part in parts.path.strip("/").split("/")]
        return _told(answer, call.method, segments, query, call.body)

    with json_server(hear) as url:
        yield f"{url}/"


def _told(
    answer: Answerer, method: str, segments: list[str], query: dict[str, str], body: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    try:
        return answer(method, segments, query, body)
    except PortRejected as error:
        return (404 if "no such" in str(error) else 422), {"error": str(error)}
    except PortError as error:
        return 503, {"error": str(error)}


def bank(twin: SandboxBank) -> Answerer:
    """A bank's interface for pay-outs."""

    def answer(method: str, path: list[str], query: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if method == "POST" and path == ["payouts"]:
            units = parse_units(body["amount"], body["currency"])
            twin.pay(body["key"], body["bank_code"], body["branch_code"], body["account"], body["holder"], units)
            return 202, {"state": "accepted"}
        return _state(twin.payout(path[1]))

    return answer


def _state(found: PayoutState) -> tuple[int, dict[str, Any]]:
    return (404, {}) if found.state == "unknown" else (200, asdict(found))


def card_network(twin: SandboxCardNetwork) -> Answerer:
    """A card network's interface."""

    def answer(method: str, path: list[str], query: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match method, path:
            case "POST", ["cards"]:
                card = twin.issue(body["key"], body["card_type_id"])
                return 201, {"id": card.network_id, "first_six": card.first_six, "last_four": card.last_four}
            case "POST", ["cards", network_id, "documents"]:
                twin.submit_documents(body["key"], network_id)
            case "POST", ["cards", network_id, "activate"]:
                twin.activate(body["key"], network_id)
            case "POST", ["loads"]:
                twin.load(body["key"], body["card_id"], parse_units(body["amount"], body["currency"]))
            case "GET", ["loads", key]:
                return _state(twin.load_state(key))
            case "GET", ["cards", network_id]:
                account = twin.account(network_id)
                told = {"product": account.product, "active": account.active, "frozen": account.frozen}
                return 200, {
                    **told, "balance": _usd(account.balance_units), "available": _usd(account.available_units)
                }  # fmt: skip
            case "GET", ["cards", network_id, "statements"]:
                found = twin.statements(network_id, _month(query["first"]), _month(query["last"]))
                return 200, {"statements": [_statement(each) for each in found]}
            case "GET", ["events"]:
                events = twin.events(int(query["after"]), int(query["limit"]))
                return 200, {"events": [_event(each) for each in events]}
            case _:
                return 404, {}
        return 204, {}

    return answer


def _usd(units: int) -> str:
    return plain_text(units, "USD")


def _month(text: str) -> tuple[int, int]:
    return int(text[:4]), int(text[5:])


def _statement(found: Any) -> dict[str, Any]:
    lines = [
        {
            "booked_on": line.booked_on.isoformat(), "posted_on": line.posted_on.isoformat(), "kind": line.kind,
            "description": line.description, "debit": _usd(line.debit_units), "credit": _usd(line.credit_units),
        }
        for line in found.lines
    ]  # fmt: skip
    return {
        "month": f"{found.year:04d}-{found.month:02d}", "closes_on": found.closes_on.isoformat(), "lines": lines,
        "opening": _usd(found.opening_units), "closing": _usd(found.closing_units),
    }  # fmt: skip


def _event(found: Any) -> dict[str, Any]:
    return {
        "number": found.number, "card_id": found.network_id, "kind": found.kind, "at": found.at.isoformat(),
        "key": found.key, "description": found.description, "debit": _usd(found.debit_units),
        "credit": _usd(found.credit_units), "approved": found.approved, "reason": found.reason,
    }  # fmt: skip
