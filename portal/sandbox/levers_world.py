"""Levers of the sandbox that belong to no subject: messages, captchas, clock, prices, faults, worker."""

import logging
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.api import parsing
from portal.clock import SandboxClock
from portal.errors import Refusal
from portal.http import portal
from portal.models.security import Captcha
from portal.ports import FAULTS, PortError, PortRejected
from portal.sandbox import levers
from portal.services import prices as market
from portal.worker.loop import run_until_idle
from portal.worker.prices import watch as watch_prices

if TYPE_CHECKING:
    from portal.adapters.sandbox.world import World

log = logging.getLogger(__name__)

PORTS = ("mail", "sms", "bank", "chain", "card_network", "rates", "files", "travel_rule")


def world() -> "World":
    """The sandbox's outside world."""
    found = portal().world
    assert found is not None
    return found


def body() -> dict[str, Any]:
    """The lever's JSON input."""
    return parsing.json_object(request)


def text(values: dict[str, Any], name: str) -> str:
    """A required text. Raises Refusal `input_missing` or `input_invalid`."""
    if name not in values:
        raise Refusal("input_missing", field=name)
    if not isinstance(values[name], str) or not values[name] or "\x00" in values[name]:
        raise Refusal("input_invalid", field=name)
    return str(values[name])


def whole(values: dict[str, Any], name: str, *, least: int, most: int) -> int:
    """A required whole number within bounds. Raises Refusal `input_missing` or `input_invalid`."""
    if name not in values:
        raise Refusal("input_missing", field=name)
    number = values[name]
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise Refusal("input_invalid", field=name)
    return number


@levers.get("/messages")
def messages() -> ResponseReturnValue:
    """Mails and SMS sent to an address or phone, newest first; all when `to` is missing."""
    to = _recipient(request.args.get("to", ""))
    query = "SELECT * FROM messages WHERE recipient = ? COLLATE NOCASE ORDER BY id DESC LIMIT 100"
    rows = world().rows(query, to) if to else world().rows("SELECT * FROM messages ORDER BY id DESC LIMIT 100")
    return {
        "messages": [
            {
                "id": row["id"],
                "channel": row["channel"],
                "to": row["recipient"],
                "subject": row["subject"],
                "body": row["body"],
                "code": row["code"],
                "created_at": row["created_at"],
            }
            for row in rows
        ]
    }


def _recipient(to: str) -> str:
    """Whom a script means: a plus sign that a query turned into a blank, or a number as it is dialled in Taiwan."""
    if to.startswith(" "):
        to = "+" + to.strip()
    return "+886" + to[1:] if re.fullmatch(r"09[0-9]{8}", to) else to


@levers.get("/captchas/<captcha_id>")
def captcha(captcha_id: str) -> ResponseReturnValue:
    """The text of a captcha that has not served yet."""
    found = portal().db.read(_captcha_text, captcha_id)
    if found is None:
        raise Refusal("not_found")
    return {"text": found}


def _captcha_text(session: Session, captcha_id: str) -> str | None:
    return session.scalar(sa.select(Captcha.text).where(Captcha.id == captcha_id))


@levers.post("/clock")
def clock() -> ResponseReturnValue:
    """Moves the portal's clock forward, for every process."""
    moved = portal().clock
    assert isinstance(moved, SandboxClock)
    seconds = whole(body(), "advance_seconds", least=0, most=10 * 366 * 86400)
    answer = moved.advance(seconds).isoformat()
    try:
        watch_prices(portal())  # the market has moved on with the clock: its prices are not suddenly old
    except (PortError, PortRejected):
        log.warning("the market does not answer")
    return {"now": answer}


@levers.post("/prices")
def prices() -> ResponseReturnValue:
    """Moves the market and lets the portal see it at once."""
    values = body()
    symbol = text(values, "symbol")
    price = parsing.decimal_of(values.get("price"), "price")
    rates: Any = portal().ports.rates  # the sandbox's twin, which can be moved
    if not world().rows("SELECT 1 FROM prices WHERE symbol = ?", symbol):
        raise Refusal("currency_unknown", field="symbol")
    if not Decimal(0) < price < Decimal(10) ** 9:
        raise Refusal("input_invalid", field="price")
    rates.set_price(symbol, price)
    portal().db.transact(market.record, {symbol: price}, "sandbox", trusted=True)
    run_until_idle(portal())
    return {"symbol": symbol, "price": str(price)}


@levers.post("/faults")
def faults() -> ResponseReturnValue:
    """The next calls of a port go wrong."""
    values = body()
    port, fault = text(values, "port"), text(values, "fault")
    if port not in PORTS:
        raise Refusal("input_invalid", field="port")
    if fault not in FAULTS:
        raise Refusal("input_invalid", field="fault")
    count = whole(values, "count", least=0, most=1000)
    world().set_fault(port, fault, count)
    return {"port": port, "fault": fault, "count": count}


@levers.post("/worker/run")
def worker_run() -> ResponseReturnValue:
    """Runs every due duty now and answers when idle."""
    return {"done": run_until_idle(portal())}
