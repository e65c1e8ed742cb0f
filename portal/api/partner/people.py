"""Customers: identity checks of the institution's people (partner contract 1.1 to 1.3)."""

import re
from datetime import date
from typing import Any

import phonenumbers

from portal.api.family import Call
from portal.api.partner import pictures
from portal.api.partner.authentication import Signed
from portal.api.partner.family import MAX_PICTURES_BYTES, PICTURES, Model, blueprint, family
from portal.api.partner.lists import ListQuery, listed
from portal.clock import to_ms
from portal.errors import N_, Refusal, declare
from portal.http import portal
from portal.models.partner import PartnerKyc
from portal.services import idempotency, partner_kyc
from portal.services.partner_kyc import Person, Proofs

#: Contract numbers of the life cycle (kyc_status).
STATUS = {"submitted": 0, "passed": 1, "not_passed": 2, "checking": 3, "processing": 4}

#: Longest texts by field, in characters.
LONGEST = {
    "acct_no": 64, "acct_name": 64, "first_name": 50, "last_name": 50, "city": 100, "state": 100, "country": 50,
    "nationality": 255, "doc_no": 128, "doc_type": 8, "country_code": 5, "mobile": 32, "mail": 64, "address": 256,
    "zipcode": 20, "maiden_name": 255, "gender": 7, "card_type_id": 16,
}  # fmt: skip
GENDERS = ("male", "female", "unknown")
DOCUMENTS = ("passport", "idcard")
REQUIRED_PICTURES = ("front_doc", "back_doc", "mix_doc")

_BIRTHDAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PREFIX = re.compile(r"\+?[1-9][0-9]{0,3}", re.ASCII)
_MOBILE = re.compile(r"[0-9][0-9 \-]{3,30}[0-9]", re.ASCII)

declare({"birthday_missing": N_("The birthday is missing.")})


class KycBody(Model):
    """The 27 parameters; all are texts."""

    acct_no: str
    acct_name: str
    first_name: str
    last_name: str
    gender: str
    birthday: str | None = None
    city: str
    state: str
    country: str
    nationality: str
    doc_no: str
    doc_type: str
    front_doc: str
    back_doc: str
    mix_doc: str
    country_code: str
    mobile: str
    mail: str
    address: str
    zipcode: str
    maiden_name: str
    card_type_id: str
    kyc_info: str | None = None
    mail_verification_code: str | None = None
    mail_token: str | None = None
    cust_tx_id: str | None = None
    poa_doc: str | None = None

    model_config = {**Model.model_config, "str_max_length": pictures.MAX_BYTES * 2}


@family.route(
    "POST", "/customers/accounts", "submit_kyc", auth="customers", summary=N_("Submit a person's KYC data"), body=KycBody,
    max_bytes=MAX_PICTURES_BYTES,
    errors=("111001", "111004", "111016", "111021", "111024", "111025", "111026", "111027", "111028", "111033", "111034"),
    example=True,
)  # fmt: skip
def submit_kyc(call: Call[Signed]) -> Any:
    """Takes a person's data and pictures."""
    body: KycBody = call.body
    repeated = call.repeated()
    if repeated is not None:
        return repeated
    person = _person(body)
    proofs = Proofs(
        mail_code=body.mail_verification_code,
        mail_token=body.mail_token,
        cust_tx_id=_serial(body.cust_tx_id),
        fingerprint=idempotency.fingerprint(call.caller.body_text),
    )
    institution_id = call.caller.institution_id
    documents: dict[str, Any] = {}
    if call.look(partner_kyc.precheck, institution_id, person.acct_no, body.card_type_id, person.mail, proofs):
        named = [name for name in (*REQUIRED_PICTURES, "poa_doc") if getattr(body, name) is not None]
        documents = {name: pictures.clean(getattr(body, name), name) for name in named}
    return call.change(
        _itself, partner_kyc.submit, institution_id, body.card_type_id, person, pictures.store(documents), proofs
    )


@family.route(
    "GET", "/customers/accounts", "list_kyc", auth="customers", summary=N_("KYC records, of all people or of one"),
    query=ListQuery, errors=("111001", "111005", "111035", "111036"),
)  # fmt: skip
def list_kyc(call: Call[Signed]) -> Any:
    """Records of all people, or of one with acct_no."""
    return listed(call, partner_kyc.page, record)


PICTURES.add(f"{blueprint.name}.submit_kyc")


def record(row: PartnerKyc) -> dict[str, Any]:
    """A check as the contract shows it."""
    return {
        "acct_no": row.acct_no,
        "card_type_id": row.card_type_id,
        "status": STATUS[row.status],
        "reason": row.reason if row.status == "not_passed" else "",
        "create_time": to_ms(row.created_at),
    }


def _itself(answer: Any) -> Any:
    return answer


def _person(body: KycBody) -> Person:
    for name, longest in LONGEST.items():
        _check_text(name, getattr(body, name), longest)
    for name in REQUIRED_PICTURES:
        if not getattr(body, name):
            raise Refusal("input_missing", field=name)
    if not body.birthday:
        raise Refusal("birthday_missing", field="birthday")
    if body.gender not in GENDERS or body.doc_type not in DOCUMENTS:
        raise Refusal("input_invalid", field="gender" if body.gender not in GENDERS else "doc_type")
    if body.kyc_info is not None and len(body.kyc_info) > 4000:
        raise Refusal("input_invalid", field="kyc_info")
    return Person(
        acct_no=body.acct_no, acct_name=body.acct_name, first_name=body.first_name, last_name=body.last_name,
        gender=body.gender, birthday=_birthday(body.birthday), city=body.city, state=body.state, country=body.country,
        nationality=body.nationality, doc_no=body.doc_no, doc_type=body.doc_type, country_code=body.country_code,
        mobile=body.mobile, mobile_canonical=_mobile(body.country_code, body.mobile), mail=body.mail, address=body.address,
        zipcode=body.zipcode, maiden_name=body.maiden_name, kyc_info=body.kyc_info,
    )  # fmt: skip


def _check_text(name: str, value: str, longest: int) -> None:
    if not value.strip():
        raise Refusal("input_missing", field=name)
    if len(value) > longest or not value.isprintable():
        raise Refusal("input_invalid", field=name)


def _birthday(text: str) -> str:
    try:
        born = date.fromisoformat(text) if _BIRTHDAY.fullmatch(text) else None
    except ValueError:
        born = None
    if born is None or born.year < 1900 or born >= portal().clock.now().date():
        raise Refusal("input_invalid", field="birthday")
    return text


def _mobile(prefix: str, number: str) -> str:
    """The number as E.164, so that one number is one number however it is written."""
    if not _PREFIX.fullmatch(prefix):
        raise Refusal("input_invalid", field="country_code")
    if not _MOBILE.fullmatch(number):
        raise Refusal("input_invalid", field="mobile")
    try:
        region = phonenumbers.region_code_for_country_code(int(prefix.lstrip("+")))
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as error:
        raise Refusal("input_invalid", field="mobile") from error
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _serial(text: str | None) -> str | None:
    """A serial number of the institution's own."""
    if text is not None and (not text.strip() or len(text) > 128 or not text.isprintable()):
        raise Refusal("input_invalid", field="cust_tx_id")
    return text
