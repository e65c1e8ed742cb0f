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
from tests.harness.life_outside import WholeLife as Life
from tests.harness.living import codes_known
from tests.harness.report import FULL, table
from tests.support import vouchers

pytestmark = pytest.mark.harness

#: Life cycles that the acts of the model run through.
COVERED = ("quote", "withdrawal", "transfer", "deposit", "shopping_order", "payment_request")
#: Moves that the tables allow and no act makes, and why.
UNREACHABLE = {
    ("deposit", "open", "seen"): "only TWD is announced, and a bank credit is final at once",
    ("shopping_order", "confirming", "failed"): "code, money and end are one transaction: it is paid or nothing moved",
    ("withdrawal", "otp_pending", "failed"): "before the code nothing is held or sent that could fail",
    (
        "withdrawal",
        "otp_verified",
        "approved",
    ): "even one that needs nobody's yes waits for the worker's look (reading B17)",
    ("withdrawal", "approved", "awaiting_approval"): "an approval is never taken back: it is called off instead",
    ("withdrawal", "approved", "failed"): "only a Travel Rule refusal, which is tested with its own service",
}
BUDGET = settings(
    max_examples=50 if FULL else 3,
    stateful_step_count=50 if FULL else 20,
    derandomize=not FULL,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if FULL else (Phase.generate,),
)


def live_through(portal: Any, budget: settings, *, led: bool = False) -> type[Life]:
    """Runs the model against a portal; the class that counted its steps. `led`: through the tour first."""
    vouchers.open_companies(portal)
    store = vouchers.open_store(portal)
    with codes_known() as codes:
        lived: type[Life] = type("Lived", (Life,), {"portal": portal, "store": store, "codes": codes})
        if led:
            tour(lived)
        run_state_machine_as_test(lived, settings=budget)
    return lived


def tour(lived: type[Life]) -> None:
    """Leads lives through every rule in every way, so that each reachable move is made at least once."""
    for steps in TOUR:
        life = lived()
        life.begin()
        life.begin_outside()
        for name, *arguments in steps:
            getattr(life, name)(*arguments)
            life.everybody_has_what_they_must_have()
            life.nothing_is_paid_that_was_not_held()


TOUR: list[list[tuple[Any, ...]]] = [
    [("trade", 0, "buy", "accept"), ("trade", 1, "sell", "wait"), ("want_more_than_there_is", 0)],
    *[
        [("staff_look_at", who, asset, "staff:1", second, then)]
        for who, asset, second in ((0, "TWD", "staff:1"), (1, "USDT", "staff:2"))
        for then in ("approve", "reject", "aside and approve", "aside and reject", "aside and call off", "approve and call off")
    ],
    *[[("send_out", 0, asset, lost, back)] for asset in ("USDT", "TWD") for lost in (True, False) for back in (True, False)],
    [("staff_look_at", 1, "USDT", "staff:1", "staff:1", "approve")],
    [("codes_of_others", 0), ("codes_of_others", 1)],
    [("take_out", 0, "USDT", "call off"), ("ask", 1, "USDT", 1), ("time_goes_by", 90_000)],
    [("take_out_to_one_of_us", 0), ("ask_and_call_off", 1)],
    [("announce", 0, "comes"), ("announce", 1, "cancelled"), ("announce", 0, "late")],
    [("a_block_gives_way", 0, True), ("a_block_gives_way", 1, False), ("mine", 25)],
    [("send_and_think_again", 0), ("hand_over", 0, "confirm"), ("hand_over", 1, "cancel"), ("send", 1, "10"), ("time_goes_by", 90_000)],
    [("send_and_open", 1), ("time_goes_by", 90_000)],
    [("go_shopping", 0, "pay"), ("go_shopping", 1, "run out"), ("go_shopping", 1, "too late")],
    [("the_counter_asks", 0, "pay twice"), ("the_counter_asks", 1, "cancel"), ("the_counter_asks", 1, "run out")],
]  # fmt: skip


def moves_seen(session: Any) -> set[tuple[str, str, str]]:
    """Every move that any thing has made."""
    rows = session.execute(sa.text("SELECT DISTINCT machine, from_state, to_state FROM state_changes"))
    return {tuple(row) for row in rows}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"] if FULL else ["sqlite"])
def test_any_order_of_acts_ends_as_the_model_says(engine, app_with):
    app = app_with(engine)
    portal = app.extensions["portal"]
    with app.app_context():
        lived = live_through(portal, BUDGET, led=True)
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
        unreachable=len(UNREACHABLE), not_seen=len(declared - seen - set(UNREACHABLE)), undeclared=len(strange),
        cross_uses_of_codes=f"0 of {lived.crossed}",
        self_approvals=f"{lived.own_approvals_counted} of {lived.own_approvals}",
    )  # fmt: skip
    assert not strange, strange
    for move in sorted(declared - seen):
        print(f"  {move[0]} {move[1]} → {move[2]}:", UNREACHABLE.get(move, "not seen this time"))
    assert lived.crossed and lived.own_approvals, "nobody tried a foreign code, or to say yes twice"
    missing = sorted(declared - seen - set(UNREACHABLE))
    assert not missing, missing
    assert not seen & set(UNREACHABLE), "what was thought unreachable was reached: the table of reasons is out of date"


def test_a_build_that_credits_young_blocks_is_caught(app_with):
    app = app_with("sqlite")
    usual = SandboxChain.head

    def hasty(chain: SandboxChain) -> ChainHead:
        head = usual(chain)
        return ChainHead(head.number, head.block_hash, head.number)

    budget = settings(BUDGET, max_examples=30, stateful_step_count=20, phases=(Phase.generate,))
    with app.app_context(), mock.patch.object(SandboxChain, "head", hasty), pytest.raises(AssertionError):
        live_through(app.extensions["portal"], budget)
