"""surface: a signed call of which one thing was changed is no call (PROMISES 11)."""

import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from portal.services import api_keys, partner_signing
from tests.harness.report import FULL, table
from tests.support import partners, people
from tests.support.families import canonical_body

pytestmark = pytest.mark.harness

SEED = 7_411
MUTANTS = 5_000 if FULL else 120
#: Method, target, body and headers of one call.
Wire = tuple[str, str, str, dict[str, str]]
LETTERS = "".join(chr(number) for number in range(33, 127))


def mutants(wire: Wire, chance: random.Random) -> Iterator[tuple[str, Wire]]:
    """The call with one thing changed, again and again, and what was changed."""
    method, target, body, headers = wire
    while True:
        what = chance.choice(["method", "target", "body", *headers])
        if what == "method":
            other = chance.choice([name for name in ("GET", "POST", "PUT", "PATCH", "DELETE") if name != method])
            yield what, (other, target, body, headers)
        elif what == "target":
            yield what, (method, target[:8] + changed(target[8:], chance), body, headers)
        elif what == "body":
            yield what, (method, target, changed(body, chance), headers)
        else:
            yield what, (method, target, body, {**headers, what: changed(headers[what], chance)})


def changed(text: str, chance: random.Random) -> str:
    """The text with a letter changed, lost, doubled, added, moved or in the other case."""
    at = chance.randrange(len(text)) if text else 0
    head, letter, tail = text[:at], text[at : at + 1], text[at + 1 :]
    how = chance.randrange(6)
    if how == 0:
        return head + chance.choice(LETTERS) + tail
    if how == 1:
        return head + tail
    if how == 2:
        return head + letter + letter + tail
    if how == 3:
        return head + letter.swapcase() + tail
    if how == 4:
        return text + chance.choice(LETTERS + " ")
    return tail + head + letter


def same_call(first: Wire, second: Wire) -> bool:
    """Whether both say the same in the signed form.

    The spaces around a header or of a JSON text, an empty query, and what follows a `#` (nobody sends it) say nothing.
    """
    if first[0] != second[0] or _sent(first[1]) != _sent(second[1]):
        return False
    try:
        bodies = canonical_body(first[2]) == canonical_body(second[2])
    except (ValueError, AttributeError, TypeError):
        bodies = first[2] == second[2]
    return bodies and [value.strip() for value in first[3].values()] == [value.strip() for value in second[3].values()]


def _sent(target: str) -> str:
    return target.partition("#")[0].removesuffix("?")


class Partners:
    """Loads and lists of an institution."""

    def __init__(self, app: Flask) -> None:
        self.app, self.partner, self.number = app, partners.partner(app), 0
        self.card_no = self.partner.card()

    def wire(self) -> Wire:
        self.number += 1
        if self.number % 2:
            target, body = "/api/v1/customers/accounts?page_num=1&page_size=5", ""
            return "GET", target, body, self.partner.client.headers("GET", target, body)
        text = json.dumps(partners.load_body(self.card_no, "10", f"mutant{self.number}"))
        target = "/api/v1/deposit-transactions"
        return "POST", target, text, self.partner.client.headers("POST", target, text)

    def accepted(self, answer: Any) -> bool:
        return bool(answer.is_json and answer.get_json().get("code") == 0)


class Programs:
    """Quotes and lists of a customer's program."""

    def __init__(self, app: Flask) -> None:
        self.portal = app.extensions["portal"]
        person = people.customer(self.portal, usdt="100")
        self.key = self.portal.db.transact(api_keys.create, person.id, "bot", ("read",), ())
        self.number = self.portal.clock.now_ms() - 200_000

    def wire(self) -> Wire:
        self.number += 7
        method, body = ("POST", '{"currency":"TWD"}') if self.number % 2 else ("GET", "")
        target = "/v1/user/bank_accounts" if method == "POST" else "/v1/user"
        text = f"{target}{self.number}{body}"
        mac = hmac.new(self.key.secret.encode(), text.encode(), hashlib.sha384).hexdigest()
        return method, target, body, {"btse-api": self.key.key, "btse-nonce": str(self.number), "btse-sign": mac}

    def accepted(self, answer: Any) -> bool:
        return bool(answer.is_json and answer.get_json().get("code") == 1)


def attack(app: Flask, caller: Any, count: int, chance: random.Random) -> tuple[Counter[str], list[str]]:
    """Sends as many mutants, each of a fresh call; how many of each kind, and those that were accepted."""
    raw = app.test_client(use_cookies=False)
    tried: Counter[str] = Counter()
    accepted: list[str] = []

    def send(wire: Wire) -> Any:
        method, target, body, headers = wire
        more: dict[str, Any] = {"data": body.encode(), "content_type": "application/json"} if body else {}
        try:
            return raw.open(target, method=method, headers=headers, **more)
        except ValueError:
            return None  # a header or address that no client can send

    for _ in range(4):
        right = caller.wire()
        assert caller.accepted(send(right)), "the call itself is refused: its mutants prove nothing"
        tried["sent again"] += 1
        if caller.accepted(send(right)):
            accepted.append(f"sent again: {right}")
    while tried.total() < count:
        wire = caller.wire()
        what, mutant = next(mutants(wire, chance))
        if same_call(wire, mutant):
            continue
        tried[what] += 1
        answer = send(mutant)
        if answer is not None and answer.status_code >= 500:
            accepted.append(f"{what}: {answer.status_code} to {mutant}")
        if answer is not None and caller.accepted(answer):
            accepted.append(f"{what}: {mutant}")
    return tried, accepted


@pytest.mark.parametrize("caller", [Partners, Programs])
def test_no_mutant_of_a_signed_call_is_accepted(
    sqlite_app: Flask, caller: Callable[[Flask], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, made = random.Random(SEED), caller(sqlite_app)
    tried, accepted = attack(sqlite_app, made, MUTANTS, chance)
    table(
        f"surface: mutants of {caller.__name__.lower()}",
        seed=SEED,
        tried=tried.total(),
        of=dict(tried),
        accepted=len(accepted),
    )
    assert not accepted, "\n".join(accepted[:10])
    # A build that does not look at signatures is caught.
    monkeypatch.setattr(partner_signing, "check_signature", lambda *_: None)
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: True)
    assert attack(sqlite_app, made, 60, chance)[1]
