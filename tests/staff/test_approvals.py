"""Two people: one proposes, another decides, it happens once, and the database itself holds them to it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.errors import Refusal
from portal.models.staff import Approval
from portal.money import parse_units
from portal.services import adjustments, approvals, parameters, staff_accounts, staff_sessions, staff_settings
from portal.services.staff_sessions import SignedInStaff
from tests.support import desk, people


def at_desk(portal: Any, who: desk.Member) -> SignedInStaff:
    """A member as the services see them."""
    token = portal.db.transact(
        staff_sessions.open_session, who.id, staff_sessions.FULL, ip="127.0.0.1", user_agent="test"
    )
    found = portal.db.read(staff_sessions.resolve, token)
    assert found is not None
    return found


@pytest.fixture
def maker(portal: Any) -> SignedInStaff:
    return at_desk(portal, desk.member(portal, "finance", "treasury", "admin"))


@pytest.fixture
def checker(portal: Any) -> SignedInStaff:
    return at_desk(portal, desk.member(portal, "treasury", "admin"))


@pytest.fixture
def amy(portal: Any) -> people.Person:
    return people.customer(portal, twd="100")


def propose(portal: Any, maker: SignedInStaff, amy: people.Person, amount: str = "50") -> Approval:
    subject, payload = adjustments.proposal(
        "customer", amy.id, "TWD", "available", parse_units(amount, "TWD"), "adjustments"
    )
    return portal.db.transact(approvals.propose, maker, adjustments.KIND, subject, payload, "a gift of thanks")


def refused(name: str, work: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(Refusal) as caught:
        work(*arguments)
    assert caught.value.name == name


def test_an_adjustment_is_posted_once_with_the_second_persons_yes(
    portal: Any, transact: Callable[..., Any], maker: SignedInStaff, checker: SignedInStaff, amy: people.Person
) -> None:
    made = propose(portal, maker, amy)
    assert amy.balance("TWD") == parse_units("100", "TWD")
    done = transact(approvals.approve, checker, made.public_id)
    assert (done.status, done.checker_id) == ("approved", checker.staff_id)
    assert amy.balance("TWD") == parse_units("150", "TWD")
    assert portal.db.read(ledger.balance, ledger.house("adjustments", "TWD")) == -parse_units("50", "TWD")
    refused("approval_decided", transact, approvals.approve, checker, made.public_id)
    refused("approval_decided", transact, approvals.reject, checker, made.public_id, "too late")
    assert amy.balance("TWD") == parse_units("150", "TWD")


def test_nobody_approves_their_own_proposal(
    portal: Any, transact: Callable[..., Any], maker: SignedInStaff, amy: people.Person
) -> None:
    made = propose(portal, maker, amy)
    refused("approval_own", transact, approvals.approve, maker, made.public_id)
    refused("approval_own", transact, approvals.reject, maker, made.public_id, "never mind")
    assert transact(approvals.withdraw, maker, made.public_id).status == "withdrawn"


@pytest.mark.parametrize(
    "change",
    [
        "status = 'approved', checker_id = maker_id, decided_at = created_at",
        "checker_id = maker_id",
        "status = 'approved', decided_at = created_at",
        "payload = '{\"units\": 1}'",
        "maker_id = :checker",
        "kind = 'something else'",
        "subject = 'house:0'",
        "reason = 'another reason'",
    ],
)
def test_the_database_refuses_self_approval_and_any_change_of_a_proposal(
    portal: Any, maker: SignedInStaff, checker: SignedInStaff, amy: people.Person, change: str
) -> None:
    made = propose(portal, maker, amy)
    with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE approvals SET {change} WHERE id = :id").bindparams(
                id=made.id, **({"checker": checker.staff_id} if ":checker" in change else {})
            )
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals SET decision_reason = 'edited' WHERE id = :id",
        "UPDATE approvals SET status = 'pending', checker_id = NULL, decided_at = NULL WHERE id = :id",
        "UPDATE approvals SET result = NULL WHERE id = :id",
        "DELETE FROM approvals WHERE id = :id",
    ],
)
def test_the_database_refuses_any_change_after_the_decision(
    portal: Any,
    transact: Callable[..., Any],
    maker: SignedInStaff,
    checker: SignedInStaff,
    amy: people.Person,
    statement: str,
) -> None:
    made = propose(portal, maker, amy)
    transact(approvals.approve, checker, made.public_id)
    with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
        connection.execute(sa.text(statement).bindparams(id=made.id))


def test_the_database_refuses_an_approval_that_was_never_proposed(
    portal: Any, maker: SignedInStaff, checker: SignedInStaff, amy: people.Person
) -> None:
    propose(portal, maker, amy)
    columns = "kind, subject, payload, reason, maker_id, created_at"
    with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
        connection.execute(
            sa.text(
                f"INSERT INTO approvals (public_id, {columns}, checker_id, status, decided_at)"
                f" SELECT 'forged', {columns}, :checker, 'approved', created_at FROM approvals"
            ).bindparams(checker=checker.staff_id)
        )


def test_what_cannot_be_done_is_said_when_it_is_proposed(portal: Any, maker: SignedInStaff, amy: people.Person) -> None:
    subject, payload = adjustments.proposal("customer", amy.id, "TWD", "available", -(10**10), "adjustments")
    refused(
        "insufficient_balance", portal.db.transact, approvals.propose, maker, adjustments.KIND, subject, payload, "take"
    )
    subject, payload = adjustments.proposal("customer", 10**9, "TWD", "available", 1, "adjustments")
    refused(
        "adjustment_account_unknown",
        portal.db.transact, approvals.propose, maker, adjustments.KIND, subject, payload, "whose",
    )  # fmt: skip
    assert amy.balance("TWD") == parse_units("100", "TWD")


def test_an_act_that_became_impossible_stays_undecided(
    portal: Any, transact: Callable[..., Any], maker: SignedInStaff, checker: SignedInStaff, amy: people.Person
) -> None:
    units = parse_units("80", "TWD")
    subject, payload = adjustments.proposal("customer", amy.id, "TWD", "available", -units, "adjustments")
    first = transact(approvals.propose, maker, adjustments.KIND, subject, payload, "one of two")
    payload = {**payload, "counter": "suspense"}
    second = transact(approvals.propose, maker, adjustments.KIND, subject, payload, "two of two")
    transact(approvals.approve, checker, first.public_id)
    refused("insufficient_balance", transact, approvals.approve, checker, second.public_id)
    assert portal.db.read(approvals.find, second.public_id).status == "pending"


def test_the_same_thing_is_not_proposed_twice_at_once(portal: Any, maker: SignedInStaff, amy: people.Person) -> None:
    propose(portal, maker, amy)
    refused("approval_same", propose, portal, maker, amy)


def test_an_old_proposal_is_not_carried_out(
    portal: Any,
    transact: Callable[..., Any],
    travel: Callable[[int], Any],
    maker: SignedInStaff,
    checker: SignedInStaff,
    amy: people.Person,
) -> None:
    made = propose(portal, maker, amy)
    travel(15 * 86400)
    refused("approval_expired", transact, approvals.approve, checker, made.public_id)


def test_a_rule_changes_with_the_second_yes_and_keeps_its_versions(
    portal: Any, transact: Callable[..., Any], maker: SignedInStaff, checker: SignedInStaff
) -> None:
    name = "withdrawal_approval"
    wanted = {**parameters.DEFAULTS[name], "one_above_twd": "1000"}
    subject, payload = portal.db.read(staff_settings.proposal, name, wanted)
    assert payload["before"] == {"one_above_twd": parameters.DEFAULTS[name]["one_above_twd"]}
    made = transact(approvals.propose, maker, staff_settings.KIND, subject, payload, "more eyes")
    assert portal.db.read(parameters.get, name)["one_above_twd"] != "1000"
    transact(approvals.approve, checker, made.public_id)
    assert portal.db.read(parameters.get, name)["one_above_twd"] == "1000"
    other = {**payload, "after": {"one_above_twd": "2000"}}
    refused("approval_overtaken", transact, approvals.propose, maker, staff_settings.KIND, subject, other, "stale")


def test_roles_are_given_by_two_others_and_never_to_oneself(
    portal: Any, transact: Callable[..., Any], maker: SignedInStaff, checker: SignedInStaff
) -> None:
    from portal.services import staff_roles

    newcomer = desk.member(portal, "support")
    subject, payload = portal.db.read(staff_roles.payload_of_roles, newcomer.public_id, ["support", "finance"])
    made = transact(approvals.propose, maker, "staff.roles", subject, payload, "moves to finance")
    transact(approvals.approve, checker, made.public_id)
    assert portal.db.read(staff_accounts.roles_of, newcomer.id) == ["finance", "support"]
    subject, payload = portal.db.read(staff_roles.payload_of_roles, checker.public_id, ["admin"])
    made = transact(approvals.propose, maker, "staff.roles", subject, payload, "fewer roles")
    refused("staff_not_oneself", transact, approvals.approve, checker, made.public_id)


def test_two_who_may_give_roles_are_always_left(
    portal: Any, transact: Callable[..., Any], maker: SignedInStaff, checker: SignedInStaff
) -> None:
    from portal.services import staff_roles

    third = at_desk(portal, desk.member(portal, "admin"))
    for person, ends in ((third, None), (checker, "roles_last_admin")):
        subject, payload = portal.db.read(staff_roles.payload_of_roles, person.public_id, ["support"])
        if ends:
            refused(ends, transact, approvals.propose, maker, "staff.roles", subject, payload, "leaves")
        else:
            made = transact(approvals.propose, maker, "staff.roles", subject, payload, "leaves")
            transact(approvals.approve, checker, made.public_id)


def test_the_page_of_approvals_is_used_by_two_desks(
    app: Flask, portal: Any, maker: SignedInStaff, amy: people.Person
) -> None:
    made = propose(portal, maker, amy)
    other = desk.desk(app, "treasury")
    page = other.page("/staff/approvals")
    page = other.page(str(page.one("#list td a")["href"]))
    assert "+50.00\xa0TWD" in page.text
    page = other.submit(page, "/approve")
    assert "Approved and carried out." in page.text
    assert amy.balance("TWD") == parse_units("150", "TWD")
    answer = other.raw.post(f"/staff/approvals/{made.public_id}/approve", data={"csrf_token": _token(other)})
    assert answer.status_code == 403
    assert desk.audited(portal, "staff.refused")[-1].details == {"needs": "approval_decided"}


def _token(who: desk.Desk) -> str:
    return str(who.page("/staff").one("meta[name=csrf-token]")["content"])


def test_approving_ones_own_is_refused_with_403_and_written_down(app: Flask, portal: Any, amy: people.Person) -> None:
    who = desk.desk(app, "finance", "treasury")
    made = propose(portal, at_desk(portal, who.member), amy)
    page = who.page(f"/staff/approvals/{made.public_id}")
    assert "Another person decides" in page.text
    answer = who.raw.post(f"/staff/approvals/{made.public_id}/approve", data={"csrf_token": _token(who)})
    assert answer.status_code == 403
    assert desk.audited(portal, "staff.refused")[-1].details == {"needs": "approval_own"}
    who.submit(page, "/withdraw")


def test_a_role_without_the_right_neither_sees_nor_decides(
    app: Flask, portal: Any, maker: SignedInStaff, amy: people.Person
) -> None:
    made = propose(portal, maker, amy)
    who = desk.desk(app, "support")
    assert not who.page("/staff/approvals").all("#list td a")
    who.page(f"/staff/approvals/{made.public_id}", 403)
    answer = who.raw.post(f"/staff/approvals/{made.public_id}/approve", data={"csrf_token": _token(who)})
    assert answer.status_code == 403
    assert amy.balance("TWD") == parse_units("100", "TWD")
