"""KYC in the brokerage dialect: each route's success as the contract shows it, and every refusal it can give."""

import json
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.services import kyc
from tests.support import documents, identities, people
from tests.support.families import BrokerageClient, read
from tests.support.identities import ANSWERS

CONTRACT = {
    route["id"]: route
    for route in json.loads((Path(__file__).parents[2] / "contract" / "brokerage.json").read_text())["endpoints"]
}
BASIC = {"name": "林自得", "gender": 1, "birthday": "1990/05/31", "identityNumber": "A123456789"}

Calls = Callable[..., BrokerageClient]


def example(route: str) -> Any:
    return CONTRACT[route]["response"]["example"]


@pytest.fixture
def newcomer(portal: Any) -> people.Person:
    return people.customer(portal, kyc_level=0)


def image(client: BrokerageClient, kind: object, content: bytes | None, name: str = "photo.jpg", **more: Any) -> Any:
    form: dict[str, Any] = {} if kind is None else {"type": str(kind)}
    if content is not None:
        form["file"] = (BytesIO(content), name)
    return read(client.call("POST", "/kyc/image", data=form, content_type="multipart/form-data", **more))


def bank(client: BrokerageClient, content: bytes | None = None, **form: Any) -> Any:
    data = {"code": "809", "branch": "0094", "account": "00001384923045", **form}
    if content is not None:
        data["file"] = (BytesIO(content), "book.jpg")
    return read(client.call("POST", "/kyc/apply_level_3", data=data, content_type="multipart/form-data"))


def test_the_whole_way_to_level_3(app: Flask, portal: Any, brokerage: Calls, newcomer: people.Person) -> None:
    client = brokerage(newcomer.token)
    assert client.ok("POST", "/kyc/basic_data", BASIC) == example("kyc_basic_data")
    phone = "0912-345-678"
    assert client.ok("POST", "/kyc/check_mobile", {"mobilePhone": phone}) is None
    client.ok("POST", "/apply_verification_code", {"loginName": newcomer.username, "mobilePhone": phone})
    code = identities.sent_code(portal, app, "+886912345678")
    assert client.ok("POST", "/kyc/verify_basic_data", {"mobilePhone": phone, "code": code}) is None
    assert client.ok("GET", "/user/login_log")["dataList"][0]["operationCode"] == 1014
    for kind in range(1, 6):
        sent = documents.jpeg(60 + kind, 40)
        said = image(client, kind, sent)
        assert said["code"] == 1
        assert set(said["data"]) == set(example("kyc_upload_image"))
        assert (said["data"]["contentType"], said["data"]["size"]) == ("image/jpeg", len(sent))
    assert client.ok("POST", "/kyc/apply_level_2", ANSWERS) is None
    stand = client.ok("GET", "/kyc/status")
    assert set(stand) == set(example("kyc_status"))
    assert stand == {
        "name": "林*得", "gender": 1, "identityNumber": "A12****89", "mobilePhone": "0912***678", "level": 1,
        "statusLevel1": 3, "idPhotoVerification": 2, "idSelfieVerification": 2, "secondIdPhotoVerification": 2,
        "addressVerification": 2, "statusLevel2": 2, "bankAccountVerification": 1, "statusLevel3": 1,
        "allowChangeBankAccount": True,
    }  # fmt: skip
    portal.db.transact(kyc.decide, newcomer.id, 2, kyc.APPROVE, actor="staff:1")
    assert bank(client, documents.pdf())["code"] == 1
    stand = client.ok("GET", "/kyc/status")
    assert (stand["level"], stand["statusLevel3"], stand["bankAccountVerification"]) == (2, 2, 2)
    assert not stand["allowChangeBankAccount"]
    portal.db.transact(kyc.decide, newcomer.id, 3, kyc.APPROVE, actor="staff:1")
    stand = client.ok("GET", "/kyc/status")
    assert (stand["level"], stand["statusLevel3"], stand["bankAccountVerification"]) == (3, 3, 3)


