"""Knowing the customer: levels in order, documents, decisions, and what stays closed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import states
from portal.errors import Refusal
from portal.machines.kyc import KYC_LEVEL
from portal.models.customers import Customer
from portal.models.kyc import KycDocument, KycIdentity, KycLevel
from portal.models.system import AuditRecord
from portal.models.wallet import BankAccount
from portal.services import code_requests, files, kyc, notifications
from tests.support import documents, identities, newcomers, people
from tests.support.identities import ANSWERS, BANK

GOOD = ("林自得", 1, "1990/05/31", "A123456789")


@pytest.fixture
def newcomer(portal: Any) -> people.Person:
    return people.customer(portal, kyc_level=0)


def refused(name: str, work: Callable[..., Any], /, *arguments: Any, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        work(*arguments, **more)
    assert caught.value.name == name
    return caught.value


def test_a_newcomer_stands_at_nothing(read: Callable[..., Any], newcomer: people.Person) -> None:
    stand = read(kyc.standing, newcomer.id)
    assert (stand.number, stand.gender, stand.level) == (None, None, 0)
    assert stand.levels == {1: "unverified", 2: "unverified", 3: "unverified"}
    assert stand.may_change_bank_account


def test_level_1_passes_by_itself_when_the_phone_is_proven(app: Flask, read: Callable[..., Any]) -> None:
    person = identities.at_level_1(app)
    stand = read(kyc.standing, person.id)
    assert (stand.level, stand.levels) == (1, {1: "verified", 2: "unverified", 3: "unverified"})
    assert (stand.name, stand.gender) == ("林*得", 1)
    assert stand.phone == f"0{person.phone[4:7]}***{person.phone[-3:]}"


def test_what_is_personal_lies_sealed(app: Flask, portal: Any) -> None:
    person = identities.at_level_1(app)
    with portal.db.session() as session:
        row = session.get(KycIdentity, person.id)
        raw = b"".join((row.name_sealed, row.birthday_sealed, row.number_sealed))
        assert "林自得".encode() not in raw
        assert b"1990" not in raw


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", ("", " ", "林1得", "<b>x</b>", "x" * 61, "\u202e林", "林\x00", "...", "林" * 300)),
        ("gender", (2, -1, True)),
        ("birthday", ("", "1990-13-01", "1990/02/30", "31/05/1990", "3000/01/01", "1850/01/01", "１９９０/05/31", "x" * 50)),
        ("identityNumber", ("", "A123456788", "A12345678", "Ａ123456789", "A" * 500)),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named_and_nothing_is_kept(
    portal: Any, transact: Callable[..., Any], field: str, values: tuple[Any, ...], newcomer: people.Person
) -> None:
    place = ["name", "gender", "birthday", "identityNumber"].index(field)
    for value in values:
        entries = [*GOOD[:place], value, *GOOD[place + 1 :]]
        with pytest.raises(Refusal) as refusal:
            transact(kyc.submit_basic_data, newcomer.id, *entries)
        assert refusal.value.field == field, value
    with portal.db.session() as session:
        assert session.get(KycIdentity, newcomer.id) is None


@pytest.mark.parametrize("name", ["歐陽 娜娜", "Seán O’Brien-Łuk", "ปิยะ", "林得", "Nur ‧ 阿布"])
def test_names_of_many_people_are_taken(transact: Callable[..., Any], newcomer: people.Person, name: str) -> None:
    transact(kyc.submit_basic_data, newcomer.id, name, *GOOD[1:])


def test_one_must_be_eighteen_on_the_day_in_taipei(
    portal: Any, transact: Callable[..., Any], newcomer: people.Person, travel: Callable[[int], Any]
) -> None:
    from portal.services.activity import TAIPEI

    today = portal.clock.now().astimezone(TAIPEI).date()
    tomorrow = today.replace(year=today.year - 18).toordinal() + 1
    born = type(today).fromordinal(tomorrow).strftime("%Y/%m/%d")
    refusal = refused(
        "identity_too_young", transact, kyc.submit_basic_data, newcomer.id, "林自得", 1, born, "A123456789"
    )
    assert refusal.facts["least_age_years"] == 18
    travel(86400)
    transact(kyc.submit_basic_data, newcomer.id, "林自得", 1, born, "A123456789")


def test_identity_data_may_be_mended_until_the_phone_is_proven(
    transact: Callable[..., Any], read: Callable[..., Any], newcomer: people.Person
) -> None:
    transact(kyc.submit_basic_data, newcomer.id, *GOOD)
    transact(kyc.submit_basic_data, newcomer.id, "林得", 0, "1991/01/01", identities.fresh_number("2"))
    assert read(kyc.standing, newcomer.id).name == "林*"


def test_a_verified_number_serves_nobody_else(app: Flask, transact: Callable[..., Any], portal: Any) -> None:
    first, second = (people.customer(portal, kyc_level=0) for _ in range(2))
    number = identities.fresh_number()
    for person in (first, second):
        transact(kyc.submit_basic_data, person.id, "林自得", 1, "1990/05/31", number)
    prove(app, first)
    refused("identity_number_taken", prove, app, second)
    third = people.customer(portal, kyc_level=0)
    refused(
        "identity_number_taken", transact, kyc.submit_basic_data, third.id, "林自得", 1, "1990/05/31", number.lower()
    )


def prove(app: Flask, person: people.Person, phone: str = "") -> None:
    portal = app.extensions["portal"]
    phone = phone or identities.fresh_phone()
    portal.db.transact(code_requests.ask_for_phone, person.id, phone)
    portal.db.transact(kyc.verify_phone, person.id, phone, identities.sent_code(portal, app, phone))


def test_the_code_is_for_one_person_and_one_phone(app: Flask, portal: Any, transact: Callable[..., Any]) -> None:
    first, second = (people.customer(portal, kyc_level=0) for _ in range(2))
    for person in (first, second):
        transact(kyc.submit_basic_data, person.id, "林自得", 1, "1990/05/31", identities.fresh_number())
    phone, other = identities.fresh_phone(), identities.fresh_phone()
    transact(code_requests.ask_for_phone, first.id, phone)
    code = identities.sent_code(portal, app, phone)
    refused("code_wrong", transact, kyc.verify_phone, second.id, phone, code)
    refused("code_wrong", transact, kyc.verify_phone, first.id, other, code)
    transact(kyc.verify_phone, first.id, phone, code)


def test_five_wrong_codes_end_the_code(
    app: Flask, portal: Any, transact: Callable[..., Any], newcomer: people.Person
) -> None:
    transact(kyc.submit_basic_data, newcomer.id, *GOOD)
    phone = identities.fresh_phone()
    transact(code_requests.ask_for_phone, newcomer.id, phone)
    code = identities.sent_code(portal, app, phone)
    for _ in range(5):
        refused("code_wrong", transact, kyc.verify_phone, newcomer.id, phone, f"{(int(code) + 1) % 10**6:06d}")
    refused("code_wrong", transact, kyc.verify_phone, newcomer.id, phone, code)


def test_a_phone_without_identity_data_is_out_of_order(transact: Callable[..., Any], newcomer: people.Person) -> None:
    refused("kyc_out_of_order", transact, kyc.verify_phone, newcomer.id, "+886912345678", "123456")


def test_a_phone_of_another_customer_cannot_be_taken_over(
    app: Flask, portal: Any, transact: Callable[..., Any], newcomer: people.Person
) -> None:
    owner = identities.at_level_1(app)
    transact(kyc.submit_basic_data, newcomer.id, *GOOD)
    refused("phone_taken", prove, app, newcomer, owner.phone)
    with portal.db.session() as session:
        assert session.get(Customer, newcomer.id).kyc_level == 0


def test_a_taken_number_is_told_only_to_the_signed_in_and_only_five_times_a_day(
    app: Flask, transact: Callable[..., Any], travel: Callable[[int], Any], newcomer: people.Person
) -> None:
    owner = identities.at_level_1(app)
    assert transact(kyc.check_phone, None, owner.phone) == owner.phone
    for _ in range(5):
        refused("phone_taken", transact, kyc.check_phone, newcomer.id, owner.phone)
    assert transact(kyc.check_phone, newcomer.id, owner.phone) == owner.phone
    travel(86401)
    refused("phone_taken", transact, kyc.check_phone, newcomer.id, owner.phone)
    assert transact(kyc.check_phone, owner.id, owner.phone) == owner.phone
    refused("phone_invalid", transact, kyc.check_phone, None, "12345")


def test_verified_identity_data_cannot_be_changed(app: Flask, transact: Callable[..., Any]) -> None:
    person = identities.at_level_1(app)
    refused("kyc_completed", transact, kyc.submit_basic_data, person.id, *GOOD)
    refused("kyc_completed", transact, kyc.verify_phone, person.id, identities.fresh_phone(), "123456")
    identities.applied_level_2(app, person)
    refused("kyc_under_review", transact, kyc.submit_basic_data, person.id, *GOOD)


def test_levels_cannot_be_skipped(
    app: Flask, portal: Any, transact: Callable[..., Any], newcomer: people.Person
) -> None:
    for kind in range(1, 7):
        identities.upload(portal, newcomer, kind)
    refused("kyc_out_of_order", transact, kyc.apply_level_2, newcomer.id, ANSWERS)
    refused("kyc_out_of_order", transact, kyc.apply_level_3, newcomer.id, *BANK, "00001234567890")
    person = identities.applied_level_2(app)
    identities.upload(portal, person, kyc.PASSBOOK)
    refused("kyc_out_of_order", transact, kyc.apply_level_3, person.id, *BANK, "00001234567890")


def test_every_document_of_level_2_is_needed(app: Flask, portal: Any, transact: Callable[..., Any]) -> None:
    person = identities.at_level_1(app)
    for kind in kyc.LEVEL_2_KINDS:
        refusal = refused("kyc_image_missing", transact, kyc.apply_level_2, person.id, ANSWERS)
        assert refusal.facts["kinds"] == list(range(kind, 6))
        identities.upload(portal, person, kind)
    transact(kyc.apply_level_2, person.id, ANSWERS)


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({}, "q1"),
        ({**ANSWERS, "q1": "investment"}, "q1"),
        ({**ANSWERS, "q1": {"value": "gambling"}}, "q1"),
        ({**ANSWERS, "q1": {"value": ["investment"]}}, "q1"),
        ({**ANSWERS, "q1": {"value": "other"}}, "q1.otherValue"),
        ({**ANSWERS, "q1": {"value": "other", "otherValue": "  "}}, "q1.otherValue"),
        ({**ANSWERS, "q1": {"value": "other", "otherValue": "x" * 201}}, "q1.otherValue"),
        ({**ANSWERS, "q2": {"value": "yes", "otherValue": 7}}, "q2.otherValue"),
        ({**ANSWERS, "q3": {"value": None}}, "q3"),
        ({**ANSWERS, "q4": {"value": "over_100 "}}, "q4"),
    ],
)
def test_an_answer_that_is_none_is_named(answers: dict[str, Any], field: str) -> None:
    assert refused("kyc_answers_invalid", kyc.clean_answers, answers).field == field


def test_words_are_kept_only_where_they_are_asked_for() -> None:
    given = {
        **ANSWERS,
        "q1": {"value": "payment", "otherValue": "ignored"},
        "q2": {"value": "yes", "otherValue": " a  mayor "},
    }
    kept = kyc.clean_answers(given)
    assert kept["q1"] == {"value": "payment"}
    assert kept["q2"] == {"value": "yes", "otherValue": "a mayor"}


def test_while_staff_look_nothing_may_change(app: Flask, portal: Any, transact: Callable[..., Any]) -> None:
    person = identities.applied_level_2(app)
    refused("kyc_under_review", identities.upload, portal, person, kyc.SELFIE)
    refused("kyc_out_of_order", transact, kyc.apply_level_2, person.id, ANSWERS)


def test_approval_gives_the_level_and_tells_the_customer(app: Flask, portal: Any, read: Callable[..., Any]) -> None:
    person = identities.at_level_2(app)
    stand = read(kyc.standing, person.id)
    assert (stand.level, stand.levels[2]) == (2, "verified")
    assert {paper.status for paper in stand.papers.values()} == {"verified"}
    (told,) = read(notifications.page, person.id)
    assert (told.event, told.facts) == ("kyc_approved", {"level": 2})
    with portal.db.session() as session:
        (record,) = session.scalars(sa.select(AuditRecord).where(AuditRecord.action == "kyc_approve"))
        assert (record.actor, record.subject) == ("staff:1", f"customer:{person.id}")
    refused("kyc_completed", identities.upload, portal, person, kyc.ID_FRONT)


def test_only_what_was_rejected_is_sent_again(
    app: Flask, portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    person = identities.applied_level_2(app)
    blurred = {kyc.ID_FRONT: "The photo is blurred.", kyc.SECOND_ID: ""}
    transact(
        kyc.decide, person.id, 2, kyc.REJECT, actor="staff:1", reason="Please send sharper photos.", documents=blurred
    )
    stand = read(kyc.standing, person.id)
    assert (stand.level, stand.levels[2], stand.reasons[2]) == (1, "supplement", "Please send sharper photos.")
    assert stand.papers[kyc.ID_FRONT].reason == "The photo is blurred."
    assert stand.papers[kyc.SECOND_ID].reason == "Please send sharper photos."
    assert stand.document_status(kyc.ID_FRONT, kyc.ID_BACK) == "rejected"
    assert stand.document_status(kyc.SELFIE) == "verified"
    refused("kyc_completed", identities.upload, portal, person, kyc.SELFIE)
    refusal = refused("kyc_image_missing", transact, kyc.apply_level_2, person.id, ANSWERS)
    assert refusal.facts["kinds"] == [kyc.ID_FRONT, kyc.SECOND_ID]
    for kind in (kyc.ID_FRONT, kyc.SECOND_ID):
        identities.upload(portal, person, kind)
    transact(kyc.apply_level_2, person.id, ANSWERS)
    transact(kyc.decide, person.id, 2, kyc.APPROVE, actor="staff:2")
    assert read(kyc.standing, person.id).level == 2
    case = read(kyc.case, person.id)
    assert [(paper.kind, paper.reason) for paper in case.older_documents] == [
        (kyc.ID_FRONT, "The photo is blurred."),
        (kyc.SECOND_ID, "Please send sharper photos."),
    ]


def test_a_rejection_names_a_reason_and_documents_of_its_level(app: Flask, transact: Callable[..., Any]) -> None:
    person = identities.applied_level_2(app)
    decide = (kyc.decide, person.id, 2, kyc.REJECT)
    refused("kyc_reason_missing", transact, *decide, actor="staff:1", reason=" ")
    refused("input_invalid", transact, *decide, actor="staff:1", reason="no", documents={kyc.PASSBOOK: "no"})
    refused("input_invalid", transact, kyc.decide, person.id, 2, "maybe", actor="staff:1")


def test_a_case_that_changed_cannot_be_decided_blindly(
    app: Flask, portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    person = identities.applied_level_2(app)
    opened = read(kyc.case, person.id).levels[2].revision
    transact(kyc.decide, person.id, 2, kyc.REJECT, actor="staff:1", reason="Once more.")
    refused("kyc_changed", transact, kyc.decide, person.id, 2, kyc.APPROVE, actor="staff:2", revision=opened)
    for kind in kyc.LEVEL_2_KINDS:
        identities.upload(portal, person, kind)
    transact(kyc.apply_level_2, person.id, ANSWERS)
    refused("kyc_changed", transact, kyc.decide, person.id, 2, kyc.APPROVE, actor="staff:2", revision=opened)
    transact(kyc.decide, person.id, 2, kyc.APPROVE, actor="staff:2", revision=opened + 1)
    refused("kyc_nothing_waits", transact, kyc.decide, person.id, 2, kyc.APPROVE, actor="staff:2")


def test_level_3_brings_the_bank_account(
    app: Flask, portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    person = identities.applied_level_3(app, "0000-1384-9230-4556")
    stand = read(kyc.standing, person.id)
    assert (stand.levels[3], stand.bank, stand.account_tail) == ("verifying", "凱基商業銀行　營業部", "4556")
    assert not stand.may_change_bank_account
    with portal.db.session() as session:
        account = session.scalar(sa.select(BankAccount).where(BankAccount.owner_id == person.id))
        assert account.status == "pending"
    transact(kyc.decide, person.id, 3, kyc.APPROVE, actor="staff:1")
    with portal.db.session() as session:
        session.refresh(account := session.merge(account))
        assert (account.status, session.get(Customer, person.id).kyc_level) == ("verified", 3)
    case = read(kyc.case, person.id)
    assert (case.bank_account.account, case.bank_account.holder) == ("0000138492304556", "林自得")


def test_a_rejected_account_is_replaced_by_another(
    app: Flask, portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    person = identities.applied_level_3(app, "00001111222233")
    transact(kyc.decide, person.id, 3, kyc.REJECT, actor="staff:1", reason="The name is not yours.")
    refused("kyc_image_missing", transact, kyc.apply_level_3, person.id, *BANK, "00004444555566")
    identities.upload(portal, person, kyc.PASSBOOK)
    transact(kyc.apply_level_3, person.id, *BANK, "00004444555566")
    transact(kyc.decide, person.id, 3, kyc.APPROVE, actor="staff:1")
    with portal.db.session() as session:
        rows = session.scalars(sa.select(BankAccount).where(BankAccount.owner_id == person.id).order_by(BankAccount.id))
        assert [(row.account_tail, row.status) for row in rows] == [("2233", "closed"), ("5566", "verified")]


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        (("", "0094", "0001234567"), "code"), (("998", "0094", "0001234567"), "code"), (("８０９", "0094", "0001234567"), "code"),
        (("809", "94", "0001234567"), "branch"), (("809", "", "0001234567"), "branch"), (("809", "00x4", "0001234567"), "branch"),
        (("809", "0094", ""), "account"), (("809", "0094", "12345"), "account"), (("809", "0094", "1" * 17), "account"),
        (("809", "0094", "12a4567890"), "account"), (("809", "0094", "１２３４５６７８"), "account"), (("809", "0094", "1" * 900), "account"),
    ],
)  # fmt: skip
def test_what_is_no_bank_account_is_named(read: Callable[..., Any], entries: tuple[str, str, str], field: str) -> None:
    assert refused("kyc_bank_account_missing", read, kyc.check_account, *entries).field == field


def test_a_bank_account_serves_one_customer(app: Flask, transact: Callable[..., Any], read: Callable[..., Any]) -> None:
    first, second = (identities.applied_level_3(app, "00009999888877") for _ in range(2))
    assert read(kyc.case, second.id).warnings == ("account_used_by_another",)
    transact(kyc.decide, first.id, 3, kyc.APPROVE, actor="staff:1")
    refused("kyc_bank_account_taken", transact, kyc.decide, second.id, 3, kyc.APPROVE, actor="staff:1")
    refused("kyc_bank_account_taken", identities.applied_level_3, app, "00009999888877")


def test_the_queue_is_read_in_pages_longest_first(
    app: Flask, read: Callable[..., Any], travel: Callable[[int], Any]
) -> None:
    waiting = []
    for _ in range(3):
        waiting.append(identities.applied_level_2(app).id)
        travel(60)
    first = read(kyc.queue, count=2)
    rest = read(kyc.queue, count=2, after=(first[-1].submitted_at, first[-1].level_id))
    assert [line.customer_id for line in (*first, *rest)] == waiting
    assert {line.name for line in first} == {"林自得"}
    assert read(kyc.queue, level=3) == []
    assert read(kyc.waiting_count) == 3


def test_a_case_shows_what_to_look_at_twice(
    app: Flask, portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    person = people.customer(portal, kyc_level=0)
    transact(kyc.submit_basic_data, person.id, "林自得", 0, "1990/05/31", identities.fresh_number("1"))
    case = read(kyc.case, person.id)
    assert case.warnings == ("gender_differs",)
    assert (case.name, case.gender, case.number_kind) == ("林自得", 0, "national")
    assert case.age_years >= 33


def test_a_record_may_be_withdrawn_and_opened_again(
    app: Flask, portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    person = identities.at_level_2(app)
    transact(kyc.withdraw, person.id, actor="staff:1", reason="The card has expired.")
    stand = read(kyc.standing, person.id)
    assert stand.void
    assert stand.level == 0
    refused("kyc_void", transact, kyc.submit_basic_data, person.id, *GOOD)
    refused("kyc_void", identities.upload, portal, person, kyc.SELFIE)
    refused("kyc_void", transact, kyc.apply_level_2, person.id, ANSWERS)
    refused("kyc_void", transact, kyc.withdraw, person.id, actor="staff:1", reason="again")
    transact(kyc.reopen, person.id, actor="staff:2")
    transact(kyc.submit_basic_data, person.id, *GOOD)
    prove(app, person)
    assert read(kyc.standing, person.id).level == 1
    refused("state_conflict", transact, kyc.reopen, person.id, actor="staff:2")


def test_a_document_that_was_never_submitted_is_not_kept(app: Flask, portal: Any, newcomer: people.Person) -> None:
    old = identities.upload(portal, newcomer, kyc.ID_FRONT, documents.jpeg(20, 20))
    new = identities.upload(portal, newcomer, kyc.ID_FRONT, documents.png(20, 20))
    files.sweep(portal.db)
    refused("not_found", portal.db.read, files.find, old.public_id)
    assert portal.db.read(files.find, new.public_id).media_type == "image/png"


def test_a_day_has_so_many_files(
    portal: Any, newcomer: people.Person, travel: Callable[[int], Any], transact: Callable[..., Any]
) -> None:
    from portal.services import parameters

    transact(parameters.change, "kyc", {"files_per_day": 2}, "staff:1")
    for _ in range(2):
        identities.upload(portal, newcomer, kyc.SELFIE)
    refused("too_many_requests", identities.upload, portal, newcomer, kyc.SELFIE)
    travel(86401)
    identities.upload(portal, newcomer, kyc.SELFIE)


def test_customers_who_were_admitted_before_go_on_from_their_level(
    portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    person = people.customer(portal, kyc_level=2)
    identities.upload(portal, person, kyc.PASSBOOK)
    transact(kyc.apply_level_3, person.id, *BANK, "00001234567890")
    assert read(kyc.standing, person.id).levels == {1: "verified", 2: "verified", 3: "verifying"}


def test_a_customer_is_admitted_with_an_identity_checked_elsewhere(
    portal: Any, transact: Callable[..., Any], read: Callable[..., Any]
) -> None:
    from datetime import date

    person = people.customer(portal, kyc_level=0)
    facts = {"name": "王小美", "gender": 0, "birthday": date(1985, 3, 4), "number": identities.fresh_number("2")}
    transact(kyc.admit, person.id, 3, actor="system", **facts)
    stand = read(kyc.standing, person.id)
    assert (stand.level, stand.levels[3], stand.name) == (3, "verified", "王*美")
    other = people.customer(portal, kyc_level=0)
    refused("identity_number_taken", transact, kyc.admit, other.id, 1, actor="system", **facts)


def test_every_move_leaves_a_line_of_history(app: Flask, portal: Any) -> None:
    person = identities.at_level_2(app)
    with portal.db.session() as session:
        row = session.scalar(sa.select(KycLevel).where(KycLevel.customer_id == person.id, KycLevel.level == 2))
        moves = [(line.from_state, line.to_state, line.actor) for line in states.history(session, KYC_LEVEL, row.id)]
    assert moves == [
        ("unverified", "verifying", f"customer:{person.id}"),
        ("verifying", "verified", "staff:1"),
    ]


def test_of_many_who_claim_one_number_at_once_one_is_verified(app: Flask, portal: Any) -> None:
    number, people_ = identities.fresh_number(), []
    for _ in range(6):
        person = people.customer(portal, kyc_level=0)
        portal.db.transact(kyc.submit_basic_data, person.id, "林自得", 1, "1990/05/31", number)
        phone = identities.fresh_phone()
        portal.db.transact(code_requests.ask_for_phone, person.id, phone)
        people_.append((person.id, phone, identities.sent_code(portal, app, phone)))
    outcomes = at_once([lambda who=who: portal.db.transact(kyc.verify_phone, *who) for who in people_])
    assert sorted(outcomes) == ["done", *["identity_number_taken"] * 5]
    with portal.db.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer).where(Customer.kyc_level == 1)) == 1


def test_of_many_who_prove_one_phone_at_once_one_keeps_it(app: Flask, portal: Any) -> None:
    phone, people_ = identities.fresh_phone(), []
    for _ in range(4):
        person = people.customer(portal, kyc_level=0)
        portal.db.transact(kyc.submit_basic_data, person.id, "林自得", 1, "1990/05/31", identities.fresh_number())
        portal.clock.advance(61)
        portal.db.transact(code_requests.ask_for_phone, person.id, phone)
        people_.append((person.id, phone, identities.sent_code(portal, app, phone)))
    outcomes = at_once([lambda who=who: portal.db.transact(kyc.verify_phone, *who) for who in people_])
    assert sorted(outcomes) == ["done", *["phone_taken"] * 3]
    with portal.db.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer).where(Customer.phone == phone)) == 1


def test_of_two_reviewers_at_once_one_decides(app: Flask, portal: Any, read: Callable[..., Any]) -> None:
    person = identities.applied_level_2(app)
    revision = read(kyc.case, person.id).levels[2].revision

    def decide(decision: str) -> None:
        portal.db.transact(kyc.decide, person.id, 2, decision, actor="staff:1", reason="Once more.", revision=revision)

    outcomes = at_once([lambda: decide(kyc.APPROVE), lambda: decide(kyc.REJECT)] * 4)
    assert sorted(outcomes) == ["done", *["kyc_changed"] * 7]
    stand = read(kyc.standing, person.id)
    assert (stand.level == 2) == (stand.levels[2] == "verified")


def test_of_many_uploads_at_once_one_is_current(app: Flask, portal: Any, newcomer: people.Person) -> None:
    stored = [files.put(portal.db, files.clean_document(documents.jpeg(20 + n, 20), max_bytes=10**6)) for n in range(6)]
    outcomes = at_once(
        [lambda one=one: portal.db.transact(kyc.add_document, newcomer.id, kyc.SELFIE, one) for one in stored]
    )
    assert outcomes == ["done"] * 6
    with portal.db.session() as session:
        current = sa.select(KycDocument.id).where(
            KycDocument.customer_id == newcomer.id, KycDocument.status != "replaced"
        )
        assert len(session.scalars(current).all()) == 1


def at_once(works: list[Callable[[], Any]]) -> list[str]:
    """Runs all at the same moment; `done` or the name of the refusal for each."""
    gate = Barrier(len(works))

    def run(work: Callable[[], Any]) -> str:
        gate.wait(30)
        try:
            work()
        except Refusal as refusal:
            return refusal.name
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.mark.parametrize(("locale", "words"), [("en", "needs something more"), ("zh_Hant_TW", "補件")])
def test_the_outcome_is_mailed_in_the_customers_language(
    app: Flask, portal: Any, transact: Callable[..., Any], locale: str, words: str
) -> None:
    person = identities.applied_level_2(app)
    with portal.db.session() as session:
        session.get(Customer, person.id).locale = locale
        session.commit()
    transact(kyc.decide, person.id, 2, kyc.REJECT, actor="staff:1", reason="Sharper photos, please.")
    (mail, *_) = newcomers.sent(portal, app, person.email)
    assert words in mail["subject"]
    assert "Sharper photos, please." in mail["body"]
