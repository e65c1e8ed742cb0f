"""What others tell the portal by signed webhook: the bank's notices of arriving money.

`POST /hooks/bank` with `Bank-Timestamp` (UNIX seconds) and `Bank-Signature`: hex of HMAC-SHA256 over
`<timestamp>.<body>` under a secret of BANK_WEBHOOK_SECRET (several, separated by commas, while one is being exchanged).
The body is `{"reference", "account", "amount", "payer_account", "payer_name"}`; the amount is decimal text in dollars.
The reference makes a notice single use: told again it is answered alike and books nothing.
"""

import hashlib
import hmac
from typing import Any

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.money import AmountError, parse_units
from portal.services import bank_credits

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")

#: How old a notice may be, and how far its sender's clock may be ahead, in seconds.
TOLERANCE_SECONDS = 300

_MOST_BYTES = 16 * 1024


class BankNotice(BaseModel):
    """One credit on an account of the house."""

    model_config = ConfigDict(strict=True, extra="ignore")

    reference: str = Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")
    account: str = Field(min_length=1, max_length=40, pattern=r"^[0-9 -]+$")
    amount: str = Field(max_length=40)
    payer_account: str | None = Field(default=None, max_length=40)
    payer_name: str | None = Field(default=None, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")


def register(app: Flask) -> None:
    """Adds the hooks."""
    app.register_blueprint(hooks)


@hooks.post("/bank")
def bank() -> ResponseReturnValue:
    """Takes one notice of the bank."""
    if (request.content_length or 0) > _MOST_BYTES:
        return {"error": "input_invalid"}, 413
    body = request.get_data()
    refused = _refused(body)
    if refused:
        return {"error": refused}, 404 if refused == "not_found" else 401
    try:
        notice = BankNotice.model_validate_json(body)
        units = parse_units(notice.amount, "TWD")
    except (ValidationError, AmountError):
        return {"error": "input_invalid"}, 400
    try:
        credit_id = portal().db.transact(_receive, notice, units)
    except Refusal as refusal:
        return {"error": refusal.name}, 409 if refusal.name == "bank_reference_conflict" else 400
    return {"credit": credit_id}, 200


def _receive(session: Session, notice: BankNotice, units: int) -> str:
    credit = bank_credits.receive(
        session,
        account=notice.account,
        amount_units=units,
        payer_account=notice.payer_account,
        payer_name=notice.payer_name,
        reference=notice.reference,
    )
    return credit.public_id


def _refused(body: bytes) -> str:
    """Why the notice is not the bank's, or nothing. All secrets are compared, in constant time each."""
    secrets = [part for part in portal().settings.adapters.get("BANK_WEBHOOK_SECRET", "").split(",") if part]
    if not secrets:
        return "not_found"
    stamp, given = request.headers.get("Bank-Timestamp", ""), request.headers.get("Bank-Signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return "signature_invalid"
    if abs(int(portal().clock.now().timestamp()) - int(stamp)) > TOLERANCE_SECONDS:
        return "timestamp_expired"
    right = [hmac.compare_digest(signature(secret, stamp, body).encode(), given.encode()) for secret in secrets]
    return "" if any(right) else "signature_invalid"


def signature(secret: str, stamp: str, body: Any) -> str:
    """What a bank puts into `Bank-Signature`."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
