"""Putting money in: the TWD virtual account, crypto addresses with their QR codes, and arrivals as they happen."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.http import portal
from portal.models.customers import Customer
from portal.services import addresses, bank_deposits, deposits, networks
from portal.web import blueprint, presentation, problems, rendering, repeats
from portal.web.access import customer_id, login_required
from portal.web.withdrawals import amount_of

#: The ways in: key in the address, asset, network, words.
WAYS: dict[str, tuple[str, str, str]] = {
    "twd": ("TWD", networks.BANK, N_("TWD by bank transfer")),
    "usdt-tron": ("USDT", networks.TRON, N_("USDT on TRON (TRC20)")),
    "usdt-ethereum": ("USDT", networks.ETHEREUM, N_("USDT on Ethereum (ERC20)")),
    "eth-ethereum": ("ETH", networks.ETHEREUM, N_("ETH on Ethereum")),
}

#: How long an arrival takes until it may be used.
ESTIMATES = {
    networks.BANK: N_("usually within minutes, also at weekends"),
    networks.TRON: N_("about a minute after it was sent"),
    networks.ETHEREUM: N_("about three minutes after it was sent"),
}

#: Crypto deposits open with KYC level 1 (brokerage contract, enum kyc_level).
ADDRESS_LEVEL = 1


@blueprint.get("/wallet/deposit")
@login_required
def deposit() -> ResponseReturnValue:
    """Where to send it."""
    return _page(_way(request.args.get("way", "")), {}, {})


@blueprint.get("/wallet/deposit/arrivals")
@login_required
def deposit_arrivals() -> ResponseReturnValue:
    """The live block of arrivals."""
    recent = portal().db.read(deposits.recent, customer_id())
    content = rendering.render_block("wallet/deposit.html", "arrivals", recent=recent, url_of=_url)
    return rendering.polled(content)


@blueprint.post("/wallet/deposit/announce")
@login_required
def deposit_announce() -> ResponseReturnValue:
    """Notes a TWD deposit that is coming."""
    values = problems.typed("amount")
    try:
        units = amount_of(values["amount"], "TWD")
        repeats.once("deposit-announce", _announce, customer_id(), units)
    except Refusal as refusal:
        return _page("twd", values, _said(refusal), 422)
    flash(gettext("Noted. The page shows it as soon as the money arrives."), "success")
    return redirect("/wallet/deposit?way=twd", 303)


@blueprint.post("/wallet/deposit/<public_id>/cancel")
@login_required
def deposit_cancel(public_id: str) -> ResponseReturnValue:
    """Takes an announcement back."""
    try:
        portal().db.transact(_cancel, customer_id(), public_id)
    except Refusal as refusal:
        if refusal.name == "not_found":
            raise
        flash(gettext(refusal.message), "error")
    return redirect("/wallet/deposit?way=twd", 303)


def _announce(session: Session, customer: int, units: int) -> dict[str, Any]:
    return {"id": bank_deposits.announce(session, customer, units)}


def _cancel(session: Session, customer: int, public_id: str) -> None:
    deposits.cancel(session, deposits.named(session, customer, public_id), f"customer:{customer}")


def _way(text: str) -> str:
    return text if text in WAYS else "twd"


def _said(refusal: Refusal) -> dict[str, str]:
    if refusal.name == "limit_exceeded":
        left = presentation.money_text(refusal.facts["remaining_units"], "TWD")
        return {"amount": gettext("That is more than your limit has left: %(left)s.", left=left)}
    return problems.of(refusal)


def _page(way: str, values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    asset, network, name = WAYS[way]
    # The account or address is made when its owner first looks for it; looking again finds the same one.
    facts = portal().db.transact(_facts, customer_id(), asset, network)
    return rendering.page(
        "wallet/deposit.html", "form", status, way=way, ways=WAYS, asset=asset, network=network, name=name,
        estimate=ESTIMATES[network], values=values, errors=errors, key=rendering.form_key(), url_of=_url, **facts,
    )  # fmt: skip


def _facts(session: Session, customer: int, asset: str, network: str) -> dict[str, Any]:
    person = session.get_one(Customer, customer)
    facts: dict[str, Any] = {
        "recent": deposits.recent(session, customer),
        "kyc_level": person.kyc_level,
        "bank": None,
        "address": None,
        "refused": None,
        "problem": None,
        "payment_way": networks.WAY_OF.get(network),
    }
    if network == networks.BANK:
        try:
            facts["bank"] = bank_deposits.way_in(session, customer)
        except Refusal as refusal:
            facts["refused"] = refusal.name
    elif person.standing != "normal" or person.kyc_level < ADDRESS_LEVEL:
        facts["refused"] = "deposit_not_allowed"
    else:
        try:
            facts["address"] = addresses.to_deposit(session, "customer", customer, network, [asset]).address
        except Refusal as refusal:
            facts["refused"], facts["problem"] = refusal.name, gettext(refusal.message)
    return facts


def _url(found: Any) -> str | None:
    if not found.tx_hash:
        return None
    return networks.transaction_url(portal().settings, found.network, found.tx_hash)
