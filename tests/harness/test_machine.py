"""machine: any order of acts, faults and hours keeps the ledger as the model has it (PROMISES 6, 8; life cycles)."""

from collections.abc import Iterable
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from portal import ledger
from portal.adapters.sandbox.chain import SandboxChain
from portal.machines import MACHINES
from portal.permissions import PERMISSIONS
from portal.ports import ChainHead
from portal.services import codes
from portal.services.staff_sessions import FULL as SIGNED_IN
from portal.services.staff_sessions import SignedInStaff
from tests.harness.life_partner import EveryLife as Life
from tests.harness.living import codes_known
from tests.harness.report import FULL, table
from tests.support import desk, vouchers

pytestmark = pytest.mark.harness

#: Every move of every life cycle: what the tables allow is what somebody does.
DECLARED = {
    (machine.name, before, after)
    for machine in MACHINES.values()
    for before, targets in machine.transitions.items()
    for after in targets
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


def live_through(portal: Any, budget: settings | None = None, tours: Iterable[str] = ()) -> type[Life]:
    """Runs the model against a portal, through the tours first; the class that counted its steps."""
    vouchers.open_companies(portal)
    store = vouchers.open_store(portal)
    who = desk.member(portal, "compliance")
    me = SignedInStaff(
        0, who.id, who.public_id, who.name, who.email, SIGNED_IN, False, None, frozenset(PERMISSIONS)
    )  # fmt: skip
    with codes_known() as sent:
        lived: type[Life] = type("Lived", (Life,), {"portal": portal, "store": store, "codes": sent, "me": me})
        for name in tours:
            for steps in TOURS[name]:
                lead(lived, steps)
        if budget is not None:
            run_state_machine_as_test(lived, settings=budget)
    return lived


def lead(lived: type[Life], steps: list[tuple[Any, ...]]) -> None:
    """Leads one life through a list of rules, each in its way, with every invariant after each."""
    life = lived()
    for begin in (life.begin, life.begin_outside, life.begin_books, life.begin_people, life.begin_partner):
        begin()
    for name, *arguments in steps:
        getattr(life, name)(*arguments)
        for held in life.invariants:
            held.function(life)


#: Lives that lead through every rule in every way, so that each move is made at least once.
TOURS: dict[str, list[list[tuple[Any, ...]]]] = {
    "trading": [[("trade", 0, "buy", "accept"), ("trade", 1, "sell", "wait"), ("want_more_than_there_is", 0)]],
    "withdrawals": [
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
        [("the_other_platform_refuses", 0, "waiting"), ("the_other_platform_refuses", 1, "aside")],
        [("the_other_platform_refuses", 0, "approved")],
    ],
    "deposits": [
        [("announce", 0, "comes"), ("announce", 1, "cancelled"), ("announce", 0, "late")],
        [("a_block_gives_way", 0, True), ("a_block_gives_way", 1, False), ("mine", 25)],
        [("money_of_strangers", 0, then) for then in ("wait", "owner", "paid", "answer lost", "refused", "refused later")],
    ],
    "transfers": [
        [("send_and_think_again", 0), ("hand_over", 0, "confirm"), ("hand_over", 1, "cancel"), ("send", 1, "10"), ("time_goes_by", 90_000)],
        [("send_and_open", 1), ("time_goes_by", 90_000)],
    ],
    "counter": [
        [("go_shopping", 0, "pay"), ("go_shopping", 1, "run out"), ("go_shopping", 1, "too late")],
        [("the_counter_asks", 0, "pay twice"), ("the_counter_asks", 1, "cancel"), ("the_counter_asks", 1, "run out")],
        [("claim_a_card", 0, then) for then in ("prove", "give up", "too late", "lapse", "taken over")],
    ],
    "vouchers": [
        [("buy", 0, "pay"), ("buy", 1, "sold out"), ("buy", 0, "pay short"), ("buy", 1, "no code")],
        [("buy", 0, "pay twice"), ("buy", 1, "never pay"), ("buy", 0, "foreign code")],
        [("swap", 0, True, "give the code"), ("swap", 0, False, "foreign code"), ("swap", 1, True, "no code"), ("swap", 0, True, "too late")],
    ],
    "people": [
        [("sign_up", steps, "none") for steps in (1, 2, 3, 4, 5)],
        [("sign_up", 5, "prove"), ("sign_up", 5, "think again"), ("sign_up", 5, "change")],
        [("somebody_is_conspicuous", 0, then) for then in ("leave", "clear", "case", "case and clear")],
        *[
            [("somebody_is_conspicuous", 1, "case"), *[("a_case_goes_on", to) for to in way]]
            for way in (("closed",), ("investigating", "reported", "open", "closed", "investigating"), ("investigating", "closed"))
        ],
    ],
    "identity": [
        [("hand_in", 2, False), ("say_who_one_is",), ("hand_in", 2, True), ("look_at_papers", 3, "approve"), ("look_at_papers", 2, "reject one"), ("hand_in", 2, False),
         ("look_at_papers", 2, "approve"), ("hand_in", 3, False), ("look_at_papers", 3, "reject"), ("hand_in", 3, True), ("look_at_papers", 3, "approve"), ("doubt_the_whole", True),
         ("say_who_one_is",)],
        [("say_who_one_is",), ("hand_in", 2, False), ("doubt_the_whole", True), ("say_who_one_is",), ("hand_in", 2, False), ("look_at_papers", 2, "reject"), ("doubt_the_whole", False),
         ("say_who_one_is",)],
        [("say_who_one_is",), ("hand_in", 2, False), ("look_at_papers", 2, "approve"), ("hand_in", 3, False), ("doubt_the_whole", True)],
    ],
    "institutions": [
        [("open_a_card", 0), ("check_a_person", 0, "leave"), ("check_a_person", 0, "reject"), ("check_a_person", 0, "approve"), ("check_a_person", 0, "approve"), ("open_a_card", 0),
         ("open_a_card", 0), ("do_with_a_card", 0, "papers"), ("do_with_a_card", 0, "activate"), ("do_with_a_card", 0, "fail"), ("do_with_a_card", 0, "papers"), ("do_with_a_card", 0, "pass"),
         ("do_with_a_card", 0, "freeze"), ("load_a_card", 0, "settled"), ("do_with_a_card", 0, "unfreeze"), ("load_a_card", 0, "settled"), ("load_a_card", 0, "refused later")],
        [("check_a_person", 1, "approve"), ("open_a_card", 1), ("load_a_card", 1, "settled"), ("do_with_a_card", 1, "activate"), ("load_a_card", 1, "answer lost"),
         ("load_a_card", 1, "refused"), *[("load_a_card", 1, "settled")] * 3],
    ],
}  # fmt: skip


def moves_seen(session: Any) -> set[tuple[str, str, str]]:
    """Every move that any thing has made."""
    rows = session.execute(sa.text("SELECT DISTINCT machine, from_state, to_state FROM state_changes"))
    return {tuple(row) for row in rows}


def judge(portal: Any, title: str, lived: type[Life]) -> None:
    """Prints the figures; fails on a move that nothing made, on one that no table has, and when nobody tried what must fail."""
    seen = {move for move in portal.db.read(moves_seen) if move[1] not in ("", "-")}
    cycles = {name for name, _, _ in seen & DECLARED}
    drawn = {(machine.name, *move): why for machine in MACHINES.values() for move, why in machine.drawn.items()}
    table(
        title, lives=BUDGET.max_examples, acts=lived.steps, life_cycles=f"{len(cycles)} of {len(MACHINES)}",
        moves=f"{len(seen & DECLARED)} of {len(DECLARED)}", undeclared=len(seen - DECLARED),
        drawn_by_a_contract_alone=len(drawn), cross_uses_of_codes=f"0 of {lived.crossed}",
        self_approvals=f"{lived.own_approvals_counted} of {lived.own_approvals}",
    )  # fmt: skip
    for (name, before, after), why in sorted(drawn.items()):
        print(f"  {name} {before} → {after} is never made: {why}")
    assert seen == DECLARED, f"never made: {sorted(DECLARED - seen)}; in no table: {sorted(seen - DECLARED)}"
    assert lived.crossed and lived.own_approvals, "nobody tried a foreign code, or to say yes twice"


@pytest.mark.parametrize("engine", ["sqlite", "postgres"] if FULL else ["sqlite"])
def test_any_order_of_acts_ends_as_the_model_says(engine, app_with):
    app = app_with(engine)
    portal = app.extensions["portal"]
    with app.app_context():
        lived = live_through(portal, BUDGET, TOURS)
    judge(portal, f"machine: {engine}", lived)


def young_blocks_are_solid() -> Any:
    usual = SandboxChain.head

    def hasty(chain: SandboxChain) -> ChainHead:
        head = usual(chain)
        return ChainHead(head.number, head.block_hash, head.number)

    return mock.patch.object(SandboxChain, "head", hasty)


def failed_loads_stay_with_the_house() -> Any:
    usual = ledger.post

    def keep(session: Any, kind: str, *rest: Any, **more: Any) -> Any:
        return None if kind == "card_load_refunded" else usual(session, kind, *rest, **more)

    return mock.patch.object(ledger, "post", keep)


def any_code_will_do() -> Any:
    return mock.patch.object(codes, "verify", lambda *given: None)


@pytest.mark.parametrize(
    ("breaks", "tours"),
    [
        (young_blocks_are_solid, ["deposits"]),
        (failed_loads_stay_with_the_house, ["institutions"]),
        (any_code_will_do, ["vouchers"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_build_is_caught(app_with, breaks, tours):
    app = app_with("sqlite")
    with app.app_context(), breaks(), pytest.raises(AssertionError):
        live_through(app.extensions["portal"], tours=tours)


def test_a_life_that_leaves_moves_out_is_caught(app_with):
    app = app_with("sqlite")
    with app.app_context():
        lived = live_through(app.extensions["portal"], tours=["trading"])
    with pytest.raises(AssertionError, match="never made: .*'card_load', 'submitted', 'sent'"):
        judge(app.extensions["portal"], "machine: trading alone", lived)
