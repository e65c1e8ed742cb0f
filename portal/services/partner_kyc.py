"""Identity checks of institutions' people: handed in by the institution, decided by the bank or by staff for it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import states
from portal.db import context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.machines.partner_kyc import PARTNER_KYC
from portal.models.columns import new_public_id
from portal.models.partner import PartnerKyc, PartnerKycSubmission
from portal.services import files, institutions, jobs, partner_lists, partner_mail, webhooks
from portal.services.files import Stored
from portal.services.partner_lists import Window

KIND = "kyc"
_PURPOSE = "partner kyc"

declare(
    {
        "partner_kyc_repeated": N_("This person's check for this kind of card is under way or passed."),
        "partner_kyc_unknown": N_("There is no identity check of this person."),
        "partner_mail_taken": N_("Another person of the institution uses this e-mail address."),
        "partner_mobile_taken": N_("Another person of the institution uses this mobile number."),
        "cust_tx_id_conflict": N_("This serial number was used before with other contents."),
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to be checked (partner contract 1.1), every text in the form that is kept."""

    acct_no: str
    acct_name: str
    first_name: str
    last_name: str
    gender: str
    birthday: str
    city: str
    state: str
    country: str
    nationality: str
    doc_no: str
    doc_type: str
    country_code: str
    mobile: str
    mobile_canonical: str
    mail: str
    address: str
    zipcode: str
    maiden_name: str
    kyc_info: str | None


@dataclass(frozen=True, slots=True)
class Proofs:
    """What came with the person: the mail's code, the institution's serial number and what the whole call said."""

    mail_code: str | None
    mail_token: str | None
    cust_tx_id: str | None
    fingerprint: str


def precheck(session: Session, institution_id: int, acct_no: str, card_type_id: str, mail: str, proofs: Proofs) -> bool:
    """Whether a call can be taken, before its pictures are worked on; False when it is a repeat that was taken before.

    Refusals as `submit`, but for the mail code.
    """
    if proofs.cust_tx_id is not None and _repeated(session, institution_id, proofs):
        return False
    institutions.open_offer(session, institution_id, card_type_id)
    partner_mail.accepted_address(mail, "mail")
    known = _find(session, institution_id, acct_no, card_type_id)
    if known is not None and known.status != "not_passed":
        raise Refusal("partner_kyc_repeated", field="acct_no")
    return True


def submit(
    session: Session,
    institution_id: int,
    card_type_id: str,
    person: Person,
    pictures: Mapping[str, Stored],
    proofs: Proofs,
) -> bool:
    """Takes a person's data in, anew or again after it was not passed; True.

    A repeated `cust_tx_id` with the same contents changes nothing. Raises Refusal `card_type_unknown`,
    `card_type_forbidden`, `partner_kyc_repeated`, `email_invalid`, `mail_provider_refused`, `partner_mail_taken`,
    `partner_mobile_taken`, `code_wrong` (kept), `code_expired` or `cust_tx_id_conflict`.
    """
    if proofs.cust_tx_id is not None and _repeated(session, institution_id, proofs):
        return True
    institutions.open_offer(session, institution_id, card_type_id)
    address = partner_mail.accepted_address(person.mail, "mail")
    known = _find(session, institution_id, person.acct_no, card_type_id, lock=True)
    if known is not None and known.status != "not_passed":
        raise Refusal("partner_kyc_repeated", field="acct_no")
    partner_mail.use(session, institution_id, address, proofs.mail_code, proofs.mail_token)
    indexes = {
        "mail_index": partner_mail.mail_index(session, address),
        "mobile_index": context(session).vault.index(person.mobile_canonical, "partner mobile"),
    }
    _check_unique(session, institution_id, card_type_id, indexes, known.id if known else None)
    sealed = context(session).vault.seal(orjson.dumps(asdict(person)), _PURPOSE)
    kept = {
        name: files.register(session, "institution", institution_id, f"partner_kyc_{name}", stored).id
        for name, stored in pictures.items()
    }
    if known is None:
        known = _insert(session, institution_id, person.acct_no, card_type_id, sealed, indexes, kept)
    else:
        _again(session, known, sealed, indexes, kept)
    if proofs.cust_tx_id is not None:
        _claim_serial(session, institution_id, proofs, known.id)
    jobs.enqueue(
        session, "partner_kyc_check", {"kyc_id": known.id}, unique_key=f"partner_kyc:{known.id}:{known.submissions}"
    )
    return True