def test_before_kyc_the_status_says_nothing(brokerage: Calls, portal: Any) -> None:
    person = people.customer(portal, kyc_level=0)
    stand = brokerage(person.token).ok("GET", "/kyc/status")
    assert {stand[name] for name in ("gender", "identityNumber", "mobilePhone")} == {None}
    assert {value for name, value in stand.items() if name.endswith("ification") or name.startswith("status")} == {1}


def test_the_alias_answers_alike(brokerage: Calls, app: Flask, newcomer: people.Person) -> None:
    answer = app.test_client().get("/bitgin/v1/kyc/status", headers={"token": newcomer.token})
    assert read(answer)["data"] == brokerage(newcomer.token).ok("GET", "/kyc/status")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/kyc/basic_data"), ("POST", "/kyc/verify_basic_data"), ("POST", "/kyc/image"), ("POST", "/kyc/apply_level_2"),
     ("POST", "/kyc/apply_level_3"), ("GET", "/kyc/status"), ("GET", "/finance/bank_codes"), ("GET", "/finance/bank_branches")],
)  # fmt: skip
def test_a_stranger_is_asked_to_sign_in(brokerage: Calls, method: str, path: str) -> None:
    for token in ("", "USER_TOKEN_LOGIN_" + "0" * 32 + "_" + "0" * 32):
        client = brokerage(token)
        client.refused(10002, method, path, {} if method == "POST" else None)
        assert client.last is not None
        assert client.last.status_code == 401


@pytest.mark.parametrize("field", sorted(BASIC))
def test_a_missing_or_wrong_entry_is_minus_2(brokerage: Calls, newcomer: people.Person, field: str) -> None:
    client = brokerage(newcomer.token)
    client.refused(-2, "POST", "/kyc/basic_data", {key: value for key, value in BASIC.items() if key != field})
    for wrong in (None, [], {}, "", True, "\x00", "x" * 5000, Decimal(10) ** 30, -1):
        client.refused(-2, "POST", "/kyc/basic_data", {**BASIC, field: wrong})
    assert client.ok("GET", "/kyc/status")["identityNumber"] is None


def test_a_verified_identity_number_is_10031(
    app: Flask, brokerage: Calls, newcomer: people.Person, portal: Any
) -> None:
    number = identities.fresh_number()
    owner = people.customer(portal, kyc_level=0)
    brokerage(owner.token).ok("POST", "/kyc/basic_data", {**BASIC, "identityNumber": number})
    brokerage(newcomer.token).ok("POST", "/kyc/basic_data", {**BASIC, "identityNumber": number})
    phone = identities.fresh_phone()
    brokerage(owner.token).ok("POST", "/apply_verification_code", {"loginName": owner.username, "mobilePhone": phone})
    code = identities.sent_code(portal, app, phone)
    brokerage(owner.token).ok("POST", "/kyc/verify_basic_data", {"mobilePhone": phone, "code": code})
    brokerage(newcomer.token).refused(10031, "POST", "/kyc/basic_data", {**BASIC, "identityNumber": number})


def test_verified_identity_data_is_5605_and_5601_while_staff_look(app: Flask, brokerage: Calls) -> None:
    person = identities.at_level_1(app)
    brokerage(person.token).refused(5605, "POST", "/kyc/basic_data", BASIC)
    identities.applied_level_2(app, person)
    brokerage(person.token).refused(5601, "POST", "/kyc/basic_data", BASIC)


def test_a_withdrawn_record_is_5606(app: Flask, portal: Any, brokerage: Calls) -> None:
    person = identities.at_level_1(app)
    portal.db.transact(kyc.withdraw, person.id, actor="staff:1", reason="expired")
    client = brokerage(person.token)
    client.refused(5606, "GET", "/kyc/status")
    client.refused(5606, "POST", "/kyc/basic_data", BASIC)


