"""Asking for a code before signing in. Everyone gets the same answer; whether anything is sent is decided by the worker.

A code goes only to what is bound to the account, or, from a signed-in customer, to the mobile number being proved in KYC.
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Company, Customer
from portal.services import accounts, codes, failures, identifiers, jobs, messages

PER_ADDRESS, PER_PERSON = (30, timedelta(hours=1)), (20, timedelta(days=1))
REGISTRATION, PASSWORD_RESET, KYC_PHONE = "registration", "password_reset", "kyc_phone"

declare({"codes_spent": N_("Too many codes were asked for. Please try again later.")})


def ask(session: Session, login_name: str, mobile: str | None = None, *, company: str | None = None) -> None:
    """Asks for the code that the account's state calls for: registration while unverified, password reset afterwards.

    With `mobile` a reset code goes there by SMS if it is the account's own verified number; with `company` only a
    customer of that company is sent one. Answers nothing and takes as long whether the account exists or not.
    """
    payload = {"login_name": login_name[:200], "mobile": mobile, "company": company}
    jobs.enqueue(session, "code_request", payload, expires_at=now(session) + codes.LIFE, max_attempts=3, secret=True)


def grant(session: Session, payload: dict[str, Any]) -> None:
    """Does what was asked for, where it may be done; the worker calls it."""
    person = accounts.by_login_name(session, payload["login_name"])
    if person is None or person.standing == "suspended" or not _of_company(session, person, payload.get("company")):
        return
    choice = _choice(person, payload["mobile"])
    if choice is None or _spent(session, person.id):
        return
    try:
        accounts.send_code(session, person, *choice)
    except Refusal:
        return  # asked again too soon: the code that was sent still serves


def ask_for_phone(session: Session, customer_id: int, mobile: str) -> str:
    """Sends a signed-in customer the code that proves a mobile number in KYC; answers the number as E.164.

    Raises Refusal `phone_invalid`, `code_too_soon`, `codes_spent`.
    """
    number = identifiers.canonical_phone(mobile)
    person = accounts.customer(session, customer_id)
    if _spent(session, customer_id):
        raise Refusal("codes_spent", field="mobilePhone", retry_after_seconds=3600)
    code = codes.issue(session, KYC_PHONE, f"customer:{customer_id}", "sms", number)
    facts = {"purpose": KYC_PHONE, "username": person.display_name, "minutes": int(codes.LIFE.total_seconds() // 60)}
    messages.sms(session, number, "code", person.locale, facts, code=code, expires_at=now(session) + codes.LIFE)
    return number


def _of_company(session: Session, person: Customer, company: str | None) -> bool:
    return company is None or company == session.scalar(sa.select(Company.code).where(Company.id == person.company_id))


def _choice(person: Customer, mobile: str | None) -> tuple[str, str] | None:
    """Purpose and channel of the code that may be sent, if any."""
    if mobile is not None:
        own = person.phone is not None and person.phone_verified_at is not None and mobile == person.phone
        return (PASSWORD_RESET, "sms") if own else None
    if person.email is None:
        return None
    if person.email_verified_at is None:
        return (REGISTRATION, "mail") if person.password_hash is not None else None
    return PASSWORD_RESET, "mail"


def _spent(session: Session, customer_id: int) -> bool:
    counter = failures.key(session, "code-sends:customer", customer_id)
    return failures.spend(session, counter, *PER_PERSON) is not None


def spend_address(session: Session, ip: str) -> bool:
    """Counts a request from a network address; False when the address has had its share of the hour."""
    return failures.spend(session, failures.key(session, "code-sends:address", ip), *PER_ADDRESS) is None
