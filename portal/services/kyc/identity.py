"""Level 1: who the customer is, and that the phone is theirs. It passes by itself."""

import re
import unicodedata
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import context, now
from portal.errors import Refusal
from portal.machines.kyc import KYC_LEVEL
from portal.models.customers import Customer
from portal.models.kyc import KycIdentity
from portal.services import code_requests, codes, devices, failures, identifiers, parameters
from portal.services.activity import TAIPEI
from portal.services.devices import Visit
from portal.services.kyc import numbers, records

#: A name's letters of any script, with what stands between them; no digits, no controls.
_BETWEEN = " .·‧・'’-"
_MAX_NAME = 60
_BIRTHDAY = re.compile(r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})", re.ASCII)

#: Operation code of the sign-in log (brokerage contract, enum operation_code: 实名).
IDENTITY_PROVEN = 1014

#: A signed-in customer learns of a taken number only so often.
CHECKS_PER_DAY = 5


def submit_basic_data(
    session: Session, customer_id: int, name: str, gender: int, birthday: str, number: str
) -> dict[int, str]:
    """Takes the identity data of level 1, again as often as needed until the phone is proven; answers the levels' statuses.

    `gender` is 0 (female) or 1, `birthday` is `YYYY/MM/DD`. Raises Refusal `identity_name_invalid`, `input_invalid`,
    `identity_birthday_invalid`, `identity_too_young`, `identity_number_invalid`, `identity_number_taken`,
    `kyc_under_review`, `kyc_completed` or `kyc_void`.
    """
    shown_name = canonical_name(name)
    _check_gender(gender)
    born = _birthday(session, birthday)
    wanted, kind = _number(number)
    customer = records.lock_customer(session, customer_id)
    levels = records.levels(session, customer)
    stand = {level: row.status for level, row in levels.items()}
    records.refuse_void(stand.values())
    if stand[1] == records.VERIFIED:
        waiting = records.VERIFYING in (stand[2], stand[3])
        raise Refusal("kyc_under_review" if waiting else "kyc_completed", field="identityNumber")
    index = records.number_index(session, wanted)
    records.check_number_is_free(session, index, customer_id)
    _keep(session, customer_id, shown_name, gender, born, wanted, index, kind)
    levels[1].revision += 1
    levels[1].submitted_at = now(session)
    return stand


def wrong_entries(session: Session, name: str, gender: int, birthday: str, number: str) -> list[Refusal]:
    """Everything that is wrong with identity data as it is typed, one refusal per field; for forms that show all at once."""
    found = []
    for check in (
        lambda: canonical_name(name),
        lambda: _check_gender(gender),
        lambda: _birthday(session, birthday),
        lambda: _number(number),
    ):
        try:
            check()
        except Refusal as refusal:
            found.append(refusal)
    return found


def _check_gender(gender: int) -> None:
    if isinstance(gender, bool) or gender not in (0, 1):
        raise Refusal("input_invalid", field="gender")


def _number(text: str) -> tuple[str, str]:
    """The identity number and its kind."""
    wanted = numbers.canonical(text)
    kind = numbers.kind_of(wanted)
    if kind is None:
        raise Refusal("identity_number_invalid", field="identityNumber")
    return wanted, kind


def _keep(
    session: Session, customer_id: int, name: str, gender: int, born: date, number: str, index: str, kind: str
) -> None:
    vault, moment = context(session).vault, now(session)
    row = records.identity(session, customer_id)
    if row is None:
        row = KycIdentity(customer_id=customer_id, created_at=moment)
        session.add(row)
    row.name_sealed = vault.seal_text(name, "real name")
    row.gender = gender
    row.birthday_sealed = vault.seal_text(born.isoformat(), "birthday")
    row.number_sealed = vault.seal_text(number, "identity number")
    row.number_index, row.number_kind, row.updated_at = index, kind, moment
    session.flush()


def canonical_name(text: str) -> str:
    """A person's name in one form (NFKC, single blanks). Raises Refusal `identity_name_invalid`."""
    if len(text) > 4 * _MAX_NAME:
        raise Refusal("identity_name_invalid", field="name")
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    letters = [sign for sign in name if sign not in _BETWEEN]
    fitting = all(unicodedata.category(sign)[0] in "LM" for sign in letters)
    if not fitting or not letters or len(name) > _MAX_NAME or unicodedata.category(letters[0])[0] != "L":
        raise Refusal("identity_name_invalid", field="name")
    return name


