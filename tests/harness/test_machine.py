"""machine: any order of acts, faults and hours keeps the ledger as the model has it (PROMISES 6, 8; life cycles)."""

from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from portal.adapters.sandbox.chain import SandboxChain
from portal.machines import MACHINES
from portal.ports import ChainHead
from tests.harness.life import Life
from tests.harness.living import codes_known
from tests.harness.report import FULL, table
from tests.support import vouchers

pytestmark = pytest.mark.harness

#: Life cycles that the acts of the model run through.
COVERED = ("quote", "withdrawal", "transfer", "deposit", "shopping_order")
BUDGET = settings(
    max_examples=300 if FULL else 8,
    stateful_step_count=60 if FULL else 40,
    derandomize=not FULL,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if FULL else (Phase.generate,),
)


def live_through(portal: Any, budget: settings) -> type[Life]:
    """Runs the model against a portal; the class that counted its steps."""
    vouchers.open_companies(portal)
    store = vouchers.open_store(portal)
    with codes_known() as codes:
        lived: type[Life] = type("Lived", (Life,), {"portal": portal, "store": store, "codes": codes, "steps": 0})
        run_state_machine_as_test(lived, settings=budget)
    return lived


def moves_seen(session: Any) -> set[tuple[str, str, str]]:
    """Every move that any thing has made."""
    rows = session.execute(sa.text("SELECT DISTINCT machine, from_state, to_state FROM state_changes"))
    return {tuple(row) for row in rows}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"] if FULL else ["sqlite"])
def test_any_order_of_acts_ends_as_the_model_says(engine, app_with):
    app = app_with(engine)
    portal = app.extensions["portal"]
    with app.app_context():
        lived = live_through(portal, BUDGET)
    declared = {
        (name, before, after)
        for name in COVERED
        for before, targets in MACHINES[name].transitions.items()
        for after in targets
    }
    seen = portal.db.read(moves_seen)
    strange = {move for move in seen if move[0] in COVERED and move[1] not in ("", "-") and move not in declared}
    table(
        f"machine: {engine}", lives=BUDGET.max_examples, acts=lived.steps, moves=f"{len(seen & declared)} of {len(declared)}",
        undeclared=len(strange),
    )  # fmt: skip
    assert not strange, strange
    print("  not seen:", ", ".join(f"{name} {before}→{after}" for name, before, after in sorted(declared - seen)))
    assert len(seen & declared) >= (24 if FULL else 14), sorted(declared - seen)


def test_a_build_that_credits_young_blocks_is_caught(app_with):
    app = app_with("sqlite")
    usual = SandboxChain.head

    def hasty(chain: SandboxChain) -> ChainHead:
        head = usual(chain)
        return ChainHead(head.number, head.block_hash, head.number)

    budget = settings(BUDGET, max_examples=30, stateful_step_count=20, phases=(Phase.generate,))
    with app.app_context(), mock.patch.object(SandboxChain, "head", hasty), pytest.raises(AssertionError):
        live_through(app.extensions["portal"], budget)
