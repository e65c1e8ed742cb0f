"""Levels 2 and 3 from the customer's side: documents, the questionnaire, the bank account. Staff decide (review.py)."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import context, now
from portal.errors import Refusal
from portal.machines.bank_accounts import BANK_ACCOUNT
from portal.machines.kyc import KYC_DOCUMENT, KYC_LEVEL
from portal.models.customers import Customer
from portal.models.files import StoredFile
from portal.models.kyc import KycDocument, KycLevel
from portal.models.wallet import BankAccount
from portal.services import banks, files
from portal.services.kyc import records
from portal.services.kyc.records import SUPPLEMENT, UNVERIFIED, VERIFIED, VERIFYING

LEVEL_2_KINDS = tuple(kind for kind, level in records.LEVEL_OF_KIND.items() if level == 2)
_OPEN = (UNVERIFIED, SUPPLEMENT)
_ACCOUNT = re.compile(r"[0-9]{6,16}", re.ASCII)

#: Question → its answers, and the answer that asks for words of one's own (brokerage contract, kyc/apply_level_2).
QUESTIONS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "q1": (("investment", "payment", "other"), "other"),
    "q2": (("no", "yes"), "yes"),
    "q3": (("first_time", "less_than_1", "1_to_3", "over_3"), None),
    "q4": (("less_than_50", "between_50_to_100", "over_100"), None),
}
_MAX_WORDS = 200


def may_send_document(session: Session, customer_id: int, kind: int) -> None:
    """Whether a document of this kind may come now; asked before the file is stored.

    Raises Refusal `kyc_image_kind_unknown`, `kyc_under_review`, `kyc_completed` or `kyc_void`.
    """
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise Refusal("not_found")
    _check_document(session, customer, kind)


def _check_document(session: Session, customer: Customer, kind: int) -> KycDocument | None:
    if kind not in records.LEVEL_OF_KIND:
        raise Refusal("kyc_image_kind_unknown", field="type")
    stand = records.statuses(session, customer)
    records.refuse_void(stand.values())
    status = stand[records.LEVEL_OF_KIND[kind]]
    if status == VERIFYING:
        raise Refusal("kyc_under_review", field="file")
    current = records.documents(session, customer.id).get(kind)
    if status == VERIFIED or (current is not None and current.status == VERIFIED):
        raise Refusal("kyc_completed", field="file")
    return current


def add_document(session: Session, customer_id: int, kind: int, stored: files.Stored) -> StoredFile:
    """Takes a stored document as the current one of its kind; one that was not submitted yet is let go of.

    Raises Refusal as `may_send_document`, and `too_many_requests` after a day's share of files.
    """
    customer = records.lock_customer(session, customer_id)
    current = _check_document(session, customer, kind)
    records.spend_upload(session, customer_id)
    actor = f"customer:{customer_id}"
    file = files.register(session, "customer", customer_id, "kyc", stored)
    if current is not None:
        if current.status == "uploaded":
            files.discard(session, current.file_id)
        states.advance(session, KYC_DOCUMENT, current, "replaced", actor)
    made = KycDocument(
        customer_id=customer_id,
        kind=kind,
        level=records.LEVEL_OF_KIND[kind],
        file_id=file.id,
        created_at=now(session),
    )
    session.add(made)
    states.begin(session, KYC_DOCUMENT, made, actor)
    return file


def clean_answers(given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The questionnaire's answers, `{"q1": {"value": …, "otherValue": …}, …}`. Raises Refusal `kyc_answers_invalid`."""
    return {question: _answer(question, given.get(question)) for question in QUESTIONS}


def wrong_answers(given: Mapping[str, Any]) -> list[Refusal]:
    """Every question that has no usable answer; for forms that show all at once."""
    found = []
    for question in QUESTIONS:
        try:
            _answer(question, given.get(question))
        except Refusal as refusal:
            found.append(refusal)
    return found


def _answer(question: str, said: object) -> dict[str, str]:
    choices, with_words = QUESTIONS[question]
    value = said.get("value") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(value, str) or value not in choices:
        raise Refusal("kyc_answers_invalid", field=question)
    if value != with_words:
        return {"value": value}
    words = said.get("otherValue")
    plain = " ".join(words.split()) if isinstance(words, str) and len(words) <= 4 * _MAX_WORDS else ""
    if not plain or len(plain) > _MAX_WORDS or not plain.isprintable():
        raise Refusal("kyc_answers_invalid", field=f"{question}.otherValue")
    return {"value": value, "otherValue": plain}


