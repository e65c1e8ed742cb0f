"""Mail and mobile codes (partner contract 4.1 to 4.4); those to mobiles are not supported yet (reading P22)."""

from typing import Any

from portal.api.family import Call
from portal.api.partner.authentication import Signed
from portal.api.partner.family import Model, family
from portal.errors import N_, Refusal
from portal.services import partner_mail


class MailCheck(Model):
    """The code and the token it belongs to."""

    code: str
    mail_token: str


class MobileCheck(Model):
    """The code and the token it belongs to."""

    code: str
    mobile_token: str


@family.route(
    "POST", "/emails/<email>/verification-codes", "send_email_code", auth="common", summary=N_("Send a code by mail"),
    errors=("111024", "111027", "119005"),
)  # fmt: skip
def send_email_code(call: Call[Signed], email: str) -> Any:
    """Sends a code and answers the token that it goes with."""
    return call.change(_token, partner_mail.send, call.caller.institution_id, email)


def _token(token: str) -> dict[str, str]:
    return {"mail_token": token}


@family.route(
    "PUT", "/emails/<email>/verification-codes", "check_email_code", auth="common", summary=N_("Check a mailed code"),
    query=MailCheck, errors=("111001", "111025"), example=True,
)  # fmt: skip
def check_email_code(call: Call[Signed], email: str) -> Any:
    """Checks a code; it may still serve once in the KYC call (reading P35)."""
    query: MailCheck = call.query
    return call.change(_true, partner_mail.check, call.caller.institution_id, email, query.code, query.mail_token)


def _true(_: object) -> bool:
    return True


@family.route(
    "POST", "/mobiles/<mobile>/verification-codes", "send_mobile_code", auth="common",
    summary=N_("Send a code by SMS (not supported)"), errors=("119006",),
)  # fmt: skip
def send_mobile_code(call: Call[Signed], mobile: str) -> Any:
    """Not supported yet."""
    raise Refusal("api_not_authorised")


@family.route(
    "PUT", "/mobiles/<mobile>/verification-codes", "check_mobile_code", auth="common",
    summary=N_("Check a code sent by SMS (not supported)"), query=MobileCheck, errors=("119006",),
)  # fmt: skip
def check_mobile_code(call: Call[Signed], mobile: str) -> Any:
    """Not supported yet."""
    raise Refusal("api_not_authorised")
