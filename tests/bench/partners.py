"""Institutions' programs: a signed read against a bare Flask hello, a load of a card against LIMIT."""

import json
from typing import Any

from portal.machines.partner_kyc import PARTNER_KYC
from portal.sandbox import play_cards
from portal.services import partner_kyc
from tests.bench import hello, limit, load
from tests.bench.world import World
from tests.support import partners
from tests.support.partners import Partner

CLIENTS = 8
READ = "/api/v1/customers/balance"
LOADS = "/api/v1/deposit-transactions"
CARD_TYPE = partners.TYPES[0]
PATIENCE = 100

Row = tuple[str, float, str, str]


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: a signed read against hello, a load against LIMIT. Every institution has a client of its own."""
    rounds, each = (2, 40) if quick else (5, 150)
    lanes = [partners.partner(world.app, usdt="10000000", stock=1) for _ in range(CLIENTS)]
    cards = [_card(world, lane) for lane in lanes]
    limit.prepare(world.database_url, CLIENTS, (rounds + 1) * each * 5)

    def limit_side() -> float:
        return load.together(limit.client, [(world.database_url, n + 1, each * 4) for n in range(CLIENTS)])

    def read_side() -> float:
        rows = [[_signed(lane, "GET", READ) for _ in range(each * 20)] for lane in lanes]
        return load.together(load.each_quick_request, [(world.live.port, row, b'"code":0') for row in rows])

    def load_side() -> float:
        rows = [
            [_signed(lane, "POST", LOADS, partners.load_body(card, "20")) for _ in range(each)]
            for lane, card in zip(lanes, cards, strict=True)
        ]
        return load.together(load.each_request, [(world.live.port, row, b'"code":0') for row in rows])

    with hello.running() as port:

        def hello_side() -> float:
            return load.together(load.same_request, [(port, load.request("GET", "/"), 0.5)] * CLIENTS)

        sides = {"limit": limit_side, "hello": hello_side, "read": read_side, "load": load_side}
        for side in sides.values():
            side()
        found = load.alternating(rounds, **sides)
    return [
        (
            "signed partner read / bare Flask hello",
            found["read"] / found["hello"],
            "≥ 0.50",
            f"{found['read']:.0f}/s of {found['hello']:.0f}/s",
        ),
        (
            "card load over HTTP / LIMIT",
            found["load"] / found["limit"],
            "",
            f"{found['load']:.0f}/s of {found['limit']:.0f}/s",
        ),
    ]


def _card(world: World, lane: Partner) -> str:
    """A card in use, of a person whose check has passed; the portal's own worker does its part."""
    lane.ok("POST", "/customers/accounts", partners.kyc_body(acct_no="u1", card_type_id=CARD_TYPE))
    for _ in range(PATIENCE):
        world.live.run_worker()  # it may have thousands of receipts to mail first
        check = world.portal.db.read(partner_kyc.newest, "u1", CARD_TYPE, lane.id)
        if PARTNER_KYC.allows(check.status, "passed"):
            break
    with world.app.app_context():
        play_cards.decide(world.portal, check.id, "approve", "")
    person = {"acct_no": "u1", "card_type_id": CARD_TYPE}
    card_no = str(lane.ok("POST", "/debit-cards", person)["card_no"])
    lane.ok("PUT", "/debit-cards/status", {"card_no": card_no, "acct_no": "u1"})
    return card_no


def _signed(lane: Partner, method: str, path: str, body: Any = None) -> bytes:
    text = json.dumps(body) if body is not None else ""
    return load.request(method, path, lane.client.headers(method, path, text), text.encode())
