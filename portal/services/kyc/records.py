"""The rows behind a customer's identity check, and what every service of it needs to know of them."""

from collections.abc import Collection
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.kyc import IdentityHolder, KycDocument, KycIdentity, KycLevel
from portal.services import failures, parameters

UNVERIFIED, VERIFYING, VERIFIED, SUPPLEMENT, VOID = "unverified", "verifying", "verified", "supplement", "void"

#: Kinds of document as the brokerage contract numbers them (enum kyc_image_type), and the level each belongs to.
ID_FRONT, ID_BACK, SELFIE, SECOND_ID, ADDRESS, PASSBOOK = 1, 2, 3, 4, 5, 6
LEVEL_OF_KIND = {ID_FRONT: 2, ID_BACK: 2, SELFIE: 2, SECOND_ID: 2, ADDRESS: 2, PASSBOOK: 3}

#: One file is at most 5 MB (brokerage contract, kyc/image).
MAX_FILE_BYTES = 5 * 1024 * 1024

#: How old a customer must be, and how many files a customer may send in a day.
parameters.declare("kyc", {"least_age_years": 18, "files_per_day": 200})

declare(
    {
        "identity_name_invalid": N_("Write your name as it stands on your identity document."),
        "identity_number_invalid": N_("This is not a number of a Taiwanese identity card or resident certificate."),
        "identity_number_taken": N_("This identity number belongs to another verified customer."),
        "identity_birthday_invalid": N_("Enter the day as year, month and day, for example 1990/05/31."),
        "identity_too_young": N_("You are too young to open an account here."),
        "kyc_under_review": N_("Your documents are being reviewed. Please wait for the result."),
        "kyc_completed": N_("This step is finished. What was verified cannot be changed here."),
        "kyc_void": N_("Your identity check is no longer valid. Please contact our support."),
        "kyc_out_of_order": N_("This step is not open now. Please finish the step before it first."),
        "kyc_image_missing": N_("A document is still missing."),
        "kyc_file_not_chosen": N_("Choose or take a photo first."),
        "kyc_image_kind_unknown": N_("This kind of document is not asked for."),
        "kyc_answers_invalid": N_("Please answer this question."),
        "kyc_bank_account_missing": N_("Enter your bank, its branch and your account number."),
        "kyc_bank_account_taken": N_("This bank account belongs to another customer."),
        "phone_taken": N_("This mobile number belongs to another account."),
    }
)


def lock_customer(session: Session, customer_id: int) -> Customer:
    """The customer, locked until the transaction ends: one step of an identity check at a time. Raises `not_found`."""
    found = session.scalar(
        sa.select(Customer)
        .where(Customer.id == customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise Refusal("not_found")
    return found


def levels(session: Session, customer: Customer) -> dict[int, KycLevel]:
    """The customer's three levels, made when they are first needed.

    A customer who was admitted before (`kyc_level` above 0) starts with those levels verified.
    """
    found = _levels(session, customer.id)
    if len(found) < 3:
        for level in (1, 2, 3):
            status = VERIFIED if level <= customer.kyc_level else UNVERIFIED
            row = {"customer_id": customer.id, "level": level, "status": status, "revision": 0}
            insert_if_absent(session, KycLevel.__table__, row)
        found = _levels(session, customer.id)
    return found


def _levels(session: Session, customer_id: int) -> dict[int, KycLevel]:
    query = sa.select(KycLevel).where(KycLevel.customer_id == customer_id)
    return {row.level: row for row in session.scalars(query.order_by(KycLevel.level))}


def statuses(session: Session, customer: Customer) -> dict[int, str]:
    """The status of each level, without making any."""
    known = {level: row.status for level, row in _levels(session, customer.id).items()}
    return {n: known.get(n, VERIFIED if n <= customer.kyc_level else UNVERIFIED) for n in (1, 2, 3)}


def refuse_void(statuses_: Collection[str]) -> None:
    """Raises Refusal `kyc_void` when staff have withdrawn the record."""
    if VOID in statuses_:
        raise Refusal("kyc_void")


def identity(session: Session, customer_id: int) -> KycIdentity | None:
    """What the customer said of themselves, sealed."""
    return session.get(KycIdentity, customer_id)


def documents(session: Session, customer_id: int) -> dict[int, KycDocument]:
    """The customer's current documents by kind."""
    query = sa.select(KycDocument).where(KycDocument.customer_id == customer_id, KycDocument.status != "replaced")
    return {row.kind: row for row in session.scalars(query.order_by(KycDocument.kind))}


def number_index(session: Session, number: str) -> str:
    """The blind index of an identity number."""
    return context(session).vault.index(number, "identity number")


def check_number_is_free(session: Session, index: str, customer_id: int) -> None:
    """Raises Refusal `identity_number_taken` when another verified customer has the number."""
    holder = session.scalar(sa.select(IdentityHolder.customer_id).where(IdentityHolder.number_index == index))
    if holder is not None and holder != customer_id:
        raise Refusal("identity_number_taken", field="identityNumber")


def claim_number(session: Session, index: str, customer_id: int) -> None:
    """Makes the customer the one holder of the number. Raises Refusal `identity_number_taken`."""
    session.execute(
        sa.delete(IdentityHolder).where(IdentityHolder.customer_id == customer_id, IdentityHolder.number_index != index)
    )
    row = {"number_index": index, "customer_id": customer_id, "since": now(session)}
    if not insert_if_absent(session, IdentityHolder.__table__, row):
        check_number_is_free(session, index, customer_id)


def spend_upload(session: Session, customer_id: int) -> None:
    """Counts one file of a customer's day. Raises Refusal `too_many_requests`."""
    limit = int(parameters.get(session, "kyc")["files_per_day"])
    counter = failures.key(session, "kyc-files:customer", customer_id)
    if failures.spend(session, counter, limit, timedelta(days=1)) is not None:
        raise Refusal("too_many_requests", field="file", retry_after_seconds=3600)


def years_between(birthday: date, today: date) -> int:
    """Full years of age."""
    return today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))