def test_a_taken_phone_is_10012_for_the_signed_in_alone(app: Flask, brokerage: Calls, newcomer: people.Person) -> None:
    owner = identities.at_level_1(app)
    brokerage().ok("POST", "/kyc/check_mobile", {"mobilePhone": owner.phone})
    client = brokerage(newcomer.token)
    for _ in range(5):
        client.refused(10012, "POST", "/kyc/check_mobile", {"mobilePhone": owner.phone})
    client.ok("POST", "/kyc/check_mobile", {"mobilePhone": owner.phone})


@pytest.mark.parametrize(
    "number", ["", "0", "12345", "0912", "+8869123456789012", "02-2312-3456", "abc", "０９", "9" * 3000]
)
def test_an_unreal_phone_is_10017(brokerage: Calls, newcomer: people.Person, number: str) -> None:
    for token in ("", newcomer.token):
        brokerage(token).refused(10017, "POST", "/kyc/check_mobile", {"mobilePhone": number})


def test_a_birthday_is_written_with_slashes(brokerage: Calls, newcomer: people.Person) -> None:
    answer = brokerage(newcomer.token).refused(-2, "POST", "/kyc/basic_data", {**BASIC, "birthday": "1990-05-31"})
    assert answer["msg"] == "[invalid birthday]"


@pytest.mark.parametrize("code", [None, True, [], {}, 1.5])
def test_a_code_of_another_type_is_refused_under_the_field_s_own_name(
    brokerage: Calls, newcomer: people.Person, code: object
) -> None:
    body = {"mobilePhone": "0912345678", "code": code}
    answer = brokerage(newcomer.token).refused(-2, "POST", "/kyc/verify_basic_data", body)
    assert answer["msg"] == "[invalid code]"


@pytest.mark.parametrize("code", ["000000", "abcdef", "", 0, 123456, 10**12, "１２３４５６"])
def test_a_wrong_sms_code_is_10027(brokerage: Calls, newcomer: people.Person, code: object) -> None:
    client = brokerage(newcomer.token)
    client.ok("POST", "/kyc/basic_data", {**BASIC, "identityNumber": identities.fresh_number()})
    client.refused(10027, "POST", "/kyc/verify_basic_data", {"mobilePhone": "0912345678", "code": code})


def test_an_old_sms_code_is_10027(
    app: Flask, portal: Any, brokerage: Calls, newcomer: people.Person, travel: Callable[[int], Any]
) -> None:
    client = brokerage(newcomer.token)
    client.ok("POST", "/kyc/basic_data", {**BASIC, "identityNumber": identities.fresh_number()})
    phone = identities.fresh_phone()
    client.ok("POST", "/apply_verification_code", {"loginName": newcomer.username, "mobilePhone": phone})
    code = identities.sent_code(portal, app, phone)
    travel(301)
    client.refused(10027, "POST", "/kyc/verify_basic_data", {"mobilePhone": phone, "code": code})


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (None, ""), (b"", "empty.jpg"), (documents.jpeg() + b"\x00" * documents.FIVE_MB, "big.jpg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "photo.png"), (b"MZ", "photo.jpg.exe"),
        (documents.png_bomb(), "bomb.png"), (documents.pdf(password="1"), "sealed.pdf"), (b"GIF89a", "photo.gif"),
    ],
)  # fmt: skip
def test_a_bad_file_is_invalid_file(
    brokerage: Calls, newcomer: people.Person, content: bytes | None, name: str
) -> None:
    said = image(brokerage(newcomer.token), 1, content, name)
    assert (said["code"], said["msg"], said["success"]) == (-2, "Invalid file.", False)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a.php.jpg", "x; filename=y.svg", "é" * 300, "..\\..\\x.pdf"])
def test_what_a_file_calls_itself_does_not_matter(
    brokerage: Calls, portal: Any, newcomer: people.Person, name: str
) -> None:
    said = image(brokerage(newcomer.token), 3, documents.scripted_pdf(), name)
    assert said["data"]["contentType"] == "application/pdf"
    assert said["data"]["filename"].endswith(".pdf")
    names = {path.name for path in (portal.settings.instance / "files").rglob("*") if path.is_file()}
    assert all(len(stored) == 36 for stored in names)


