"""Mail codes that institutions have sent to their people (partner contract 4.1, 4.2), proven later in the KYC call (1.1)."""

import secrets
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, context, now
from portal.errors import N_, Refusal, declare
from portal.models.partner import Institution, PartnerMailProof
from portal.services import codes, messages
from portal.services.identifiers import canonical_email

#: A code that was checked in 4.2 may serve once in 1.1 for so long (reading P35).
CHECKED_LIFE = timedelta(hours=24)
#: Providers whose mail is not accepted (partner contract 1.1), with all their subdomains.
REFUSED_PROVIDERS = ("163.com",)
MOST_BYTES = 64

declare({"mail_provider_refused": N_("Mail of this provider is not accepted.")})


def accepted_address(text: str, field: str = "email") -> str:
    """The address in its one form. Raises Refusal `email_invalid` or `mail_provider_refused`."""
    if len(text) > MOST_BYTES:
        raise Refusal("email_invalid", field=field)
    address = canonical_email(text, field)
    domain = address.rpartition("@")[2].rstrip(".")
    if any(domain == refused or domain.endswith(f".{refused}") for refused in REFUSED_PROVIDERS):
        raise Refusal("mail_provider_refused", field=field)
    return address


def send(session: Session, institution_id: int, email: str) -> str:
    """Sends a code and answers the token it belongs to.

    Raises Refusal `email_invalid`, `mail_provider_refused` or `code_too_soon`.
    """
    address = accepted_address(email)
    subject = _subject(session, institution_id, address)
    code = codes.issue(session, "partner_mail", subject, "mail", address)
    token = secrets.token_urlsafe(24)
    moment = now(session)
    session.add(
        PartnerMailProof(
            institution_id=institution_id,
            token_index=_index(session, token),
            mail_index=mail_index(session, address),
            code_index=_index(session, f"{token}\x00{code}"),
            created_at=moment,
            expires_at=moment + codes.LIFE,
        )
    )
    institution = session.get_one(Institution, institution_id)
    messages.mail(
        session,
        address,
        "partner_code",
        institution.locale,
        {"institution": institution.name},
        code=code,
        expires_at=moment + codes.LIFE,
    )
    return token


def check(session: Session, institution_id: int, email: str, code: str, token: str) -> None:
    """Checks a code; it still serves once in the KYC call. Raises Refusal `code_wrong` (kept) or `code_expired`."""
    address = _known_address(email)
    proof = _proof(session, institution_id, address, token)
    if proof is None or proof.status != "sent":
        raise Refusal("code_wrong", field="code")
    _verify(session, institution_id, address, proof, token, code)
    _move(session, proof, "sent", "checked", now(session) + CHECKED_LIFE)


def use(session: Session, institution_id: int, address: str, code: str | None, token: str | None) -> None:
    """Uses a code up in the KYC call, checked before or not. Raises Refusal `code_wrong` (kept) or `code_expired`.

    Neither code nor token given: nothing to prove. Call it before writing anything else.
    """
    if code is None and token is None:
        return
    proof = _proof(session, institution_id, address, token or "")
    if proof is None or code is None or proof.status == "used":
        raise Refusal("code_wrong", field="mail_verification_code")
    if proof.status == "sent":
        _verify(session, institution_id, address, proof, token or "", code)
    elif proof.expires_at <= now(session):
        raise Refusal("code_expired", field="mail_verification_code")
    elif not _fits(session, proof, token or "", code):
        raise Refusal("code_wrong", field="mail_verification_code")
    _move(session, proof, proof.status, "used", proof.expires_at)


def mail_index(session: Session, address: str) -> str:
    """The blind index by which equal addresses are found."""
    return context(session).vault.index(address, "partner mail")


def _known_address(email: str) -> str:
    try:
        return accepted_address(email)
    except Refusal as refusal:
        raise Refusal("code_wrong", field="code") from refusal


def _verify(
    session: Session, institution_id: int, address: str, proof: PartnerMailProof, token: str, code: str
) -> None:
    codes.verify(session, "partner_mail", _subject(session, institution_id, address), address, code)
    if not _fits(session, proof, token, code):  # the newest code with the token of an older one
        raise Refusal("code_wrong", field="code")


def _fits(session: Session, proof: PartnerMailProof, token: str, code: str) -> bool:
    return secrets.compare_digest(proof.code_index, _index(session, f"{token}\x00{code}"))


def _proof(session: Session, institution_id: int, address: str, token: str) -> PartnerMailProof | None:
    return session.scalar(
        sa.select(PartnerMailProof)
        .where(
            PartnerMailProof.institution_id == institution_id,
            PartnerMailProof.token_index == _index(session, token),
            PartnerMailProof.mail_index == mail_index(session, address),
        )
        .with_for_update()
    )


def _move(session: Session, proof: PartnerMailProof, before: str, after: str, expires_at: object) -> None:
    moved = session.execute(
        sa.update(PartnerMailProof)
        .where(PartnerMailProof.id == proof.id, PartnerMailProof.status == before)
        .values(status=after, expires_at=expires_at)
    )
    if affected(moved) != 1:
        raise Refusal("code_wrong", field="code")


def _subject(session: Session, institution_id: int, address: str) -> str:
    return f"institution:{institution_id}:{mail_index(session, address)}"


def _index(session: Session, value: str) -> str:
    return context(session).vault.index(value, "partner mail proof")
