"""Buy and sell: an amount, a price held for a moment, one tap to accept, and the receipt."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import ledger
from portal.clock import to_ms
from portal.errors import N_, Refusal, declare
from portal.http import portal
from portal.models.customers import Customer
from portal.money import plain_text
from portal.services import offering, prices, pricing, quotes
from portal.services.pricing import BASE, ORDER, ORDER_ASSET
from portal.services.quotes import Held
from portal.web import blueprint, presentation, problems, rendering, repeats
from portal.web.access import customer_id, login_required

SIDES = (pricing.BUY, pricing.SELL)
_FIELDS = {"currency": "asset"}

declare({"amounts_two": N_("Please fill in one of the two amounts only.")})


@blueprint.get("/trade")
@login_required
def trade() -> ResponseReturnValue:
    """The form, with what is in the address already filled in."""
    return _form(_chosen(request.args), {})


@blueprint.post("/trade/preview")
@login_required
def trade_preview() -> ResponseReturnValue:
    """What it would come to now, by the very service that quotes: the block below the amounts, and the amount that was
    not typed. Another side or asset renews both."""
    touched = request.headers.get("HX-Trigger-Name", "")
    values = _chosen(request.form, touched)
    agreed, errors = None, {}
    if values["amount"]:
        try:
            agreed = portal().db.read(_indicate, customer_id(), values)
        except Refusal as refusal:
            errors = _said(refusal, values)
    _follow(values, agreed)
    facts = portal().db.read(_desk, customer_id(), values)
    renewed: dict[str, Any] = {
        "anew": [which for which in (ORDER, BASE) if which != touched],
        "market_anew": touched == "asset",
    }
    return rendering.page(
        "trade/trade.html", "summary", values=values, errors=errors, agreed=agreed, **renewed, **facts
    )


@blueprint.post("/trade/quote")
@login_required
def trade_quote() -> ResponseReturnValue:
    """Holds a price and leads to it; wrong input comes back beside its field."""
    values = _chosen(request.form)
    try:
        held = portal().db.transact(_offer, customer_id(), values)
    except Refusal as refusal:
        return _form(values, _said(refusal, values), 422)
    if request.headers.get("HX-Target") == "quote":
        facts = portal().db.read(_quote_facts, customer_id(), held.public_id)
        answer = rendering.page("trade/quote.html", "quote", **facts)
        answer.headers["HX-Push-Url"] = f"/trade/{held.public_id}"
        return answer
    return redirect(f"/trade/{held.public_id}", 303)


@blueprint.get("/trade/<public_id>")
@login_required
def trade_held(public_id: str) -> ResponseReturnValue:
    """A held price with its countdown, or what became of it."""
    facts = portal().db.read(_quote_facts, customer_id(), public_id)
    return rendering.page("trade/quote.html", "quote", **facts)


@blueprint.post("/trade/<public_id>/accept")
@login_required
def trade_accept(public_id: str) -> ResponseReturnValue:
    """Executes the quote, once however often it is sent."""
    problem = ""
    try:
        repeats.once("trade-accept", _accept, customer_id(), public_id)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        problem = gettext(refusal.message)
    if rendering.wants_partial() or problem:
        facts = portal().db.read(_quote_facts, customer_id(), public_id)
        return rendering.page("trade/quote.html", "quote", 422 if problem else 200, **{**facts, "problem": problem})
    return redirect(f"/trade/{public_id}", 303)


def _accept(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    return {"status": quotes.accept(session, customer, public_id).status}


def _chosen(given: Any, touched: str = "") -> dict[str, str]:
    """What was chosen. Of two amounts the one that was typed counts: the one `touched` just now, or that which does not
    follow the other any more; `amount` with `in` is how links say it. `in` is empty where nobody can tell."""
    side, asset = given.get("side", ""), given.get("asset", "")
    typed = {which: _plain(given.get(which, "")) for which in (ORDER, BASE)}
    kind = given.get("in", "") if given.get("in", "") in (BASE, ORDER) else ""
    if not any(typed.values()) and touched not in typed:
        typed[kind or ORDER] = _plain(given.get("amount", ""))
    if touched in typed:
        kind = touched
    elif all(typed.values()) and kind:
        follows = _plain(given.get("follows", ""))
        kind = "" if not follows else kind if typed[_other(kind)] == follows else _other(kind)
    elif not all(typed.values()):
        kind = next((which for which in typed if typed[which]), kind or ORDER)
    return {
        "side": side if side in SIDES else pricing.BUY,
        "asset": asset if asset in prices.MARKETS else prices.MARKETS[0],
        "in": kind,
        "amount": typed.get(kind, ""),
        "follows": "",
        **typed,
    }


def _plain(text: str) -> str:
    return text[:40].replace("\x00", "").replace(",", "").strip()


def _other(kind: str) -> str:
    return BASE if kind == ORDER else ORDER


def _follow(values: dict[str, str], agreed: pricing.Terms | None) -> None:
    """Sets the amount that was not typed to what the typed one comes to."""
    if not values["in"]:
        return
    other = _other(values["in"])
    values[other] = ""
    if agreed is not None:
        units, asset = (agreed.base_units, agreed.base_asset) if other == BASE else (agreed.order_units, ORDER_ASSET)
        values[other] = plain_text(units, asset)
    values["follows"] = values[other]


def _amount(values: dict[str, str]) -> tuple[str, int]:
    if not values["in"]:
        raise Refusal("amounts_two", field="amount")
    if not values["amount"]:
        raise Refusal("input_missing", field="amount")
    in_base = values["in"] == BASE
    return quotes.amount(values["asset"], values["amount"] if in_base else None, None if in_base else values["amount"])


def _indicate(session: Session, customer: int, values: dict[str, str]) -> pricing.Terms:
    return quotes.indicate(session, customer, values["side"], values["asset"], *_amount(values))


def _offer(session: Session, customer: int, values: dict[str, str]) -> Held:
    return quotes.offer(session, customer, values["side"], values["asset"], *_amount(values))


def _said(refusal: Refusal, values: dict[str, str]) -> dict[str, str]:
    """The refusal beside the amount that was typed; one outside the limits says what they are."""
    field = values["in"] or ORDER
    if refusal.name == "amount_out_of_range" and "min_units" in refusal.facts:
        asset = refusal.facts["asset"]
        least, most = (presentation.money_text(refusal.facts[name], asset) for name in ("min_units", "max_units"))
        return {field: gettext("One trade is between %(least)s and %(most)s.", least=least, most=most)}
    return problems.of(refusal, amount=field, quoteAmountInBase=field, quoteAmountInOrder=field, **_FIELDS)


def _form(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    agreed = None
    if values["amount"] and not errors:
        try:
            agreed = portal().db.read(_indicate, customer_id(), values)
        except Refusal as refusal:
            errors = _said(refusal, values)
    if not errors:
        _follow(values, agreed)
    facts = portal().db.read(_desk, customer_id(), values)
    return rendering.page("trade/trade.html", "form", status, values=values, errors=errors, agreed=agreed, **facts)


def _desk(session: Session, customer: int, values: dict[str, str]) -> dict[str, Any]:
    """What stands beside the form: prices, limits, balances, and what is missing before one may trade."""
    person = session.get_one(Customer, customer)
    balances = ledger.balances(session, "customer", customer)
    spend = ORDER_ASSET if values["side"] == pricing.BUY else values["asset"]
    spread = quotes.spread_percent(session, person.is_vip, person.spread_override_bp)
    tickers = {ticker.base: ticker for ticker in prices.tickers(session)}
    market = tickers[values["asset"]].last
    available = balances.get((spend, "available"), 0)
    return {
        "assets": prices.MARKETS,
        "market": {
            "ticker": tickers[values["asset"]],
            "path": [price for _, price in prices.series(session, values["asset"], 0)],
        },
        "spread": spread,
        "unit_price": pricing.unit_price(values["side"], market, spread) if market else None,
        "limits": quotes.limits(session, values["asset"]),
        "spend_asset": spend,
        "available": available,
        "most": plain_text(available, spend),
        "kyc_level": person.kyc_level,
        "paused": not offering.is_open(session, offering.TRADING, values["asset"]),
        "may_trade": person.standing == "normal" and person.kyc_level >= quotes.LEVEL,
        "standing": person.standing,
    }


def _quote_facts(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    held = quotes.of_customer(session, customer, public_id)
    moment = portal().clock.now()
    over = held.status == "quoted" and moment >= held.expires_at
    buying = held.side == pricing.BUY
    pays = (held.order_units, ORDER_ASSET) if buying else (held.base_units, held.base_asset)
    gets = (held.base_units, held.base_asset) if buying else (held.order_units, ORDER_ASSET)
    available = ledger.balance(session, ledger.customer_available(customer, pays[1]))
    given_units, given_asset = (
        (held.base_units, held.base_asset) if held.given == BASE else (held.order_units, ORDER_ASSET)
    )
    return {
        "held": held,
        "terms": held.terms,
        "pays": pays,
        "gets": gets,
        "over": over,
        "short": available < pays[0] and held.status == "quoted",
        "now_ms": to_ms(moment),
        "until_ms": to_ms(held.expires_at),
        "seconds": max(1, held.valid_ms // 1000),
        "again": {
            "side": held.side,
            "asset": held.base_asset,
            "in": held.given,
            "amount": plain_text(given_units, given_asset),
        },
        "key": rendering.form_key(),
        "problem": "",
    }