def _birthday(session: Session, text: str) -> date:
    found = _BIRTHDAY.fullmatch(text.strip()) if len(text) < 40 else None
    try:
        born = date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        born = None
    today = now(session).astimezone(TAIPEI).date()
    if born is None or born > today or records.years_between(born, today) > 120:
        raise Refusal("identity_birthday_invalid", field="birthday")
    least = int(parameters.get(session, "kyc")["least_age_years"])
    if records.years_between(born, today) < least:
        raise Refusal("identity_too_young", field="birthday", least_age_years=least)
    return born


def check_phone(session: Session, customer_id: int | None, text: str) -> str:
    """The number as E.164, if it is a real mobile one.

    Whether it belongs to somebody else is told only to a signed-in customer, CHECKS_PER_DAY times a day; everybody else
    learns nothing. Raises Refusal `phone_invalid` or `phone_taken`.
    """
    number = identifiers.canonical_phone(text)
    if customer_id is None:
        return number
    counter = failures.key(session, "kyc-phone-checks:customer", customer_id)
    if failures.spend(session, counter, CHECKS_PER_DAY, timedelta(days=1)) is None and _is_foreign(
        session, customer_id, number
    ):
        raise Refusal("phone_taken", field="mobilePhone", keep=True)
    return number


def send_phone_code(session: Session, customer_id: int, text: str) -> str:
    """Sends the code to a number that the customer names on the pages, and remembers it; answers it as E.164.

    Raises Refusal `phone_invalid`, `phone_taken` (as `check_phone`), `kyc_out_of_order` without identity data,
    `kyc_completed`, `kyc_void`, `code_too_soon`, `codes_spent`.
    """
    customer = records.lock_customer(session, customer_id)
    stand = records.statuses(session, customer)
    records.refuse_void(stand.values())
    if stand[1] == records.VERIFIED:
        raise Refusal("kyc_completed", field="mobilePhone")
    who = records.identity(session, customer_id)
    if who is None:
        raise Refusal("kyc_out_of_order")
    check_phone(session, customer_id, text)
    number = code_requests.ask_for_phone(session, customer_id, text)
    who.phone_sealed = context(session).vault.seal_text(number, "kyc phone")
    session.flush()
    return number


def named_phone(session: Session, customer_id: int) -> str | None:
    """The number that the customer named last and has not proven yet."""
    who = records.identity(session, customer_id)
    if who is None or who.phone_sealed is None or who.verified_at is not None:
        return None
    return context(session).vault.open_text(who.phone_sealed, "kyc phone")


def _is_foreign(session: Session, customer_id: int, number: str) -> bool:
    owner = session.scalar(sa.select(Customer.id).where(Customer.phone == number))
    return owner is not None and owner != customer_id


def verify_phone(session: Session, customer_id: int, text: str, code: str, visit: Visit | None = None) -> None:
    """Proves the phone with the code sent to it, and with that level 1; noted in the sign-in log when `visit` is given.

    Raises Refusal `phone_invalid`, `kyc_out_of_order` without identity data, `kyc_completed`, `kyc_void`, `code_wrong`
    (kept), `code_expired`, `phone_taken`, `identity_number_taken`.
    """
    number = identifiers.canonical_phone(text)
    customer = records.lock_customer(session, customer_id)
    stand = records.statuses(session, customer)
    records.refuse_void(stand.values())
    if stand[1] == records.VERIFIED:
        raise Refusal("kyc_completed", field="code")
    who = records.identity(session, customer_id)
    if who is None:
        raise Refusal("kyc_out_of_order", field="code")
    codes.verify(session, code_requests.KYC_PHONE, f"customer:{customer_id}", number, code)
    if _is_foreign(session, customer_id, number):
        raise Refusal("phone_taken", field="mobilePhone")
    records.claim_number(session, who.number_index, customer_id)
    moment = now(session)
    customer.phone, customer.phone_verified_at = number, moment
    pass_level_1(session, customer, who, moment, f"customer:{customer_id}", "phone proven")
    if visit is not None:
        devices.log(session, customer_id, IDENTITY_PROVEN, visit)


def pass_level_1(
    session: Session, customer: Customer, who: KycIdentity, moment: datetime, actor: str, why: str
) -> None:
    """Marks level 1 as verified; the number must have been claimed."""
    who.verified_at = moment
    customer.real_name_sealed = who.name_sealed
    customer.kyc_level = max(customer.kyc_level, 1)
    level = records.levels(session, customer)[1]
    states.advance(session, KYC_LEVEL, level, records.VERIFIED, actor, why, decided_at=moment, decided_by=actor)