def _insert(
    session: Session,
    institution_id: int,
    acct_no: str,
    card_type_id: str,
    sealed: bytes,
    indexes: dict[str, str],
    kept: dict[str, int],
) -> PartnerKyc:
    number = institutions.next_number(session, institution_id, KIND)
    moment = now(session)
    row = {
        "public_id": new_public_id(),
        "institution_id": institution_id,
        "number": number,
        "acct_no": acct_no,
        "card_type_id": card_type_id,
        "status": PARTNER_KYC.start,
        "reason": "",
        "submissions": 1,
        "details_sealed": sealed,
        "files": kept,
        "created_at": moment,
        "submitted_at": moment,
        **indexes,
    }
    if not insert_if_absent(session, PartnerKyc.__table__, row):
        _check_unique(session, institution_id, card_type_id, indexes, None)
        raise Refusal("partner_kyc_repeated", field="acct_no")
    made = _find(session, institution_id, acct_no, card_type_id)
    assert made is not None
    states.begin(session, PARTNER_KYC, made, f"institution:{institution_id}")
    return made


def _again(session: Session, known: PartnerKyc, sealed: bytes, indexes: dict[str, str], kept: dict[str, int]) -> None:
    for old in known.files.values():
        files.discard(session, old)
    states.advance(
        session,
        PARTNER_KYC,
        known,
        "submitted",
        f"institution:{known.institution_id}",
        "handed in again",
        reason="",
        details_sealed=sealed,
        files=kept,
        submissions=known.submissions + 1,
        submitted_at=now(session),
        decided_at=None,
        **indexes,
    )


def _repeated(session: Session, institution_id: int, proofs: Proofs) -> bool:
    found = session.scalar(
        sa.select(PartnerKycSubmission.fingerprint).where(
            PartnerKycSubmission.institution_id == institution_id, PartnerKycSubmission.cust_tx_id == proofs.cust_tx_id
        )
    )
    if found is not None and found != proofs.fingerprint:
        raise Refusal("cust_tx_id_conflict", field="cust_tx_id")
    return found is not None


def _claim_serial(session: Session, institution_id: int, proofs: Proofs, kyc_id: int) -> None:
    row = {
        "institution_id": institution_id,
        "cust_tx_id": proofs.cust_tx_id,
        "fingerprint": proofs.fingerprint,
        "kyc_id": kyc_id,
        "created_at": now(session),
    }
    if not insert_if_absent(session, PartnerKycSubmission.__table__, row):
        raise Refusal("cust_tx_id_conflict", field="cust_tx_id")


def _check_unique(
    session: Session, institution_id: int, card_type_id: str, indexes: dict[str, str], but: int | None
) -> None:
    for column, refusal, field in (
        (PartnerKyc.mail_index, "partner_mail_taken", "mail"),
        (PartnerKyc.mobile_index, "partner_mobile_taken", "mobile"),
    ):
        holder = session.scalar(
            sa.select(PartnerKyc.id).where(
                PartnerKyc.institution_id == institution_id,
                PartnerKyc.card_type_id == card_type_id,
                column == indexes[column.key],
            )
        )
        if holder is not None and holder != but:
            raise Refusal(refusal, field=field)


def _find(
    session: Session, institution_id: int, acct_no: str, card_type_id: str, *, lock: bool = False
) -> PartnerKyc | None:
    query = sa.select(PartnerKyc).where(
        PartnerKyc.institution_id == institution_id,
        PartnerKyc.acct_no == acct_no,
        PartnerKyc.card_type_id == card_type_id,
    )
    return session.scalar(query.with_for_update() if lock else query)


def for_card(session: Session, institution_id: int, acct_no: str, card_type_id: str) -> PartnerKyc | None:
    """The check that allows a card, locked until the commit; None when there is none."""
    return _find(session, institution_id, acct_no, card_type_id, lock=True)


