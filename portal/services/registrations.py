"""Voucher sign-up: phone, phone code, mail, mail code, password. The customer is made with the password.

The steps after the phone's code belong to whoever gave it: by the token it answered, or from the same network address
for ten minutes. A taken phone behaves like a free one and its owner is told.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.machines.registration import REGISTRATION
from portal.models.columns import new_public_id
from portal.models.customers import Company, Customer
from portal.models.vouchers import Registration
from portal.services import addresses, codes, companies, messages
from portal.services.identifiers import canonical_email, canonical_phone
from portal.services.networks import TRON

declare(
    {
        "registration_out_of_step": N_("This sign-up is at another step, or it was begun by somebody else."),
        "registration_email_taken": N_("There is an account with this e-mail already."),
        "wallet_unavailable": N_("Your wallet cannot be made right now. Please try again later."),
    }
)

PHONE_PURPOSE = "registration_phone"
MAIL_PURPOSE = "registration_mail"

#: A sign-up that nobody finishes is forgotten after this; from the same address alone it may go on this long.
LIFE = timedelta(hours=24)
ADDRESS_COUNTS = timedelta(minutes=10)

#: How many unfinished sign-ups of one phone are looked through for the caller's.
_RECENT = 10


@dataclass(frozen=True, slots=True)
class Proof:
    """Who calls a later step: the token of `verify_phone`, if sent, and the network address."""

    token: str | None
    address: str


def start(session: Session, source: str, phone: str, country: str, address: str) -> None:
    """Sends a code to the phone. A taken one gets a warning instead, and the caller the same answer.

    Raises Refusal `input_invalid` for an unknown company, `phone_invalid`, `code_too_soon`.
    """
    company = companies.by_code(session, source)
    number = canonical_phone(phone, country, "phone")
    code = codes.issue(session, PHONE_PURPOSE, _subject(company, number), "sms", number)
    expires_at = now(session) + codes.LIFE
    # One statement and one message either way, so that the time taken tells nothing.
    locale = session.scalar(sa.select(Customer.locale).where(Customer.phone == number))
    taken = locale is not None
    messages.sms(
        session,
        number,
        "phone_already_known" if taken else "registration_code",
        locale or "zh_Hant_TW",
        {"company": company.name},
        code=None if taken else code,
        expires_at=expires_at,
    )
    if _pending(session, company, number) is None:
        session.add(
            Registration(
                company_id=company.id,
                phone=number,
                decoy=taken,
                address=address,
                created_at=now(session),
                expires_at=now(session) + LIFE,
            )
        )


def verify_phone(session: Session, source: str, phone: str, country: str, otp: str, address: str) -> str:
    """Proves the phone and answers the token that the later steps need.

    Raises Refusal `registration_out_of_step` when no sign-up of this phone waits for its code, `code_wrong` (kept),
    `code_expired`.
    """
    company = companies.by_code(session, source)
    number = canonical_phone(phone, country, "phone")
    found = _pending(session, company, number)
    if found is None:
        raise Refusal("registration_out_of_step")
    codes.verify(session, PHONE_PURPOSE, _subject(company, number), number, otp)
    if found.decoy:
        raise Refusal("registration_out_of_step")
    token = secrets.token_urlsafe(32)
    moment = now(session)
    states.begin(session, REGISTRATION, found, "system")
    states.advance(
        session, REGISTRATION, found, "sms_verified", "system", token_digest=_digest(token), address=address,
        address_until=moment + ADDRESS_COUNTS, expires_at=moment + LIFE,
    )  # fmt: skip
    return token


def set_email(session: Session, source: str, phone: str, country: str, email: str, proof: Proof) -> None:
    """Sends a code to the mail address; may be called again, for another address too.

    Raises Refusal `registration_out_of_step`, `registration_email_taken`, `email_invalid`, `code_too_soon`.
    """
    address = canonical_email(email)
    found = _own(session, source, phone, country, proof, ("sms_verified", "mail_pending"))
    if session.scalar(sa.select(Customer.id).where(Customer.email == address)) is not None:
        raise Refusal("registration_email_taken", field="email")
    code = codes.issue(session, MAIL_PURPOSE, f"registration:{found.id}", "mail", address)
    company = session.get(Company, found.company_id)
    messages.mail(
        session, address, "registration_code", "zh_Hant_TW", {"company": company.name if company else ""}, code=code,
        expires_at=now(session) + codes.LIFE,
    )  # fmt: skip
    found.email = address
    if found.status == "sms_verified":
        states.advance(session, REGISTRATION, found, "mail_pending", "system")


def verify_email(session: Session, source: str, phone: str, country: str, email: str, otp: str, proof: Proof) -> None:
    """Proves the mail address. Raises Refusal `registration_out_of_step`, `code_wrong` (kept), `code_expired`."""
    address = canonical_email(email)
    found = _own(session, source, phone, country, proof, ("mail_pending",))
    codes.verify(session, MAIL_PURPOSE, f"registration:{found.id}", address, otp)
    states.advance(session, REGISTRATION, found, "mail_verified", "system")


def set_password(
    session: Session, source: str, phone: str, country: str, email: str, password_hash: str, proof: Proof
) -> Customer:
    """Makes the customer with the password's hash, and the TRON wallet.

    Raises Refusal `registration_out_of_step`, also for a phone or mail that was taken meanwhile, `wallet_unavailable`.
    """
    address = canonical_email(email)
    found = _own(session, source, phone, country, proof, ("mail_verified",))
    if found.email != address:
        raise Refusal("registration_out_of_step")
    moment = now(session)
    public_id = new_public_id()
    row = {
        "public_id": public_id,
        "company_id": found.company_id,
        "email": address,
        "phone": found.phone,
        "password_hash": password_hash,
        "standing": "normal",
        "registration": "wallet_generated",
        "kyc_level": 0,
        "locale": "zh_Hant_TW",
        "price_colours": "taiwan",
        "theme": "auto",
        "is_vip": False,
        "known_addresses_only": False,
        "email_verified_at": moment,
        "phone_verified_at": moment,
        "password_changed_at": moment,
        "created_at": moment,
    }
    if not insert_if_absent(session, Customer.__table__, row):
        raise Refusal("registration_out_of_step")
    customer = session.scalars(sa.select(Customer).where(Customer.public_id == public_id)).one()
    actor = f"customer:{customer.id}"
    states.advance(session, REGISTRATION, found, "password_setup", actor, customer_id=customer.id)
    try:
        addresses.for_owner(session, "customer", customer.id, TRON)
    except Refusal as refusal:
        raise Refusal("wallet_unavailable") from refusal
    states.advance(session, REGISTRATION, found, "wallet_generated", actor)
    return customer


def forget_old(session: Session) -> int:
    """Deletes sign-ups that were never finished in time; how many."""
    gone = session.execute(
        sa.delete(Registration).where(Registration.expires_at < now(session), Registration.customer_id.is_(None))
    )
    return gone.rowcount if isinstance(gone, sa.CursorResult) else 0


def _pending(session: Session, company: Company, phone: str) -> Registration | None:
    query = (
        sa.select(Registration)
        .where(
            Registration.company_id == company.id,
            Registration.phone == phone,
            Registration.status == "sms_pending",
            Registration.expires_at > now(session),
        )
        .order_by(Registration.id.desc())
        .limit(1)
    )
    return session.scalar(query.with_for_update())


def _own(
    session: Session, source: str, phone: str, country: str, proof: Proof, standing_at: tuple[str, ...]
) -> Registration:
    """The caller's sign-up at one of the given steps. Raises Refusal `registration_out_of_step` for any other's."""
    company = companies.by_code(session, source)
    number = canonical_phone(phone, country, "phone")
    moment = now(session)
    query = (
        sa.select(Registration)
        .where(
            Registration.company_id == company.id,
            Registration.phone == number,
            Registration.status.in_(standing_at),
            Registration.expires_at > moment,
        )
        .order_by(Registration.id.desc())
        .limit(_RECENT)
    )
    for found in session.scalars(query.with_for_update()):
        if _proves(found, proof, moment >= (found.address_until or moment)):
            return found
    raise Refusal("registration_out_of_step")


def _proves(found: Registration, proof: Proof, address_is_old: bool) -> bool:
    if proof.token is not None:
        return found.token_digest is not None and secrets.compare_digest(found.token_digest, _digest(proof.token))
    return not address_is_old and found.address == proof.address


def _subject(company: Company, phone: str) -> str:
    return f"registration:{company.code}:{phone}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