@pytest.mark.parametrize("kind", [None, "", "0", "7", "-1", "1.0", "１", "id", "11"])
def test_an_unknown_kind_is_invalid_type(brokerage: Calls, newcomer: people.Person, kind: object) -> None:
    said = image(brokerage(newcomer.token), kind, documents.jpeg())
    assert said["code"] == -2
    assert said["msg"] == ("[empty type]" if kind is None else "Invalid type.")


def test_images_are_closed_while_staff_look_and_after(app: Flask, portal: Any, brokerage: Calls) -> None:
    person = identities.applied_level_2(app)
    client = brokerage(person.token)
    assert image(client, 1, documents.jpeg())["code"] == 5601
    portal.db.transact(kyc.decide, person.id, 2, kyc.APPROVE, actor="staff:1")
    assert image(client, 1, documents.jpeg())["code"] == 5605


def test_an_image_sent_twice_under_one_key_is_one(brokerage: Calls, newcomer: people.Person) -> None:
    client = brokerage(newcomer.token)
    key = {"Idempotency-Key": "image-1"}
    first = image(client, 1, documents.jpeg(), headers={**key, "token": newcomer.token})
    again = image(client, 1, documents.jpeg(), headers={**key, "token": newcomer.token})
    assert client.last is not None
    assert client.last.headers["Idempotency-Replayed"] == "true"
    assert first["data"] == again["data"]
    assert image(client, 1, documents.png(), headers={**key, "token": newcomer.token})["code"] == -19
    assert client.last.status_code == 409


def test_level_2_says_what_is_wrong(app: Flask, brokerage: Calls, newcomer: people.Person) -> None:
    brokerage(newcomer.token).refused(-19, "POST", "/kyc/apply_level_2", ANSWERS)
    person = identities.at_level_1(app)
    client = brokerage(person.token)
    client.refused(5608, "POST", "/kyc/apply_level_2", {})
    client.refused(5608, "POST", "/kyc/apply_level_2", {**ANSWERS, "q1": {"value": "other"}})
    client.refused(5608, "POST", "/kyc/apply_level_2", {**ANSWERS, "q3": 7})
    said = client.refused(-2, "POST", "/kyc/apply_level_2", ANSWERS)
    assert said["msg"] == "Missing image."
    identities.applied_level_2(app, person)
    client.refused(-19, "POST", "/kyc/apply_level_2", ANSWERS)


def test_dotted_answers_are_taken_too(app: Flask, portal: Any, brokerage: Calls) -> None:
    person = identities.at_level_1(app)
    for kind in kyc.LEVEL_2_KINDS:
        identities.upload(portal, person, kind)
    dotted = {
        "q1.value": "other", "q1.otherValue": "savings", "q2.value": "yes", "q2.otherValue": "a mayor",
        "q3.value": "over_3", "q4.value": "over_100",
    }  # fmt: skip
    brokerage(person.token).ok("POST", "/kyc/apply_level_2", dotted)
    kept = portal.db.read(kyc.case, person.id).answers
    assert kept == {
        "q1": {"value": "other", "otherValue": "savings"},
        "q2": {"value": "yes", "otherValue": "a mayor"},
        "q3": {"value": "over_3"},
        "q4": {"value": "over_100"},
    }


def test_level_3_says_what_is_wrong(app: Flask, portal: Any, brokerage: Calls, newcomer: people.Person) -> None:
    assert bank(brokerage(newcomer.token), documents.jpeg())["code"] == -19
    person = identities.at_level_2(app)
    client = brokerage(person.token)
    for wrong in (
        {"code": ""},
        {"code": "998"},
        {"branch": "1"},
        {"account": ""},
        {"account": "12a"},
        {"account": "9" * 900},
    ):
        said = bank(client, documents.jpeg(), **wrong)
        assert (said["code"], said["msg"]) == (-2, "Missing bank account."), wrong
    said = bank(client)
    assert (said["code"], said["msg"]) == (-2, "Missing image.")
    assert bank(client, b"")["msg"] == "Missing image."
    assert bank(client, b"GIF89a")["msg"] == "Invalid file."
    assert bank(client, documents.jpeg())["code"] == 1
    assert bank(client, documents.jpeg())["code"] == -19


