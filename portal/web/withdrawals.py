"""Withdraw: form, code, live status; and the list of known addresses."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import states
from portal.errors import N_, Refusal
from portal.http import portal
from portal.machines.withdrawals import WITHDRAWAL
from portal.models.customers import Customer
from portal.models.wallet import Withdrawal
from portal.money import AmountError, parse_units
from portal.services import (
    common_addresses,
    networks,
    second_factor,
    travel_rule,
    withdrawal_desk,
    withdrawal_settling,
    withdrawals,
)
from portal.services.withdrawals import Request
from portal.web import blueprint, problems, rendering, repeats
from portal.web.access import customer_id, login_required

_FIELDS = {"bankId": "bank_account", "paymentWay": "network", "totpCode": "totp", "code2FA": "totp"}

#: Whose wallet receives (Travel Rule).
_PARTY = ("wallet", "beneficiary", "provider")

#: When it arrives, by the way it goes.
ESTIMATES = {
    networks.BANK: N_("usually within a business day"),
    networks.TRON: N_("usually within 5 minutes"),
    networks.ETHEREUM: N_("usually within 10 minutes"),
}


@blueprint.get("/wallet/withdraw")
@login_required
def withdraw() -> ResponseReturnValue:
    """The form for one asset."""
    asset = request.args.get("asset", "TWD")
    if asset not in withdrawal_desk.ASSETS:
        asset = "TWD"
    values = {name: request.args.get(name, "")[:200] for name in ("amount", "network", "address")}
    return _form(asset, values, {})


def _form(
    asset: str, values: dict[str, str], errors: dict[str, str], status: int = 200, facts: dict[str, Any] | None = None
) -> ResponseReturnValue:
    desk = portal().db.read(withdrawal_desk.desk, customer_id(), asset)
    cheapest = min(desk.open_rules or desk.rules, key=lambda rule: rule.fee_units)
    chosen = values.get("network") or cheapest.network
    return rendering.page(
        "withdrawals/withdraw.html", "form", status, desk=desk, values={**values, "network": chosen}, errors=errors,
        assets=withdrawal_desk.ASSETS, names=withdrawal_desk.network_names(asset), estimates=ESTIMATES,
        key=rendering.form_key(), **(facts or {}),
    )  # fmt: skip


@blueprint.post("/wallet/withdraw/preview")
@login_required
def withdraw_preview() -> ResponseReturnValue:
    """What it would come to, by the very service that would do it; the block below the amount."""
    asset, values = _typed()
    preview, problem = None, None
    if values["amount"]:
        try:
            preview = portal().db.read(withdrawals.preview, _wanted(asset, values))
        except Refusal as refusal:
            problem = gettext(refusal.message) if refusal.field in ("amount", None) else None
    desk = portal().db.read(withdrawal_desk.desk, customer_id(), asset)
    return rendering.page(
        "withdrawals/withdraw.html", "summary", desk=desk, values=values, preview=preview, problem=problem,
        estimates=ESTIMATES, names=withdrawal_desk.network_names(asset), errors={}, assets=withdrawal_desk.ASSETS, key="",
    )  # fmt: skip


@blueprint.post("/wallet/withdraw")
@login_required
def withdraw_ask() -> ResponseReturnValue:
    """Asks for it; the code goes out by mail and the next page takes it."""
    asset, values = _typed()
    try:
        wanted = _wanted(asset, values)
        made = repeats.once("withdraw", _ask, wanted, problems.typed("totp")["totp"].strip())
    except Refusal as refusal:
        return _form(asset, values, problems.of(refusal, **_FIELDS), 422)
    return redirect(f"/wallet/withdraw/{made['id']}", 303)


def _ask(session: Session, wanted: Request, totp: str) -> dict[str, Any]:
    second_factor.check_totp(session, "customer", wanted.owner_id, totp)
    return {"id": withdrawals.request(session, wanted).public_id}


def _typed() -> tuple[str, dict[str, str]]:
    values = problems.typed("asset", "network", "address", "known_address", "bank_account", "amount", *_PARTY)
    asset = values["asset"] if values["asset"] in withdrawal_desk.ASSETS else "TWD"
    found = {name: value.strip() for name, value in values.items()}
    return asset, {**found, "address": "".join(found["address"].split())}


def _wanted(asset: str, values: dict[str, str]) -> Request:
    units = amount_of(values["amount"], asset)
    fiat = asset == "TWD"
    number = values["bank_account"]
    return Request(
        owner_kind="customer",
        owner_id=customer_id(),
        family="web",
        kind="fiat" if fiat else "crypto",
        asset=asset,
        network=networks.BANK if fiat else values["network"],
        amount_units=units,
        address=None if fiat else values["known_address"] or values["address"],
        party=None if fiat else travel_rule.party_of(values),
        bank_account_id=int(number) if number.isascii() and number.isdigit() and len(number) < 18 else None,
    )


def amount_of(text: str, asset: str, field: str = "amount") -> int:
    """An amount typed into a form, grouping commas allowed. Raises Refusal with the field."""
    plain = text.replace(",", "").strip()
    if not plain:
        raise Refusal("input_missing", field=field)
    try:
        units = parse_units(plain, asset)
    except AmountError as error:
        names = {"too_precise": "amount_too_precise", "too_large": "amount_out_of_range"}
        raise Refusal(names.get(error.reason, "amount_invalid"), field=field) from error
    if units <= 0:
        raise Refusal("amount_invalid", field=field)
    return units


@blueprint.get("/wallet/withdraw/<public_id>")
@login_required
def withdrawal(public_id: str) -> ResponseReturnValue:
    """Asks for the code, and later shows how it goes."""
    return _shown(public_id, {})


@blueprint.get("/wallet/withdraw/<public_id>/status")
@login_required
def withdrawal_status(public_id: str) -> ResponseReturnValue:
    """The live block."""
    facts = portal().db.read(_facts, customer_id(), public_id)
    return rendering.polled(rendering.render_block("withdrawals/withdrawal.html", "status", **facts))


@blueprint.post("/wallet/withdraw/<public_id>/confirm")
@login_required
def withdrawal_confirm(public_id: str) -> ResponseReturnValue:
    """Takes the mail's code."""
    try:
        portal().db.transact(_confirm, customer_id(), public_id, problems.typed("code")["code"].strip())
    except Refusal as refusal:
        if refusal.name == "withdrawal_unknown":
            raise Refusal("not_found") from refusal
        return _shown(public_id, problems.of(refusal), 422)
    return redirect(f"/wallet/withdraw/{public_id}", 303)


