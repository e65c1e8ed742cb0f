"""surface: Schemathesis makes calls of the three OpenAPI documents; none gives a 500, every answer keeps its content type."""

import json
import random
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase

from tests.harness.report import FULL, table
from tests.support import partners, people
from tests.support.families import PartnerClient
from tests.support.market import open_market

pytestmark = pytest.mark.harness

SEED = 8_080
EXAMPLES = 40 if FULL else 3
#: Of every so many routes one is tried in the short form.
EVERY = 1 if FULL else 12


class Caller:
    """Somebody of a family, in its dialect, with money and a second factor; a new one for every route."""

    def __init__(self, app: Flask, family: str) -> None:
        self.app, self.family = app, family
        self.partner = partners.partner(app) if family == "partner" else None
        self.renew()

    def renew(self) -> None:
        if self.partner is None:
            self.person = people.customer(
                self.app.extensions["portal"], totp=True, twd="100000", usdt="1000", twip="1000"
            )

    def headers(self, sent: dict[str, Any]) -> dict[str, str]:
        if self.family == "brokerage":
            return {"token": self.person.token}
        if self.partner is None:
            return {"Authorization": f"Bearer {self.person.voucher_token()}"}
        return self._signed(self.partner.client, sent)

    def _signed(self, client: PartnerClient, sent: dict[str, Any]) -> dict[str, str]:
        try:
            return client.headers(sent["method"], sent["path"], sent.get("json") and _text(sent) or "")
        except (AttributeError, TypeError, ValueError):
            return client.headers(sent["method"], sent["path"], "")  # a body that has no signed form


def _text(sent: dict[str, Any]) -> str:
    return json.dumps(sent["json"])


@pytest.mark.parametrize("family", ["brokerage", "voucher", "partner"])
def test_no_call_that_its_own_document_allows_or_forbids_gives_a_500(sqlite_app: Flask, family: str) -> None:
    open_market(sqlite_app.extensions["portal"])
    schema = schemathesis.openapi.from_wsgi(f"/docs/{family}.json", sqlite_app)
    caller, raw = Caller(sqlite_app, family), sqlite_app.test_client(use_cookies=False)
    found: list[str] = []
    operations = [result.ok() for result in schema.get_all_operations()]
    chosen = random.Random(SEED).sample(operations, -(-len(operations) // EVERY))
    seen: dict[str, int] = {}

    def examine(operation: Any, mode: schemathesis.GenerationMode) -> None:
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], derandomize=not FULL,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def call(case: schemathesis.Case) -> None:
            sent = case.as_transport_kwargs()
            sent["headers"] = {**sent.get("headers", {}), **caller.headers(sent)}
            answer = raw.open(**sent)
            seen[operation.label] = seen.get(operation.label, 0) + 1
            if answer.status_code >= 500:
                found.append(f"{operation.label}: {answer.status_code} to {str(sent)[:300]}")
            elif answer.status_code == 200 and not (answer.is_json or answer.mimetype.startswith("image/")):
                found.append(f"{operation.label}: {answer.mimetype}")

        call()

    for operation in chosen:
        caller.renew()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                examine(operation, mode)
            except hypothesis.errors.Unsatisfiable:
                continue  # nothing can be wrong about an operation without input
    table(
        f"surface: Schemathesis, {family}", operations=f"{len(chosen)} of {len(operations)}", calls=sum(seen.values()),
        broken=len(found),
    )  # fmt: skip
    assert not found, "\n".join(found[:20])
    assert len(seen) == len(chosen), "an operation was never called"
