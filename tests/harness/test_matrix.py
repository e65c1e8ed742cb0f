"""surface: route × person × owner × second factor over the demo world; what is not one's own looks as if it were not (PROMISES 9)."""

import random
import re
import uuid
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from portal import application
from portal.api.partner.family import family as partner_family
from portal.sandbox import demo
from portal.services import sessions, withdrawals
from tests.harness.report import FULL, table
from tests.harness.test_surface import families
from tests.support import desk, partners, people
from tests.support.families import PartnerClient

pytestmark = pytest.mark.harness

SEED = 66
PER_ROUTE = 500 if FULL else 2
#: Shown to everybody by their nature: the market, shops and what they ask for, pictures, the reference, links that are keys.
OPEN = re.compile(
    r"web\.(statement_\w+|language|docs\w*|company_logo|store_page|pay(_preview|_ask)?|captcha\w*|lock\w*)|voucher\.(get_store|list_bank_branches)"
    r"|brokerage\.\w*(chart|ticker|bank)\w*"
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class World:
    """The demo world: every id that anything in it has, by table, and people of every kind at the doors."""

    def __init__(self, app: Flask) -> None:
        self.app, self.portal = app, app.extensions["portal"]
        with app.app_context():
            demo.load(self.portal)
        owner = people.customer(self.portal, usdt="100")
        wanted = withdrawals.Request(
            owner_kind="customer", owner_id=owner.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
            amount_units=50_000_000, address="TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj",
        )  # fmt: skip
        self.withdrawal = self.portal.db.transact(withdrawals.request, wanted).public_id
        self.ids = self.portal.db.read(_ids)
        self.owners = self.portal.db.read(_customers)
        stranger = people.customer(self.portal, usdt="10")
        half = self.portal.db.transact(_half, self.owners[0])
        tokens = {"nobody": "", "half": half, "stranger": stranger.token}
        self.visitors = {name: Visitor(app, token) for name, token in tokens.items()}
        for number in self.owners:
            token = self.portal.db.transact(_full, number, "brokerage")
            self.visitors[f"owner {number}"] = Visitor(app, token, self.portal.db.transact(_full, number, "voucher"))
        self.visitors["stranger"].bearer = stranger.voucher_token()
        member = desk.member(self.portal, "admin")
        self.visitors["owner staff"] = Visitor(app, "", staff=desk.Desk(app, member).raw)

    def values(self, name: str, chance: random.Random) -> list[str]:
        """What a variable of a path may be filled with: ids of all tables, or those of the thing it names."""
        wanted = {"store": ("stores",), "institution": ("institutions",)}.get(name.removesuffix("_id"))
        found = [value for kind, values in self.ids.items() if wanted is None or kind in wanted for value in values]
        return chance.sample(found, min(len(found), PER_ROUTE))


class Visitor:
    """Somebody at the doors: pages by cookie, families by header."""

    def __init__(self, app: Flask, token: str, bearer: str = "", staff: Any = None) -> None:
        self.token, self.bearer, self.client = token, bearer or token, staff or app.test_client()
        if token:
            self.client.set_cookie("token", token)

    def ask(self, method: str, path: str) -> tuple[int, str]:
        """Status and plain body of an answer, without anything that differs between two equal ones."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        if path.startswith(("/v1", "/bitgin")) and self.token:
            headers["token"] = self.token
        if path.startswith("/api/v1") and self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        answer = self.client.open(
            path, method=method, headers=headers, **({"json": {}} if "/v1" in path and method != "GET" else {})
        )
        return answer.status_code, _plain(
            answer.data.decode(errors="replace") + answer.headers.get("Location", ""), path
        )


def _plain(text: str, path: str) -> str:
    for part in sorted(
        (part for part in path.split("/") if len(part) > 2 and part not in _WORDS), key=len, reverse=True
    ):
        text = text.replace(part, "…")
    text = re.sub(r'(nonce|value|content)="[^"]*"|[0-9A-Fa-f]{16,}|\d+', "…", _UUID.sub("…", text))
    return re.sub("…+", "…", text)


#: Parts of paths that are words of the pages as well.
_WORDS = frozenset(
    ("accounts", "status", "verify", "send", "wallet", "withdraw", "confirm", "cancel", "resend", "orders", "vouchers")
)


def _ids(session: Any) -> dict[str, list[str]]:
    """The ids of up to three things of every table, as a path would name them."""
    found: dict[str, list[str]] = {}
    for name in sorted(sa.inspect(session.connection()).get_table_names()):
        columns = {column["name"] for column in sa.inspect(session.connection()).get_columns(name)}
        for column in sorted(columns & {"public_id", "id", "tx_id", "code", "card_no"}):
            rows = session.execute(sa.text(f'SELECT "{column}" FROM "{name}" LIMIT 3')).scalars()
            found.setdefault(name, []).extend(str(row) for row in rows if row is not None)
    return found


def _customers(session: Any) -> list[int]:
    return list(session.scalars(sa.text("SELECT id FROM customers ORDER BY id LIMIT 8")))


def _half(session: Any, customer_id: int) -> str:
    return sessions.open_session(
        session, customer_id, "brokerage", sessions.SECOND_FACTOR, ip="127.0.0.1", user_agent="t"
    )


def _full(session: Any, customer_id: int, family: str) -> str:
    return sessions.open_session(session, customer_id, family, sessions.FULL, ip="127.0.0.1", user_agent="t")


def like(value: str, chance: random.Random) -> str:
    """Something that looks the same and does not exist."""
    if _UUID.fullmatch(value):
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))
    if value.isdigit():
        return (
            str(10 ** (len(value) + 6) + chance.randrange(10**6))
            if len(value) < 12
            else value[:-6] + f"{chance.randrange(10**6):06d}"
        )
    return "".join(chance.choice("abcdefghjkmnpqrstuvwxyz") if letter.isalpha() else letter for letter in value)


@pytest.fixture
def world(sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> World:
    """The token of forms is left out here (it has a harness of its own), so that what lies behind it is tried."""
    monkeypatch.setattr(application.csrf, "protect", lambda: None)
    return World(sqlite_app)


def routes(app: Flask, *, named: bool) -> list[tuple[Rule, str]]:
    """Every route of pages and families, with or without variables, once per method."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if bool(rule._converters) == named and rule.endpoint.partition(".")[0] in _KINDS
    ]