@blueprint.post("/wallet/withdraw/<public_id>/<any(resend, cancel):act>")
@login_required
def withdrawal_act(public_id: str, act: str) -> ResponseReturnValue:
    """Mails another code, or calls the withdrawal off."""
    try:
        portal().db.transact(_act, customer_id(), public_id, act)
    except Refusal as refusal:
        if refusal.name == "withdrawal_unknown":
            raise Refusal("not_found") from refusal
        flash(gettext(refusal.message), "error")
    else:
        said = gettext("A new code is on its way.") if act == "resend" else gettext("The withdrawal was cancelled.")
        flash(said, "success")
    return redirect(f"/wallet/withdraw/{public_id}", 303)


def _confirm(session: Session, customer: int, public_id: str, code: str) -> None:
    found = withdrawals.find(session, "customer", customer, public_id)
    withdrawals.confirm(session, found, code, f"customer:{customer}")


def _act(session: Session, customer: int, public_id: str, act: str) -> None:
    found = withdrawals.find(session, "customer", customer, public_id)
    if act == "resend":
        withdrawals.resend(session, found)
    else:
        withdrawals.cancel(session, found, f"customer:{customer}")


def _shown(public_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_facts, customer_id(), public_id)
    return rendering.page("withdrawals/withdrawal.html", "code", status, errors=errors, **facts)


