"""The sandbox's front page for people: who may sign in, what was mailed, and every lever as a form."""

from dataclasses import dataclass
from typing import Any

import pyotp
from flask import Response, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue

from portal import permissions
from portal.errors import N_
from portal.http import portal
from portal.sandbox import blueprint, demo_customers, demo_merchants, demo_staff
from portal.sandbox.levers_world import PORTS, world
from portal.web import rendering

#: Messages shown on the page.
SHOWN = 12


@dataclass(frozen=True)
class Entry:
    """A field of a lever's form: `kind` is text, whole, choice or lines; `start` what stands in it at first."""

    name: str
    label: str
    kind: str = "text"
    start: str = ""
    choices: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Lever:
    """A lever with the path scripts pull it by."""

    name: str
    path: str
    title: str
    text: str
    entries: tuple[Entry, ...]
    icon: str


_NETWORK = Entry("network", N_("Network"), "choice", "TRON", ("TRON", "ETHEREUM"))

LEVERS = (
    Lever(
        "bank", "/sandbox/bank/credits", N_("Money arrives at the bank"),
        N_("On a virtual account of a customer or an order, or on an account of a company."),
        (Entry("account", N_("Account")), Entry("amount", N_("Amount in TWD"), start="10000"),
         Entry("payer_account", N_("Payer's account"), required=False), Entry("payer_name", N_("Payer"), required=False),
         Entry("reference", N_("Bank reference"), required=False)),
        "landmark",
    ),
    Lever(
        "transfer", "/sandbox/chain/transfers", N_("A transfer on a chain"),
        N_("It lands in the next block and is credited once blocks have gone by."),
        (_NETWORK, Entry("asset", N_("Asset"), "choice", "USDT", ("USDT", "ETH", "TWIP", "TWIG")),
         Entry("to", N_("To the address")), Entry("amount", N_("Amount"), start="100")),
        "link",
    ),
    Lever(
        "blocks", "/sandbox/chain/blocks", N_("Blocks go by"), N_("On both networks."),
        (Entry("count", N_("How many"), "whole", "30"),), "layers",
    ),
    Lever(
        "clock", "/sandbox/clock", N_("Move the clock"), N_("Forward, for every process of this portal."),
        (Entry("advance_seconds", N_("Seconds"), "whole", "3600"),), "fast-forward",
    ),
    Lever(
        "price", "/sandbox/prices", N_("Move the market"), N_("The portal sees the new price at once."),
        (Entry("symbol", N_("Market"), "choice", "USDT-TWD", ("USDT-TWD", "ETH-TWD")),
         Entry("price", N_("Price in TWD"), start="32.5")),
        "chart-line",
    ),
    Lever(
        "kyc", "/sandbox/kyc/decisions", N_("Decide an identity check"), N_("As the reviewing staff would."),
        (Entry("login", N_("User name or e-mail")), Entry("level", N_("Level"), "whole", "2"),
         Entry("decision", N_("Decision"), "choice", "approve", ("approve", "reject")),
         Entry("reason", N_("Reason"), required=False)),
        "id-card",
    ),
    Lever(
        "fault", "/sandbox/faults", N_("Let something go wrong"), N_("The next calls of a port fail in the chosen way."),
        (Entry("port", N_("Port"), "choice", "mail", PORTS),
         Entry("fault", N_("Fault"), "choice", "timeout", ("timeout", "error", "reject", "duplicate", "lost_answer")),
         Entry("count", N_("How often"), "whole", "1")),
        "triangle-alert",
    ),
    Lever(
        "worker", "/sandbox/worker/run", N_("Run the worker now"), N_("Everything that is due is done before it answers."),
        (), "play",
    ),
)  # fmt: skip
#: What people are at a store, as its console says it.
_STORE_ROLES = {"owner": N_("Owner"), "cashier": N_("Cashier"), "viewer": N_("Viewer")}
BY_NAME = {lever.name: lever for lever in LEVERS}


@blueprint.get("/", strict_slashes=False)
def home() -> ResponseReturnValue:
    """Shows people, messages and levers."""
    return _page({}, None)


@blueprint.post("/pull/<name>")
def pull(name: str) -> ResponseReturnValue:
    """Pulls a lever the way a script would and says what it answered."""
    lever = BY_NAME.get(name)
    if lever is None:
        return redirect("/sandbox/", 303)
    typed = {entry.name: request.form.get(entry.name, "").strip() for entry in lever.entries}
    values = {entry.name: _value(entry, typed[entry.name]) for entry in lever.entries if typed[entry.name]}
    answer = _as_script(lever.path, values)
    if answer.status_code != 200:
        return _page({name: typed}, (name, answer.get_json(silent=True) or {}), 422)
    flash(f"{lever.path}: {answer.get_data(as_text=True).strip()[:300]}", "success")
    return redirect(f"/sandbox/#{name}", 303)


def _value(entry: Entry, text: str) -> Any:
    return int(text) if entry.kind == "whole" and text.isascii() and text.isdigit() and len(text) < 12 else text


def _as_script(path: str, values: dict[str, Any]) -> Response:
    with current_app.test_request_context(path, method="POST", json=values):
        return current_app.full_dispatch_request()


def _page(typed: dict[str, dict[str, str]], problem: tuple[str, dict[str, Any]] | None, status: int = 200) -> Response:
    to = request.args.get("to", "")[:200]
    query = "SELECT * FROM messages WHERE recipient = ? COLLATE NOCASE ORDER BY id DESC LIMIT ?"
    messages = (
        world().rows(query, to, SHOWN) if to else world().rows("SELECT * FROM messages ORDER BY id DESC LIMIT ?", SHOWN)
    )
    moment = portal().clock.now()
    return rendering.page(
        "sandbox/home.html",
        None,
        status,
        customers=[(person, pyotp.TOTP(person.totp_secret).at(moment)) for person in demo_customers.PEOPLE],
        customer_password=demo_customers.PASSWORD,
        staff=[(email, roles, secret, pyotp.TOTP(secret).at(moment)) for email, _, roles, secret in demo_staff.STAFF],
        role_words={**permissions.ROLES, **_STORE_ROLES},
        staff_password=demo_staff.PASSWORD,
        merchants=portal().db.read(demo_merchants.shown),
        merchant_pin=demo_merchants.PIN,
        messages=messages,
        to=to,
        levers=LEVERS,
        typed=typed,
        problem=problem,
        moment=moment,
    )
