"""Knowing the customer in the brokerage dialect: levels 1 to 3, images, status."""

from collections.abc import Mapping
from typing import Any

from flask import request
from pydantic import Field
from sqlalchemy.orm import Session

from portal.api.brokerage.errors import saying
from portal.api.brokerage.family import family
from portal.api.family import Call
from portal.api.parsing import Model
from portal.clock import to_ms
from portal.errors import Refusal
from portal.http import portal, visit
from portal.models.files import StoredFile
from portal.services import files, kyc
from portal.services.documents import clean_document
from portal.services.kyc import Standing

#: Numbers of the statuses (contract, enums kyc_status and image_status). Nothing is told of a withdrawn record (5606).
STATUS = {"unverified": 1, "uploaded": 1, "verifying": 2, "verified": 3, "supplement": 4, "rejected": 4, "void": 1}


class BasicData(Model):
    """Level 1: who the customer is. Birthday `YYYY/MM/DD`, gender 0 female, 1 male."""

    name: str
    gender: int
    birthday: str = Field(pattern=r"^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}$", examples=["1990/05/31"])
    identityNumber: str


class Mobile(Model):
    """A mobile number, with or without its country."""

    mobilePhone: str


class MobileCode(Mobile):
    """A mobile number and the code that was sent to it."""

    code: str | int


class ImageForm(Model):
    """The fields beside the file; type 1 to 6 (contract, enum kyc_image_type)."""

    type: str


class Answers(Model):
    """The questionnaire, nested (`{"q1": {"value": …}}`) or dotted (`{"q1.value": …}`)."""

    q1: Any = None
    q2: Any = None
    q3: Any = None
    q4: Any = None
    q1_value: Any = Field(None, alias="q1.value")
    q1_other: Any = Field(None, alias="q1.otherValue")
    q2_value: Any = Field(None, alias="q2.value")
    q2_other: Any = Field(None, alias="q2.otherValue")
    q3_value: Any = Field(None, alias="q3.value")
    q4_value: Any = Field(None, alias="q4.value")

    def nested(self) -> dict[str, Any]:
        """All answers in one shape; what is given dotted fills what is not given nested."""
        dotted = {
            "q1": {"value": self.q1_value, "otherValue": self.q1_other},
            "q2": {"value": self.q2_value, "otherValue": self.q2_other},
            "q3": {"value": self.q3_value},
            "q4": {"value": self.q4_value},
        }
        given = {"q1": self.q1, "q2": self.q2, "q3": self.q3, "q4": self.q4}
        return {
            name: {**parts, **{key: value for key, value in given[name].items() if value is not None}}
            if isinstance(given[name], Mapping)
            else (parts if given[name] is None else given[name])
            for name, parts in dotted.items()
        }


class BankForm(Model):
    """Level 3's fields beside the passbook's picture."""

    code: str = ""
    branch: str = ""
    account: str = ""


@family.route(
    "POST", "/kyc/basic_data", "kyc_basic_data", auth="session", body=BasicData,
    summary="Level 1: name, gender, birthday and identity number", example={"statusLevel3": 1, "statusLevel2": 1},
    errors=("identity_number_taken", "kyc_under_review", "kyc_completed", "kyc_void", "session_required"),
)  # fmt: skip
def kyc_basic_data(call: Call[Any]) -> Any:
    body: BasicData = call.body
    return call.change(
        lambda stand: {"statusLevel3": STATUS[stand[3]], "statusLevel2": STATUS[stand[2]]},
        kyc.submit_basic_data, call.caller.customer_id, body.name, body.gender, body.birthday, body.identityNumber,
    )  # fmt: skip


@family.route(
    "POST", "/kyc/check_mobile", "kyc_check_mobile", auth="optional", body=Mobile, errors=("phone_taken", "phone_invalid"),
    summary="Whether a mobile number is real; the signed-in also learn, a few times a day, that somebody else has it",
)  # fmt: skip
def kyc_check_mobile(call: Call[Any]) -> Any:
    customer_id = call.caller.customer_id if call.caller and call.caller.scope == "full" else None
    portal().db.transact(kyc.check_phone, customer_id, call.body.mobilePhone)


@family.route(
    "POST", "/kyc/verify_basic_data", "kyc_verify_basic_data", auth="session", body=MobileCode,
    summary="Proves the phone; level 1 passes",
    errors=("sms_code_wrong", "phone_taken", "kyc_out_of_order", "kyc_completed", "kyc_void", "session_required"),
)  # fmt: skip
def kyc_verify_basic_data(call: Call[Any]) -> Any:
    body: MobileCode = call.body
    code = f"{body.code:06d}" if isinstance(body.code, int) and 0 <= body.code < 10**6 else str(body.code)[:40]
    with saying(code_wrong="sms_code_wrong", code_expired="sms_code_wrong"):
        return call.change(
            _nothing, kyc.verify_phone, call.caller.customer_id, body.mobilePhone, code, visit("brokerage")
        )