def page(session: Session, institution_id: int, window: Window) -> tuple[int, list[PartnerKyc]]:
    """Total and rows of a page (partner contract 1.2, 1.3). Raises Refusal `partner_kyc_unknown` for a person without any."""
    total, rows = partner_lists.page(session, PartnerKyc, KIND, institution_id, window)
    if window.acct_no is not None and not total and not _person_known(session, institution_id, window.acct_no):
        raise Refusal("partner_kyc_unknown", field="acct_no")
    return total, rows


def _person_known(session: Session, institution_id: int, acct_no: str) -> bool:
    query = sa.select(PartnerKyc.id).where(PartnerKyc.institution_id == institution_id, PartnerKyc.acct_no == acct_no)
    return session.scalar(query.limit(1)) is not None


def begin_check(session: Session, kyc_id: int) -> None:
    """Moves a check that was handed in on to where the bank looks at it; harmless when it has moved on."""
    found = session.get(PartnerKyc, kyc_id, with_for_update=True)
    if found is None or found.status not in ("submitted", "processing"):
        return
    if found.status == "submitted":
        states.advance(session, PARTNER_KYC, found, "processing", "system")
    states.advance(session, PARTNER_KYC, found, "checking", "system")


def decide(session: Session, kyc_id: int, decision: str, reason: str, actor: str) -> PartnerKyc:
    """Passes (`approve`) or refuses (`reject`, with a reason) a check that is being looked at, and tells the institution.

    Raises Refusal `not_found`, `input_invalid`, `input_missing` (a rejection without a reason) or `state_conflict`.
    """
    found = session.get(PartnerKyc, kyc_id, with_for_update=True)
    if found is None:
        raise Refusal("not_found")
    if decision not in ("approve", "reject"):
        raise Refusal("input_invalid", field="decision")
    reason = reason.strip()
    if decision == "reject" and not reason:
        raise Refusal("input_missing", field="reason")
    to = "passed" if decision == "approve" else "not_passed"
    kept = reason[:200] if decision == "reject" else ""
    states.advance(session, PARTNER_KYC, found, to, actor, kept or None, reason=kept, decided_at=now(session))
    webhooks.tell(
        session,
        "institution",
        found.institution_id,
        "kyc.passed" if to == "passed" else "kyc.rejected",
        {"acct_no": found.acct_no, "card_type_id": found.card_type_id, "reason": kept},
        key=f"kyc:{found.id}:{found.submissions}",
    )
    return found


def details(session: Session, found: PartnerKyc) -> dict[str, Any]:
    """The person's data, opened: for whoever decides. Every look belongs into the audit log of its caller."""
    opened: dict[str, Any] = orjson.loads(context(session).vault.open(found.details_sealed, _PURPOSE))
    return opened


def get(session: Session, institution_id: int, public_id: str) -> PartnerKyc:
    """A check of an institution. Raises Refusal `not_found`, alike for a foreign one."""
    found = session.scalar(
        sa.select(PartnerKyc).where(PartnerKyc.public_id == public_id, PartnerKyc.institution_id == institution_id)
    )
    if found is None:
        raise Refusal("not_found")
    return found


def newest(session: Session, acct_no: str, card_type_id: str, institution_id: int | None = None) -> PartnerKyc | None:
    """The newest check of a person for a kind of card, in one institution or in any: for the sandbox."""
    query = sa.select(PartnerKyc).where(PartnerKyc.acct_no == acct_no, PartnerKyc.card_type_id == card_type_id)
    if institution_id is not None:
        query = query.where(PartnerKyc.institution_id == institution_id)
    return session.scalar(query.order_by(PartnerKyc.submitted_at.desc(), PartnerKyc.id.desc()).limit(1))


def waiting(session: Session, *, after: int = 0, count: int = 50) -> list[PartnerKyc]:
    """Checks that wait for a decision, oldest first, those with numbers above `after`: for staff."""
    query = sa.select(PartnerKyc).where(PartnerKyc.status == "checking", PartnerKyc.id > after)
    return list(session.scalars(query.order_by(PartnerKyc.id).limit(count)))
