"""The signature doctor: paste a request, see what the portal reads and where a program differs."""

from flask import request
from flask.typing import ResponseReturnValue

from portal.http import portal
from portal.partner import blueprint
from portal.partner.access import OPERATE, Seat, member_required
from portal.partner.keys import why
from portal.services import partner_doctor, partner_keys
from portal.services.partner_doctor import Sample
from portal.web import problems, rendering

METHODS = ("GET", "POST", "PUT")


@blueprint.route("/<institution>/doctor", methods=["GET", "POST"])
@member_required(OPERATE)
def doctor(seat: Seat) -> ResponseReturnValue:
    """Examines a pasted request; nothing is written."""
    keys = portal().db.read(partner_keys.listed, seat.institution_id)
    values = problems.typed("key", "method", "target", "authorization", "signed_text")
    values["body"] = request.form.get("body", "")[:200_000].replace("\x00", "\ufffd")
    found = None
    if request.method == "POST":
        number = values["key"]
        key_id = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
        # Browsers send the line ends of a text field as CR LF; programs write LF.
        body, signed_text = (values[name].replace("\r\n", "\n") for name in ("body", "signed_text"))
        method = values["method"] if values["method"] in METHODS else "GET"
        sample = Sample(method, values["target"], values["authorization"], body, signed_text)
        found = portal().db.read(partner_doctor.examine, seat.institution_id, key_id, sample)
    return rendering.page(
        "partner/doctor.html", "form", keys=keys, values=values, found=found, methods=METHODS, why=why
    )