@family.route(
    "POST", "/kyc/image", "kyc_upload_image", auth="session", body=ImageForm, multipart=True,
    summary="One document: jpg, png or pdf of at most 5 MB",
    errors=("file_invalid", "file_too_large", "kyc_image_kind_unknown", "kyc_under_review", "kyc_completed", "session_required"),
    example={"contentType": "image/jpeg", "filename": "1617789786791.jpg", "id": "4995782445914243215_1624326465572", "size": 61516},
)  # fmt: skip
def kyc_upload_image(call: Call[Any]) -> Any:
    text = call.body.type.strip()
    if len(text) != 1 or text not in "123456":
        raise Refusal("kyc_image_kind_unknown", field="type")
    customer_id, kind = call.caller.customer_id, int(text)
    if "Idempotency-Key" not in request.headers:  # a repeat gets the first answer, whatever has become of it since
        call.look(kyc.may_send_document, customer_id, kind)
    sent = sent_file("file_invalid")
    call.parts = text.encode() + sent
    stored = files.put(portal().db, clean_document(sent, max_bytes=kyc.MAX_FILE_BYTES))
    return call.change(lambda file: _image(file, len(sent)), kyc.add_document, customer_id, kind, stored)


def sent_file(missing: str) -> bytes:
    """The bytes of the form's `file`, no more of them than could be accepted. Raises Refusal with the given name."""
    found = request.files.get("file")
    content = found.stream.read(kyc.MAX_FILE_BYTES + 1) if found is not None else b""
    if not content:
        raise Refusal(missing, field="file")
    return content


def _image(file: StoredFile, size: int) -> dict[str, Any]:
    moment = to_ms(file.created_at)
    ending = {"image/jpeg": "jpg", "image/png": "png"}.get(file.media_type, "pdf")
    return {"contentType": file.media_type, "filename": f"{moment}.{ending}", "id": file.public_id, "size": size}


@family.route(
    "POST", "/kyc/apply_level_2", "kyc_apply_level_2", auth="session", body=Answers,
    summary="Hands the documents and the questionnaire to the staff",
    errors=("kyc_image_missing", "kyc_out_of_order", "kyc_answers_invalid", "kyc_void", "session_required"),
)  # fmt: skip
def kyc_apply_level_2(call: Call[Any]) -> Any:
    return call.change(_nothing, kyc.apply_level_2, call.caller.customer_id, call.body.nested())


@family.route(
    "POST", "/kyc/apply_level_3", "kyc_apply_level_3", auth="session", body=BankForm, multipart=True,
    summary="Hands the bank account and the passbook's picture to the staff; an image of type 6 sent before serves as well",
    errors=("kyc_bank_account_missing", "kyc_bank_account_taken", "kyc_image_missing", "file_invalid", "file_too_large",
            "kyc_out_of_order", "kyc_void", "session_required"),
)  # fmt: skip
def kyc_apply_level_3(call: Call[Any]) -> Any:
    body: BankForm = call.body
    customer_id = call.caller.customer_id
    account = call.look(kyc.check_account, body.code, body.branch, body.account)
    call.look(kyc.may_apply, customer_id, 3)
    stored = None
    if "file" in request.files:
        stored = files.put(portal().db, clean_document(sent_file("kyc_image_missing"), max_bytes=kyc.MAX_FILE_BYTES))
    return call.change(_nothing, _apply_level_3, customer_id, body.code, body.branch, account, stored)


def _apply_level_3(
    session: Session, customer_id: int, code: str, branch: str, account: str, stored: files.Stored | None
) -> None:
    if stored is not None:
        kyc.add_document(session, customer_id, kyc.PASSBOOK, stored)
    kyc.apply_level_3(session, customer_id, code, branch, account)


def _nothing(result: object) -> None:
    return None


@family.route(
    "GET", "/kyc/status", "kyc_status", auth="session", summary="Every level and document; personal data masked",
    errors=("kyc_void", "session_required"),
)  # fmt: skip
def kyc_status(call: Call[Any]) -> Any:
    found: Standing = call.look(kyc.standing, call.caller.customer_id)
    if found.void:
        raise Refusal("kyc_void")
    return {
        "name": found.name,
        "gender": found.gender,
        "identityNumber": found.number,
        "mobilePhone": found.phone,
        "level": found.level,
        "statusLevel1": STATUS[found.levels[1]],
        "idPhotoVerification": STATUS[found.document_status(kyc.ID_FRONT, kyc.ID_BACK)],
        "idSelfieVerification": STATUS[found.document_status(kyc.SELFIE)],
        "secondIdPhotoVerification": STATUS[found.document_status(kyc.SECOND_ID)],
        "addressVerification": STATUS[found.document_status(kyc.ADDRESS)],
        "statusLevel2": STATUS[found.levels[2]],
        "bankAccountVerification": STATUS[found.document_status(kyc.PASSBOOK)],
        "statusLevel3": STATUS[found.levels[3]],
        "allowChangeBankAccount": found.may_change_bank_account,
    }