def may_apply(session: Session, customer_id: int, level: int) -> None:
    """Whether level 2 or 3 may be applied for now. Raises Refusal `kyc_out_of_order` or `kyc_void`."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise Refusal("not_found")
    _check_apply(records.statuses(session, customer), level)


def _check_apply(stand: Mapping[int, str], level: int) -> None:
    records.refuse_void(stand.values())
    if stand[level - 1] != VERIFIED or stand[level] not in _OPEN:
        raise Refusal("kyc_out_of_order")


def apply_level_2(session: Session, customer_id: int, given: Mapping[str, Any]) -> None:
    """Hands documents 1 to 5 and the questionnaire to the staff.

    After a rejection only what was rejected must have been sent again. Raises Refusal `kyc_answers_invalid`,
    `kyc_out_of_order` before level 1 or while under review, `kyc_image_missing` (fact: kinds), `kyc_void`.
    """
    answers = clean_answers(given)
    customer = records.lock_customer(session, customer_id)
    _check_apply(records.statuses(session, customer), 2)
    current = records.documents(session, customer_id)
    missing = [
        kind for kind in LEVEL_2_KINDS if kind not in current or current[kind].status not in ("uploaded", VERIFIED)
    ]
    if missing:
        raise Refusal("kyc_image_missing", field="file", kinds=missing)
    who = records.identity(session, customer_id)
    if who is not None:
        who.answers_sealed = context(session).vault.seal(orjson.dumps(answers), "kyc answers")
    _submit(session, customer, 2, [current[kind] for kind in LEVEL_2_KINDS])


def _submit(session: Session, customer: Customer, level: int, handed_in: list[KycDocument], **also: Any) -> None:
    actor = f"customer:{customer.id}"
    for document in handed_in:
        if document.status == "uploaded":
            states.advance(session, KYC_DOCUMENT, document, VERIFYING, actor)
    row = records.levels(session, customer)[level]
    states.advance(
        session, KYC_LEVEL, row, VERIFYING, actor, "submitted",
        submitted_at=now(session), revision=row.revision + 1, reason=None, **also,
    )  # fmt: skip


def check_account(session: Session, bank_code: str, branch_code: str, account: str) -> str:
    """The account number in plain digits. Raises Refusal `kyc_bank_account_missing` for what is no account of a known bank.

    A branch that is not listed yet is taken by its code; the passbook shows whether it is right.
    """
    for refusal in wrong_account(session, bank_code, branch_code, account):
        raise refusal
    return _digits(account)


def wrong_account(session: Session, bank_code: str, branch_code: str, account: str) -> list[Refusal]:
    """Everything that is wrong with a bank account as it is typed, one refusal per field."""
    right = {
        "code": banks.is_bank(session, bank_code),
        "branch": banks.is_branch_code(branch_code),
        "account": _ACCOUNT.fullmatch(_digits(account)) is not None,
    }
    return [Refusal("kyc_bank_account_missing", field=field) for field, fine in right.items() if not fine]


def _digits(account: str) -> str:
    return account.replace("-", "").replace(" ", "") if len(account) < 40 else ""


def apply_level_3(session: Session, customer_id: int, bank_code: str, branch_code: str, account: str) -> BankAccount:
    """Hands the bank account and the passbook's picture (a document of kind PASSBOOK) to the staff.

    Raises Refusal `kyc_bank_account_missing`, `kyc_bank_account_taken`, `kyc_image_missing`, `kyc_out_of_order`, `kyc_void`.
    """
    digits = check_account(session, bank_code, branch_code, account)
    customer = records.lock_customer(session, customer_id)
    _check_apply(records.statuses(session, customer), 3)
    passbook = records.documents(session, customer_id).get(records.PASSBOOK)
    if passbook is None or passbook.status not in ("uploaded", VERIFIED):
        raise Refusal("kyc_image_missing", field="file", kinds=[records.PASSBOOK])
    made = _open_account(session, customer, bank_code, branch_code, digits)
    _submit(session, customer, 3, [passbook], bank_account_id=made.id)
    return made


def _open_account(session: Session, customer: Customer, bank_code: str, branch_code: str, digits: str) -> BankAccount:
    vault, moment = context(session).vault, now(session)
    index = vault.index(f"{bank_code}-{digits}", "bank account")
    check_account_is_free(session, index, customer.id)
    actor = f"customer:{customer.id}"
    older = account_of(session, customer)
    if older is not None and older.status in ("pending", "rejected"):
        states.advance(session, BANK_ACCOUNT, older, "closed", actor, "replaced by another account")
    made = BankAccount(
        owner_kind="customer",
        owner_id=customer.id,
        bank_code=bank_code,
        branch_code=branch_code,
        account_sealed=vault.seal_text(digits, "bank account"),
        account_index=index,
        account_tail=digits[-4:],
        holder_sealed=vault.seal_text(holder_name(session, customer), "bank account holder"),
        created_at=moment,
    )
    session.add(made)
    states.begin(session, BANK_ACCOUNT, made, actor)
    return made


def check_account_is_free(session: Session, index: str, customer_id: int) -> None:
    """Raises Refusal `kyc_bank_account_taken` when the account is another owner's verified one."""
    query = sa.select(BankAccount.id).where(
        BankAccount.account_index == index,
        BankAccount.status == "verified",
        sa.not_(sa.and_(BankAccount.owner_kind == "customer", BankAccount.owner_id == customer_id)),
    )
    if session.scalar(query.limit(1)) is not None:
        raise Refusal("kyc_bank_account_taken", field="account")


def account_of(session: Session, customer: Customer) -> BankAccount | None:
    """The bank account that the customer's level 3 is about."""
    query = sa.select(BankAccount).join(KycLevel, KycLevel.bank_account_id == BankAccount.id)
    return session.scalar(query.where(KycLevel.customer_id == customer.id, KycLevel.level == 3))


def holder_name(session: Session, customer: Customer) -> str:
    """The customer's proven name; what the portal calls them when none was ever proven."""
    if customer.real_name_sealed is None:
        return customer.display_name
    return context(session).vault.open_text(customer.real_name_sealed, "real name")
