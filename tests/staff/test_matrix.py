"""Every route of the console against every role: drawn from the map of routes, so that a new one cannot be forgotten."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.models.system import AuditRecord
from portal.permissions import PERMISSIONS, ROLES, STARTING_ROLES
from portal.services import approvals
from tests.support import desk, people
from tests.support.client import PageClient

#: Pages before one is signed in.
BEFORE = {
    "staff.login", "staff.login_post", "staff.second", "staff.second_post", "staff.bind", "staff.passkey_begin",
    "staff.passkey_finish", "staff.logout",
}  # fmt: skip

Route = tuple[str, str, tuple[str, ...]]


def routes(app: Flask) -> list[Route]:
    """(method, path, needed permissions) of everything behind the sign-in."""
    found = []
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("staff.") or rule.endpoint in BEFORE:
            continue
        needs = getattr(app.view_functions[rule.endpoint], "needs", None)
        assert needs is not None, f"{rule.endpoint} does not say who may use it"
        path = re.sub(r"<any\((\w+)[^)]*\):\w+>", r"\1", rule.rule)
        path = re.sub(r"<int:\w+>", "1", path)
        path = re.sub(r"<\w+>", "01890000-0000-7000-8000-000000000000", path)
        found += [(method, path, needs) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return sorted(found)


def call(who: PageClient, method: str, path: str, token: str) -> int:
    answer = who.raw.get(path) if method == "GET" else who.raw.post(path, data={"csrf_token": token})
    return int(answer.status_code)


def token_of(who: PageClient, page: str) -> str:
    return str(who.page(page).one("meta[name=csrf-token]")["content"])


def refusals(portal: Any, actor: str) -> int:
    query = sa.select(sa.func.count()).where(AuditRecord.action == "staff.refused", AuditRecord.actor == actor)
    return int(portal.db.read(lambda session: session.scalar(query)))


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_opens_what_it_may_and_every_other_try_is_written_down(app: Flask, portal: Any, role: str) -> None:
    who = desk.desk(app, role)
    token, allowed, refused = token_of(who, "/staff"), [], 0
    for method, path, needs in routes(app):
        if not needs or set(needs) & set(STARTING_ROLES[role]):
            allowed.append((method, path, needs))
            continue
        assert call(who, method, path, token) == 403, f"{role} got into {method} {path}"
        refused += 1
        assert refusals(portal, who.member.actor) == refused, f"{method} {path} left no trace"
    assert refused
    for method, path, needs in allowed:
        if not needs and method == "POST":
            continue  # acts on oneself and on proposals: their own tests
        assert call(who, method, path, token) in (200, 303, 400, 404, 422), f"{role}: {method} {path}"


def test_without_a_role_only_oneself_is_seen(app: Flask, portal: Any) -> None:
    who = desk.desk(app)
    token = token_of(who, "/staff")
    for method, path, needs in routes(app):
        if needs:
            assert call(who, method, path, token) == 403, f"{method} {path}"


def test_customers_and_strangers_see_nothing(app: Flask, portal: Any) -> None:
    amy = people.customer(portal)
    customer, stranger = PageClient(app), PageClient(app)
    customer.raw.set_cookie("token", amy.token)
    token, other = token_of(customer, "/"), token_of(stranger, "/")
    tried = 0
    for method, path, _ in routes(app):
        assert call(customer, method, path, token) == 403, f"{method} {path}"
        tried += 1
        answer = stranger.raw.open(path, method=method, data={"csrf_token": other} if method == "POST" else None)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/staff/login?next=")
    assert refusals(portal, f"customer:{amy.id}") == tried


def test_no_permission_is_without_use(app: Flask) -> None:
    used = {name for _, _, needs in routes(app) for name in needs}
    used |= {name for kind in approvals.KINDS.values() for name in (kind.propose, kind.approve)}
    assert used == set(PERMISSIONS)
    assert {name for names in STARTING_ROLES.values() for name in names} == set(PERMISSIONS)
