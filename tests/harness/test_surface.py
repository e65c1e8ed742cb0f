"""surface: no input gives a 500, no foreign thing is seen, no page changes anything without its token (PROMISES 9, 14)."""

import json
import random
import re
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from portal.api.family import Family
from tests.harness.corpus import BODIES, SEGMENTS, VALUES
from tests.harness.report import FULL, table
from tests.support import people

pytestmark = pytest.mark.harness

SEED = 20_260
PER_FIELD = len(VALUES) if FULL else 3


def families() -> list[tuple[Family[Any], str]]:
    """Every JSON family with its base path, save the signed one, whose mutations have a harness of their own."""
    from portal.api.brokerage.family import family as brokerage
    from portal.api.voucher.family import family as voucher

    return [(brokerage, "/v1"), (voucher, "/api/v1")]


def sent_as(family: Family[Any], person: people.Person) -> dict[str, str]:
    """The headers by which the family knows a person."""
    if family.name == "brokerage":
        return {"token": person.token}
    return {"Authorization": f"Bearer {person.voucher_token()}"}


def test_no_input_gives_a_500(sqlite_app: Flask) -> None:
    portal = sqlite_app.extensions["portal"]
    chance = random.Random(SEED)
    client = sqlite_app.test_client(use_cookies=False)
    sent, broken, routes = 0, [], 0
    for family, base in families():
        for operation in family.operations if FULL else chance.sample(family.operations, len(family.operations) // 3):
            # A new person for every route: one call may end a session or an account for the next.
            person = people.customer(portal, totp=True, twd="100000", usdt="1000", twip="1000")
            headers_of_person = sent_as(family, person)
            routes += 1
            for method, target, options in attempts(chance, operation, base):
                headers = {**headers_of_person, **options.pop("headers", {})}
                answer = client.open(target, method=method, headers=headers, **options)
                sent += 1
                if answer.status_code >= 500:
                    broken.append(f"{method} {target[:80]} {str(options)[:160]}: {answer.status_code}")
                if answer.is_json and family.name == "brokerage" and answer.json is not None:
                    assert answer.json["success"] is (answer.json["code"] == 1), answer.json
    table("surface: inputs", seed=SEED, routes=routes, requests=sent, broken=len(broken))
    assert not broken, "\n".join(broken[:20])


def attempts(chance: random.Random, operation: Any, base: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What one route is sent: bad bodies, bad values field by field, bad path segments."""
    path = base + operation.path
    names = re.findall(r"<(?:\w+:)?(\w+)>", path)
    plain = re.sub(r"<(?:\w+:)?(\w+)>", "1", path)
    made: list[tuple[str, str, dict[str, Any]]] = []
    for _ in names:
        made += [(operation.method, re.sub(r"<(?:\w+:)?(\w+)>", segment, path), {}) for segment in SEGMENTS]
    fields = list(operation.body.model_json_schema()["properties"]) if operation.body else []
    query = list(operation.query.model_json_schema()["properties"]) if operation.query else []
    if operation.body and not operation.multipart:
        made += [(operation.method, plain, {"data": body, "content_type": "application/json"}) for body in BODIES]
        made.append((operation.method, plain, {"data": b"{}", "content_type": "text/plain"}))
        usual = dict.fromkeys(fields, "1")
        for name in fields:
            for value in chance.sample(VALUES, PER_FIELD):
                text = json.dumps({**usual, name: value}, default=str).encode()
                made.append((operation.method, plain, {"data": text, "content_type": "application/json"}))
    for name in query:
        made += [(operation.method, f"{plain}?{name}={segment}", {}) for segment in SEGMENTS]
        made.append((operation.method, f"{plain}?{name}=1&{name}=2", {}))
    if operation.multipart:
        made.append((operation.method, plain, {"data": b"no form", "content_type": "multipart/form-data; boundary=x"}))
    for key in ("", "x" * 300, "ключ", "\t"):
        made.append((operation.method, plain, {"headers": {"Idempotency-Key": quote(key) if key else key}, "json": {}}))
    return made
