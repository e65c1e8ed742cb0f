"""Quoting and accepting over HTTP against LIMIT; the split house against an unsplit one."""

import json
import time
from multiprocessing.synchronize import Barrier

from portal import create_app
from portal.config import Settings
from portal.ledger import posting
from portal.money import parse_units
from portal.services import quotes
from tests.bench import limit, load
from tests.bench.world import World

CLIENTS = 8

Row = tuple[str, float, str, str]


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: quote and accept against LIMIT, split against unsplit house accounts."""
    rounds, each = (2, 60) if quick else (5, 200)
    limit.prepare(world.database_url, CLIENTS, (rounds + 1) * each * 5)
    waiting: list[list[str]] = [[] for _ in range(CLIENTS)]
    quote_wires = [[quote_request(person.token)] * each for person in world.people[:CLIENTS]]

    def limit_side() -> float:
        return load.together(limit.client, [(world.database_url, n + 1, each * 4) for n in range(CLIENTS)])

    def quote_side() -> float:
        answers = load.collecting(world.live.port, quote_wires)
        for number, bodies in enumerate(answers.bodies):
            waiting[number] += [json.loads(body)["data"]["quoteId"] for body in bodies]
        return answers.per_second

    def accept_side() -> float:
        wires = [
            [accept_request(world.people[number].token, quote_id) for quote_id in taken(waiting[number], each)]
            for number in range(CLIENTS)
        ]
        return load.together(load.each_request, [(world.live.port, row, b'"status":30007') for row in wires])

    limit_side(), quote_side(), accept_side()
    found = load.alternating(rounds, limit=limit_side, quote=quote_side, accept=accept_side)
    bare = found["limit"]
    rows = [
        ("quote over HTTP / LIMIT", found["quote"] / bare, "≥ 0.35", f"{found['quote']:.0f}/s of {bare:.0f}/s"),
        ("accept over HTTP / LIMIT", found["accept"] / bare, "≥ 0.30", f"{found['accept']:.0f}/s of {bare:.0f}/s"),
    ]
    return rows + _house(world, rounds, each)


def taken(ids: list[str], count: int) -> list[str]:
    """The first ids of a list, taken out of it."""
    first = ids[:count]
    del ids[:count]
    return first


def _house(world: World, rounds: int, each: int) -> list[Row]:
    def side(slots: int) -> float:
        work = [(world.live.environment, person.id, each, slots) for person in world.people[:CLIENTS]]
        return load.together(_trade, work)

    side(posting.HOUSE_SLOTS)
    found = load.alternating(rounds, split=lambda: side(posting.HOUSE_SLOTS), unsplit=lambda: side(1))
    return [
        (
            "all trading at once, house in slots / in one row",
            found["split"] / found["unsplit"],
            "≥ 1.5",
            f"{found['split']:.0f}/s against {found['unsplit']:.0f}/s",
        )
    ]


def _trade(environment: dict[str, str], customer_id: int, count: int, slots: int, start: Barrier) -> list[float]:
    """One customer's acceptances through the services, with so many slots per house account."""
    db = create_app(Settings.from_environment(environment)).extensions["portal"].db
    posting.HOUSE_SLOTS = slots
    units = parse_units("5", "USDT")
    held = [db.transact(quotes.offer, customer_id, "buy", "USDT", "base", units).public_id for _ in range(count)]
    start.wait()
    stamps = [time.perf_counter()]
    for quote_id in held:
        db.transact(quotes.accept, customer_id, quote_id)
        stamps.append(time.perf_counter())
    return stamps


def quote_request(token: str) -> bytes:
    """A quote for five USDT."""
    body = b'{"side":"buy","quoteAmountInBase":5,"quoteBaseCurrency":"USDT"}'
    return load.request("POST", "/v1/trade/quote", {"token": token}, body)


def accept_request(token: str, quote_id: str) -> bytes:
    """The acceptance of a quote, to be repeated safely."""
    headers = {"token": token, "Idempotency-Key": f"bench-{quote_id}"}
    return load.request("POST", "/v1/trade/accept", headers, json.dumps({"quoteId": quote_id}).encode())