def test_an_image_of_type_6_serves_for_level_3(app: Flask, brokerage: Calls) -> None:
    person = identities.at_level_2(app)
    client = brokerage(person.token)
    assert image(client, 6, documents.jpeg())["code"] == 1
    assert bank(client)["code"] == 1


def test_an_account_of_another_customer_is_refused(app: Flask, portal: Any, brokerage: Calls) -> None:
    owner = identities.applied_level_3(app, "00001234567890")
    portal.db.transact(kyc.decide, owner.id, 3, kyc.APPROVE, actor="staff:1")
    person = identities.at_level_2(app)
    said = bank(brokerage(person.token), documents.jpeg(), account="00001234567890")
    assert (said["code"], said["msg"]) == (-2, "Invalid bank account.")


def test_a_rejection_shows_and_is_mended(app: Flask, portal: Any, brokerage: Calls) -> None:
    person = identities.applied_level_2(app)
    papers = {kyc.ID_BACK: "blurred", kyc.SECOND_ID: "expired"}
    portal.db.transact(kyc.decide, person.id, 2, kyc.REJECT, actor="staff:1", reason="Again, please.", documents=papers)
    client = brokerage(person.token)
    stand = client.ok("GET", "/kyc/status")
    shown = example("kyc_status")
    names = [
        "idPhotoVerification",
        "idSelfieVerification",
        "secondIdPhotoVerification",
        "addressVerification",
        "statusLevel2",
    ]
    assert [stand[name] for name in names] == [shown[name] for name in names]
    assert client.refused(-2, "POST", "/kyc/apply_level_2", ANSWERS)["msg"] == "Missing image."
    for kind in papers:
        assert image(client, kind, documents.png())["code"] == 1
    client.ok("POST", "/kyc/apply_level_2", ANSWERS)
    assert client.ok("GET", "/kyc/status")["statusLevel2"] == 2


def test_the_bank_list_is_the_contracts(brokerage: Calls, newcomer: people.Person) -> None:
    client = brokerage(newcomer.token)
    listed = client.ok("GET", "/finance/bank_codes")
    for bank_ in example("bank_codes"):
        assert bank_ in listed
    assert client.ok("GET", "/finance/bank_branches", query={"code": "021"}) == example("bank_branches")
    assert client.ok("GET", "/finance/bank_branches", query={"code": "nothing"}) == []
    client.refused(-2, "GET", "/finance/bank_branches")


def test_the_reviewer_of_the_sandbox_decides(app: Flask, brokerage: Calls) -> None:
    person = identities.applied_level_2(app)
    client = app.test_client()

    def lever(status: int = 200, **body: Any) -> Any:
        answer = client.post("/sandbox/kyc/decisions", json={"login": person.email, "level": 2, **body})
        assert answer.status_code == status, answer.text
        return answer.get_json()

    assert lever(decision="reject", reason="blurred")["status"] == "supplement"
    stand = brokerage(person.token).ok("GET", "/kyc/status")
    assert (stand["statusLevel2"], stand["idPhotoVerification"], stand["level"]) == (4, 4, 1)
    lever(400, decision="approve")
    identities.applied_level_2(app, person)
    assert lever(decision="approve", login=person.username) == {
        "login": person.username, "level": 2, "status": "verified", "kyc_level": 2,
    }  # fmt: skip
    assert lever(decision="approve")["status"] == "verified"
    lever(400, decision="perhaps")
    lever(400, decision="approve", level=4)
    lever(404, decision="approve", login="nobody")
    lever(400, decision="reject", documents={"9": "x"})