_KINDS = ("web", "merchant", "partner", "staff", "brokerage", "voucher")
#: Ends the visitor's own session; tried apart, or nobody could go on.
_ENDS = re.compile(r"log_?out|sign_out|freeze|lock|everywhere|end_")


def test_every_route_before_every_visitor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One world for all four: it takes longer to make than to look at."""
    what_is_anothers_looks_as_if_it_were_not_there(world)
    every_route_asks_for_the_session_and_the_second_factor_alike(world)
    no_institution_opens_anything_of_anothers(world)
    a_build_that_forgets_whose_a_withdrawal_is_is_caught(world, monkeypatch)


def what_is_anothers_looks_as_if_it_were_not_there(world: World) -> None:
    chance, adapter = random.Random(SEED), world.app.url_map.bind("localhost")
    leaks: list[str] = []
    tried, opened, asked = 0, set(), Counter[str]()
    named = [found for found in routes(world.app, named=True) if not OPEN.fullmatch(found[0].endpoint)]
    for rule, method in named if FULL else chance.sample(named, len(named) // 4):
        names = [name for name in rule._converters if name not in ("act", "locale", "language", "slug")]
        for number in range(PER_ROUTE if FULL else 2):
            values = {name: chance.choice(world.values(name, chance)) for name in names}
            if number % 2:  # the right kind of thing first, any other afterwards
                values = {name: chance.choice([v for vs in world.ids.values() for v in vs]) for name in names}
            other = {name: like(value, chance) for name, value in values.items()}
            try:
                paths = [
                    adapter.build(rule.endpoint, {**_fixed(rule), **each}, method=method) for each in (values, other)
                ]
            except ValueError:
                continue
            for who in ("nobody", "half", "stranger"):
                tried += 1
                real, made_up = (world.visitors[who].ask(method, path) for path in paths)
                asked[f"{who} {real[0]}"] += 1
                if real != made_up:
                    leaks.append(
                        f"{who}: {method} {paths[0]}: {real[0]} {real[1][:80]!r} / {made_up[0]} {made_up[1][:80]!r}"
                    )
            if method == "GET":
                owners = [name for name in world.visitors if name.startswith("owner")]
                if any(
                    world.visitors[name].ask(method, paths[0])[0] == 200
                    for name in (owners if FULL else chance.sample(owners, 2))
                ):
                    opened.add(rule.endpoint)
            if FULL and number >= 13:
                break
    gets = {rule.endpoint for rule, method in named if method == "GET"}
    table(
        "surface: route × person × owner", seed=SEED, routes=len(named), tried=tried, answers=dict(asked),
        opened_for_their_owners=f"{len(opened)} of {len(gets)}", wrongly_allowed=len(leaks),
    )  # fmt: skip
    assert not leaks, "\n".join(leaks[:20])
    assert len(opened) > (len(gets) // 4 if FULL else 1), "hardly anything opened for its owner: this proves nothing"


def _fixed(rule: Rule) -> dict[str, str]:
    chosen = {"locale": "en", "language": "python", "slug": "selfie"}
    for name, converter in rule._converters.items():
        if name == "act":
            chosen[name] = sorted(converter.items)[0]
    return {name: value for name, value in chosen.items() if name in rule._converters}


def every_route_asks_for_the_session_and_the_second_factor_alike(world: World) -> None:
    wrong: list[str] = []
    tried = 0
    for family, base in families():
        for operation in family.operations:
            if operation.auth in ("none", "optional", "second_factor") or "signature" in operation.auth:
                continue
            path = base + re.sub(r"<(?:\w+:)?(\w+)>", "1", operation.path)
            for who in ("nobody", "half"):
                tried += 1
                status, body = world.visitors[who].ask(operation.method, path)
                if status < 400 or status >= 500:
                    wrong.append(f"{who}: {operation.method} {path}: {status} {body[:100]}")
    for rule, method in routes(world.app, named=False):
        if (
            rule.endpoint.partition(".")[0] in ("brokerage", "voucher")
            or method != "GET"
            or OPEN.fullmatch(rule.endpoint)
        ):
            continue
        tried += 1
        said = {who: world.visitors[who].ask(method, rule.rule) for who in ("nobody", "half", "stranger")}
        if (
            said["half"][0] == 200
            and said["nobody"][0] != 200
            and "second" not in rule.rule
            and "login" not in rule.rule
        ):
            wrong.append(f"half: {rule.rule}: {said['half'][0]}")
        if rule.endpoint.startswith("staff.") and said["stranger"][0] < 400 and said["stranger"] != said["nobody"]:
            wrong.append(f"a customer in the back office: {rule.rule}: {said['stranger'][0]}")
    table("surface: route × second factor", routes=tried, wrongly_allowed=len(wrong))
    assert not wrong, "\n".join(wrong[:20])


def no_institution_opens_anything_of_anothers(world: World) -> None:
    chance, mine = random.Random(SEED), partners.partner(world.app)
    client: PartnerClient = mine.client
    leaks, tried = [], 0
    ids = [value for values in world.ids.values() for value in values]
    for operation in partner_family.operations:
        fields = (
            list((operation.body or operation.query).model_json_schema()["properties"])
            if operation.body or operation.query
            else []
        )
        keyed = [name for name in fields if name in ("card_no", "acct_no", "tx_id", "cust_tx_id")]
        for value in chance.sample(ids, min(len(ids), PER_ROUTE)):
            said = []
            for each in (value, like(value, chance)):
                path = re.sub(r"<(?:\w+:)?(\w+)>", each, operation.path)
                filled = {name: each if name in keyed else "1" for name in fields}
                more = {"query": filled} if operation.query and filled else {}
                answer = client.call(operation.method, path, filled if operation.body else None, **more)
                said.append((answer.status_code, _plain(answer.text, f"{path}/{each}")))
            tried += 1
            if said[0] != said[1] and not (operation.path.endswith("/status") and "Not allowed to query" in said[0][1]):
                leaks.append(f"{operation.method} {operation.path} with {value}: {said}")
    table("surface: route × institution", tried=tried, wrongly_allowed=len(leaks))
    assert not leaks, "\n".join(leaks[:20])


def a_build_that_forgets_whose_a_withdrawal_is_is_caught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.models.wallet import Withdrawal

    def careless(session: Any, owner_kind: str, owner_id: int, public_id: str) -> Withdrawal:
        found = session.scalar(sa.select(Withdrawal).where(Withdrawal.public_id == public_id))
        return found or usual(session, owner_kind, owner_id, public_id)

    usual = withdrawals.find
    monkeypatch.setattr(withdrawals, "find", careless)
    public_id = world.withdrawal
    stranger = world.visitors["stranger"]
    assert stranger.ask("GET", f"/wallet/withdraw/{public_id}") != stranger.ask(
        "GET", f"/wallet/withdraw/{uuid.uuid4()}"
    )
