"""Paying at counters: checkout-verify over HTTP against LIMIT, and how long a counter takes from verify to Paid."""

import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models.system import Job
from portal.services import jobs, payment_requests, payments, store_members
from tests.bench import limit, load
from tests.bench.world import World
from tests.support import people, vouchers
from tests.support.people import Person

CLIENTS = 8
#: Payments that one customer begins; a phone gets a bounded number of codes a day.
EACH_CUSTOMER = 150
#: How often a counter's screen asks (templates/merchant/request.html).
ASKS_EVERY_SECONDS = 1.0

Row = tuple[str, float, str, str]


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: checkout-verify against LIMIT, the counter's latency in seconds, the cost of a counter's question."""
    rounds, each = (2, 40) if quick else (5, 150)
    limit.prepare(world.database_url, CLIENTS, (rounds + 1) * each * 5)
    lanes = [_wires(world, number, (rounds + 1) * each) for number in range(CLIENTS)]

    def limit_side() -> float:
        return load.together(limit.client, [(world.database_url, n + 1, each * 4) for n in range(CLIENTS)])

    def verify_side() -> float:
        rows = [[next(lane) for _ in range(each)] for lane in lanes]
        return load.together(load.each_request, [(world.live.port, row, b'"status":"paid"') for row in rows])

    limit_side(), verify_side()
    found = load.alternating(rounds, limit=limit_side, verify=verify_side)
    seconds = latencies(world, 3 if quick else 12)
    middle, worst = statistics.median(seconds), max(seconds)
    return [
        (
            "checkout-verify over HTTP / LIMIT",
            found["verify"] / found["limit"],
            "≥ 0.30",
            f"{found['verify']:.0f}/s of {found['limit']:.0f}/s",
        ),
        ("counter: seconds from verify to Paid", middle, "≤ 1.5", f"median {middle:.2f} s, worst {worst:.2f} s"),
    ]


def latencies(world: World, count: int) -> list[float]:
    """Seconds from the answer of a customer's verify to the counter's screen getting the paid block, for some payments.

    The counter asks as its page does: every second, with the ETag it has. Payments begin at different phases of that.
    """
    store = vouchers.open_store(world.portal, "櫃檯測速")
    cashier, payer = people.customer(world.portal), people.customer(world.portal, twip="100000")
    world.portal.db.transact(store_members.add, store, cashier.id, "cashier", "system")
    return [_one(world, store, cashier, payer, (number + 0.5) / count) for number in range(count)]


def _one(world: World, store: Any, cashier: Person, payer: Person, phase: float) -> float:
    asked = world.portal.db.transact(payment_requests.create, store, "10", made_by=f"customer:{cashier.id}")
    order_id, code = world.portal.db.transact(_begin_request, payer.id, asked.code)
    state = f"/merchant/{store.public_id}/counter/{asked.public_id}/state"
    with httpx.Client(base_url=world.live.url, cookies={"token": cashier.token}) as counter:
        tag = counter.get(state).headers["ETag"]
        asked_at = time.perf_counter()
        _rest(phase * ASKS_EVERY_SECONDS)
        answer = httpx.post(
            f"{world.live.url}/api/v1/stores/{store.public_id}/{order_id}/verify",
            json={"otp": code},
            headers={"Authorization": f"Bearer {payer.voucher_token()}"},
        )
        assert answer.status_code == 200, answer.text
        paid_at = time.perf_counter()
        while True:
            asked_at += ASKS_EVERY_SECONDS
            _rest(asked_at - time.perf_counter())
            block = counter.get(state, headers={"If-None-Match": tag})
            if block.status_code == 200 and 'data-state="paid"' in block.text:
                return time.perf_counter() - paid_at


def _rest(seconds: float) -> None:
    time.sleep(max(0.0, seconds))


def _wires(world: World, lane: int, count: int) -> Iterator[bytes]:
    """So many verify calls, ready to send, of customers and a store of this lane's own."""
    store = vouchers.open_store(world.portal, f"跑道 {lane}")
    made: list[bytes] = []
    while len(made) < count:
        payer = people.customer(world.portal, twip="1000000")
        token = payer.voucher_token()
        for _ in range(min(EACH_CUSTOMER, count - len(made))):
            order_id, code = world.portal.db.transact(_begin, payer.id, store.public_id)
            path = f"/api/v1/stores/{store.public_id}/{order_id}/verify"
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"bench-{order_id}"}
            made.append(load.request("POST", path, headers, json.dumps({"otp": code}).encode()))
    return iter(made)


def _begin(session: Session, customer_id: int, store_id: str) -> tuple[str, str]:
    begun = payments.checkout(session, customer_id, store_id, "10")
    return begun.order.public_id, _code(session)


def _begin_request(session: Session, customer_id: int, code: str) -> tuple[str, str]:
    begun = payments.checkout_request(session, customer_id, code)
    return begun.order.public_id, _code(session)


def _code(session: Session) -> str:
    """The code of the message that was queued last, in this very transaction; the message is dropped, nobody reads it."""
    session.flush()
    job = session.scalars(sa.select(Job).where(Job.kind == "sms").order_by(Job.id.desc()).limit(1)).one()
    code = str(jobs.payload_of(session, job)["code"])
    session.delete(job)
    return code
