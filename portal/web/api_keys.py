"""API keys of a customer's programs, and the page that tells why a signature is wrong."""

from typing import Any

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.services import api_key_doctor, api_keys, second_factor
from portal.services.api_key_doctor import Sample
from portal.services.api_keys import NewKey
from portal.web import blueprint, problems, rendering
from portal.web.access import customer_id, login_required

_FIELDS = {"totpCode": "totp"}


@blueprint.get("/security/api-keys")
@login_required
def api_key_list() -> ResponseReturnValue:
    """The keys and the form for another."""
    return _page({}, [], {})


def _page(
    values: dict[str, str], scopes: list[str], errors: dict[str, str], status: int = 200, made: NewKey | None = None
) -> ResponseReturnValue:
    facts = portal().db.read(_facts, customer_id())
    return rendering.page(
        "api_keys/keys.html", "form", status, values=values, chosen=scopes, errors=errors, made=made,
        scopes=api_keys.SCOPES, **facts,
    )  # fmt: skip


def _facts(session: Session, customer: int) -> dict[str, Any]:
    return {
        "keys": api_keys.live(session, customer),
        "has_totp": second_factor.is_bound(session, "customer", customer),
    }


@blueprint.post("/security/api-keys")
@login_required
def api_key_create() -> ResponseReturnValue:
    """Makes a key. Its secret is in this answer and nowhere else, so it is no redirect."""
    values = problems.typed("name", "networks", "totp")
    scopes = [scope for scope in request.form.getlist("scopes") if scope in api_keys.SCOPES]
    try:
        made = portal().db.transact(
            _create, customer_id(), values["name"], scopes, values["networks"].splitlines(), values["totp"].strip()
        )
    except Refusal as refusal:
        return _page(values, scopes, problems.of(refusal, **_FIELDS), 422)
    return _page({}, [], {}, made=made)


def _create(session: Session, customer: int, name: str, scopes: list[str], networks: list[str], totp: str) -> NewKey:
    second_factor.check_totp(session, "customer", customer, totp)
    return api_keys.create(session, customer, name, scopes, networks)


@blueprint.post("/security/api-keys/end")
@login_required
def api_key_end() -> ResponseReturnValue:
    """Ends a key at once; that needs no second factor."""
    number = request.form.get("key", "")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise Refusal("not_found")
    portal().db.transact(api_keys.revoke, customer_id(), int(number))
    flash(gettext("The key has ended."), "success")
    return redirect("/security/api-keys", 303)


@blueprint.route("/security/api-keys/doctor", methods=["GET", "POST"])
@login_required
def api_key_doctor_page() -> ResponseReturnValue:
    """Examines a pasted request; nothing is written."""
    values = problems.typed("key", "path", "nonce", "body", "signature", "signed_text")
    keys = portal().db.read(api_keys.live, customer_id())
    found = None
    if request.method == "POST":
        number = values["key"]
        key_id = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
        # Browsers send the line ends of a text field as CR LF; programs write LF.
        body, signed_text = (values[name].replace("\r\n", "\n") for name in ("body", "signed_text"))
        sample = Sample(values["path"].strip(), values["nonce"].strip(), body, values["signature"], signed_text)
        found = portal().db.read(api_key_doctor.examine, customer_id(), key_id, sample)
    return rendering.page("api_keys/doctor.html", "form", keys=keys, values=values, found=found)
