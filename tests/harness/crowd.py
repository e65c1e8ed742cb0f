"""A crowd at a running portal: acts that wait for their last step, sent many times over many connections at once.

Every act is prepared inside this process up to the request that moves money. That request goes over HTTP, twice under one
idempotency key and once under another, shuffled among all others. From the answers alone `Book` reckons what everybody
must own at the end.
"""

import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from portal.money import parse_units
from portal.services import payments, quotes, transfers, voucher_withdrawals, withdrawals
from tests.bench import load
from tests.harness.living import codes_known
from tests.support import partners, people, vouchers

OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"

#: (account's owner, asset): what moves when the act is done.
Moves = dict[tuple[int, str], int]


@dataclass
class Act:
    """One request that moves money when it is answered with yes; `moves` are ledger units."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    yes: bytes
    moves: Moves
    answers: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)

    def wire(self, key: str, **other: Any) -> bytes:
        """The request under an idempotency key; keyword arguments change its body."""
        body = json.dumps({**self.body, **other}).encode() if self.body or other else b""
        return load.request(self.method, self.path, {**self.headers, "Idempotency-Key": key}, body)

    @property
    def done(self) -> bool:
        """Whether anybody was told that it is done."""
        return any(status == 200 and self.yes in body for got in self.answers.values() for status, body in got)


#: A signature serves once: two calls in one millisecond would be one.
_signing = threading.Lock()


@dataclass
class Load(Act):
    """A load of a partner's card: signed anew every time, its cust_tx_id is its key whatever it is sent under."""

    partner: Any = None

    def wire(self, key: str, **other: Any) -> bytes:
        body = json.dumps({**self.body, **({"remark": other["note"]} if other else {})})
        with _signing:
            headers = self.partner.client.headers(self.method, self.path, body)
        return load.request(self.method, self.path, headers, body.encode())


def loads_of(count: int) -> tuple[partners.Partner, list[Act]]:
    """An institution that can pay for half of the loads it is going to order; needs an application context."""
    app = current_app._get_current_object()
    found = partners.partner(app, usdt=str(50 * count + 1))
    card = found.card("racer")
    made: list[Act] = []
    for number in range(count):
        body = partners.load_body(card, "100", f"race{number}", "racer")
        made.append(Load("load", "POST", "/api/v1/deposit-transactions", {}, body, b'"code":0', {}, partner=found))
    return found, made


def crowd(portal: Any, size: int) -> list[people.Person]:
    """People who can pay for about half of what they are going to ask for."""
    return [people.customer(portal, twd="6500", usdt="350", twip="260") for _ in range(size)]


def acts_of(portal: Any, members: Sequence[people.Person]) -> list[Act]:
    """What the crowd is about to do, two dozen acts each, all waiting for their last request."""
    store = vouchers.open_store(portal, "競速商店")
    made: list[Act] = []
    with codes_known() as codes:
        for number, person in enumerate(members):
            receiver = members[(number + 1) % len(members)]
            made += _trades(portal, person)
            made += _withdrawals(portal, person, codes)
            made += _transfers(portal, person, receiver, codes)
            made += _payments(portal, person, store, codes)
    return made


def _trades(portal: Any, person: people.Person) -> list[Act]:
    made = []
    for side in ("buy", "buy", "buy", "sell", "sell"):
        quote = portal.db.transact(quotes.offer, person.id, side, "USDT", "base", parse_units("100", "USDT"))
        sign = 1 if side == "buy" else -1
        moves = {(person.id, "USDT"): sign * quote.base_units, (person.id, "TWD"): -sign * quote.order_units}
        body = {"quoteId": quote.public_id}
        made.append(Act("trade", "POST", "/v1/trade/accept", {"token": person.token}, body, b'"status":30007', moves))
    return made