def _facts(session: Session, customer: int, public_id: str) -> dict[str, Any]:
    try:
        found = withdrawals.find(session, "customer", customer, public_id)
    except Refusal as refusal:
        raise Refusal("not_found") from refusal
    return {
        "withdrawal": found,
        "account": withdrawal_desk.account_of(session, found),
        "email": session.get_one(Customer, customer).email,
        "arrives_units": withdrawal_settling.payout_units(found),
        "moves": _moves(session, found),
        "url": _url(found),
        "names": withdrawal_desk.network_names(found.asset),
        "estimate": ESTIMATES.get(found.network, ""),
        "under_way": not WITHDRAWAL.is_final(found.status),
        "can_cancel": found.status in withdrawals.CANCELLABLE,
    }


def _moves(session: Session, found: Withdrawal) -> list[dict[str, Any]]:
    """The steps so far, as a timeline; what came of an approval is not told apart for outsiders."""
    shown = [
        move
        for move in states.history(session, WITHDRAWAL, found.id)
        if move.to_state not in ("created", "otp_verified")
    ]
    return [{"status": move.to_state, "at": move.at} for move in shown]


def _url(found: Withdrawal) -> str | None:
    if not found.tx_hash or found.network == networks.BANK:
        return None
    return networks.transaction_url(portal().settings, found.network, found.tx_hash)


@blueprint.get("/wallet/addresses")
@login_required
def addresses() -> ResponseReturnValue:
    """The known addresses and the switch that admits only them."""
    return _addresses({}, {})


def _addresses(values: dict[str, str], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    facts = portal().db.read(_known, customer_id())
    choices = [
        (f"{asset}:{network}", f"{asset} · {gettext(withdrawal_desk.network_names(asset)[network])}")
        for asset in ("USDT", "ETH")
        for network in networks.networks_of(asset)
    ]
    return rendering.page(
        "withdrawals/addresses.html", "form", status, values=values, errors=errors, choices=choices,
        names={asset: withdrawal_desk.network_names(asset) for asset in ("USDT", "ETH")}, now=portal().clock.now(), **facts,
    )  # fmt: skip


def _known(session: Session, customer: int) -> dict[str, Any]:
    person = session.get_one(Customer, customer)
    return {
        "known": common_addresses.named(session, customer),
        "known_only": person.known_addresses_only,
        "has_totp": second_factor.is_bound(session, "customer", customer),
    }


@blueprint.post("/wallet/addresses")
@login_required
def address_add() -> ResponseReturnValue:
    """Names an address."""
    values = problems.typed("coin", "address", "name", "totp")
    asset, _, network = values["coin"].partition(":")
    try:
        portal().db.transact(
            _add, customer_id(), asset, network, values["address"], values["name"], values["totp"].strip()
        )
    except Refusal as refusal:
        return _addresses(values, problems.of(refusal, network="coin", totpCode="totp"), 422)
    flash(gettext("The address was added. It counts as known in 24 hours."), "success")
    return redirect("/wallet/addresses", 303)


def _add(session: Session, customer: int, asset: str, network: str, address: str, name: str, totp: str) -> None:
    second_factor.check_totp(session, "customer", customer, totp)
    common_addresses.add(session, customer, asset, network, address, name)


@blueprint.post("/wallet/addresses/remove")
@login_required
def address_remove() -> ResponseReturnValue:
    """Takes an address off the list."""
    portal().db.transact(common_addresses.remove, customer_id(), problems.typed("address")["address"])
    flash(gettext("The address was removed."), "success")
    return redirect("/wallet/addresses", 303)


@blueprint.post("/wallet/addresses/known-only")
@login_required
def known_only() -> ResponseReturnValue:
    """Switches the protection on or off."""
    values = problems.typed("on", "totp")
    try:
        portal().db.transact(_switch, customer_id(), values["on"] == "y", values["totp"].strip())
    except Refusal as refusal:
        return _addresses({}, {"totp-switch": gettext(refusal.message)}, 422)
    flash(gettext("Saved."), "success")
    return redirect("/wallet/addresses", 303)


def _switch(session: Session, customer: int, wanted: bool, totp: str) -> None:
    second_factor.check_totp(session, "customer", customer, totp)
    common_addresses.known_only(session, customer, wanted)
