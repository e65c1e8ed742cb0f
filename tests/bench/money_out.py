"""Asking for a withdrawal and confirming a transfer, over HTTP, against LIMIT."""

import json
from typing import Any

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models.wallet import Transfer
from portal.money import parse_units
from portal.services import transfers
from tests.bench import limit, load
from tests.bench.world import World
from tests.support import people

CLIENTS = 8
ADDRESS = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"

Row = tuple[str, float, str, str]


def measure(world: World, *, quick: bool) -> list[Row]:
    """Rows: withdraw-apply and transfer-confirm against LIMIT. An apply takes a fresh authenticator code of its own person."""
    rounds, each = (2, 6) if quick else (4, 20)
    crowd = [
        [people.customer(world.portal, totp=True, twd="10000000", usdt="10000") for _ in range(each)]
        for _ in range(CLIENTS)
    ]
    limit.prepare(world.database_url, CLIENTS, (rounds + 1) * 100 * 5)

    def limit_side() -> float:
        return load.together(limit.client, [(world.database_url, n + 1, 100) for n in range(CLIENTS)])

    def apply_side() -> float:
        world.live.advance(30)
        step = int(world.portal.clock.now().timestamp()) // 30
        wires = [[_apply(person, step) for person in row] for row in crowd]
        return load.together(load.each_request, [(world.live.port, row, b'"status":17') for row in wires])

    receiver = people.customer(world.portal)

    def confirm_side() -> float:
        wires: list[list[bytes]] = []
        for row in crowd:
            ids = [world.portal.db.transact(_ready, person, receiver) for person in row]
            wires.append([_confirm(person.token, number) for person, number in zip(row, ids, strict=True)])
        return load.together(load.each_request, [(world.live.port, row, b'"code":1') for row in wires])

    limit_side(), apply_side(), confirm_side()
    found = load.alternating(rounds, limit=limit_side, apply=apply_side, confirm=confirm_side)
    bare = found["limit"]
    return [
        ("withdraw-apply over HTTP / LIMIT", found["apply"] / bare, "", f"{found['apply']:.0f}/s of {bare:.0f}/s"),
        (
            "transfer-confirm over HTTP / LIMIT",
            found["confirm"] / bare,
            "",
            f"{found['confirm']:.0f}/s of {bare:.0f}/s",
        ),
    ]


def _apply(person: people.Person, step: int) -> bytes:
    assert person.totp_secret is not None
    body: dict[str, Any] = {
        "currency": "USDT",
        "address": ADDRESS,
        "paymentWay": "TRC20",
        "amount": 20,
        "code2FA": pyotp.TOTP(person.totp_secret).at(step * 30),
    }
    return load.request("POST", "/v1/wallet/withdraw", {"token": person.token}, json.dumps(body).encode())


def _ready(session: Session, sender: people.Person, receiver: people.Person) -> int:
    """A transfer whose mailed link was opened, waiting for the confirm; the number the family knows it by."""
    made = transfers.request(session, sender.id, receiver.username, receiver.email, "TWD", parse_units("100", "TWD"))
    session.flush()
    session.execute(sa.update(Transfer).where(Transfer.id == made.id).values(status="email_confirmed"))
    return transfers.audit_number(session, sender.id, "transfer", made.id)


def _confirm(token: str, number: int) -> bytes:
    return load.request("GET", f"/v1/validate/transfer_confirm?balance_audit_id={number}", {"token": token})