def _withdrawals(portal: Any, person: people.Person, codes: dict[str, str]) -> list[Act]:
    made = []
    for _ in range(4):
        wanted = withdrawals.Request(
            owner_kind="customer", owner_id=person.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
            amount_units=parse_units("100", "USDT"), address=OUTSIDE,
        )  # fmt: skip
        asked = portal.db.transact(withdrawals.request, wanted)
        body = {"auditId": asked.public_id, "codeEmail": codes[f"withdrawal:{asked.id}"]}
        moves = {(person.id, "USDT"): -asked.amount_units}
        made.append(
            Act("withdrawal", "PATCH", "/v1/wallet/withdraw", {"token": person.token}, body, b'"code":1,', moves)
        )
    out = {"withdrawal": (voucher_withdrawals.withdraw, OUTSIDE), "redemption": (voucher_withdrawals.redeem,)}
    for name, (service, *where) in out.items():
        asked = portal.db.transact(service, person.id, *where, "twip", "60").withdrawal
        body = {"otp": codes[f"withdrawal:{asked.id}"]}
        moves = {(person.id, "TWIP"): -asked.amount_units}
        path = f"/api/v1/{name}s/verify"
        made.append(Act(f"voucher {name}", "POST", path, _bearer(person), body, b'"amount"', moves))
    return made


def _transfers(portal: Any, person: people.Person, receiver: people.Person, codes: dict[str, str]) -> list[Act]:
    made = []
    units = parse_units("90", "USDT")
    for _ in range(4):
        sent = portal.db.transact(transfers.request, person.id, receiver.username, receiver.email, "USDT", units)
        portal.db.transact(transfers.open_link, codes[person.email], person.id)
        number = portal.db.read(transfers.audit_number, person.id, "transfer", sent.id)
        path = f"/v1/validate/transfer_confirm?balance_audit_id={number}"
        moves = {(person.id, "USDT"): -units, (receiver.id, "USDT"): units}
        made.append(Act("transfer", "GET", path, {"token": person.token}, {}, b'"code":1,', moves))
    return made


def _payments(portal: Any, person: people.Person, store: Any, codes: dict[str, str]) -> list[Act]:
    made = []
    headers = _bearer(person)
    for _ in range(9):
        order = portal.db.transact(payments.checkout, person.id, store.public_id, "40").order
        path = f"/api/v1/stores/{store.public_id}/{order.public_id}/verify"
        body = {"otp": codes[f"payment:{order.public_id}"]}
        moves = {(person.id, "TWIP"): -order.amount_units}
        made.append(Act("payment", "POST", path, headers, body, b'"status":"paid"', moves))
    return made


def _bearer(person: people.Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.voucher_token()}"}


def rush(port: int, acts: Sequence[Act], clients: int, chance: random.Random) -> list[int]:
    """Sends every act three times (two under one key, one under another) over so many connections.

    Answers how many nanoseconds each request took, shortest first.
    """
    sends = [(act, key) for number, act in enumerate(acts) for key in (f"a{number}", f"a{number}", f"b{number}")]
    # Near each other, so that the copies of an act and a person's other acts meet.
    order = sorted(range(len(sends)), key=lambda place: place + chance.uniform(0, 40))
    lanes = [[sends[place] for place in order[lane::clients]] for lane in range(clients)]
    failures: list[BaseException] = []
    took: list[int] = []
    gate = threading.Barrier(clients)

    def client(lane: list[tuple[Act, str]]) -> None:
        try:
            connection = load.Connection(port)
            gate.wait()
            for act, key in lane:
                wire, began = act.wire(key), time.perf_counter_ns()
                answer = connection.exchange(wire)
                took.append(time.perf_counter_ns() - began)
                act.answers.setdefault(key, []).append(answer)
        except BaseException as error:
            gate.abort()
            failures.append(error)

    threads = [threading.Thread(target=client, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sorted(took)


def wrong_balances(portal: Any, members: Sequence[people.Person], before: Moves, acts: Sequence[Act]) -> list[str]:
    """Whose available balance is not what the answers say."""
    expected = dict(before)
    for act in acts:
        if act.done:
            for owner, units in act.moves.items():
                expected[owner] = expected.get(owner, 0) + units
    by_id = {person.id: person for person in members}
    return [
        f"customer {number} has {by_id[number].balance(asset)} {asset}, was told {units}"
        for (number, asset), units in expected.items()
        if by_id[number].balance(asset) != units
    ]


def balances(members: Sequence[people.Person]) -> Moves:
    """Everybody's available balances now."""
    return {(person.id, asset): person.balance(asset) for person in members for asset in ("TWD", "USDT", "TWIP")}
