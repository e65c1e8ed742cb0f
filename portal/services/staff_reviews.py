"""Identity reviews as staff do them: never one's own, every opened case and document written down."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal
from portal.models.customers import Customer
from portal.models.files import StoredFile
from portal.models.kyc import KycLevel
from portal.permissions import KYC_REVIEW
from portal.services import audit, files, kyc, staff_accounts, staff_counts
from portal.services.kyc import Case
from portal.services.staff_sessions import SignedInStaff

#: What reviewers most often have to say, by the kind of document (services/kyc: ID_FRONT …) or for any (0).
REASONS: dict[int, tuple[str, ...]] = {
    0: (
        N_("The picture is blurred. Please take it again in good light."),
        N_("Parts are cut off. Please show the whole document."),
        N_("The document has expired. Please send a valid one."),
        N_("What is written does not match what you entered."),
        N_("This is another document than the one asked for."),
    ),
    kyc.SELFIE: (
        N_("Your face is not clearly seen beside the document."),
        N_("The note with today's date is missing."),
    ),
    kyc.ADDRESS: (N_("The proof of address is older than three months."),),
    kyc.PASSBOOK: (
        N_("The account number cannot be read."),
        N_("The account holder is not you."),
    ),
}

staff_counts.declare("kyc", KYC_REVIEW, lambda _: sa.select(KycLevel.id).where(KycLevel.status == kyc.VERIFYING))


def open_case(session: Session, me: SignedInStaff, customer_public_id: str) -> Case:
    """Opens a customer's case and writes it down. Raises Refusal `not_found`, `staff_not_oneself`."""
    customer_id = _customer(session, me, customer_public_id)
    audit.write(session, me.actor, "kyc.open", f"customer:{customer_id}")
    return kyc.case(session, customer_id)


def open_document(session: Session, me: SignedInStaff, customer_public_id: str, file_public_id: str) -> StoredFile:
    """A document of the customer, written down. Raises Refusal `not_found`, `staff_not_oneself`."""
    customer_id = _customer(session, me, customer_public_id)
    found = files.find(session, file_public_id, owner_kind="customer", owner_id=customer_id)
    audit.write(session, me.actor, "kyc.document", f"customer:{customer_id}", details={"file": found.public_id})
    return found


def approve(session: Session, me: SignedInStaff, customer_public_id: str, level: int, revision: int) -> None:
    """Approves what waits, if it is still what was opened. Raises the refusals of `kyc.decide`, `staff_not_oneself`."""
    customer_id = _customer(session, me, customer_public_id)
    kyc.decide(session, customer_id, level, kyc.APPROVE, actor=me.actor, revision=revision)


def reject(
    session: Session,
    me: SignedInStaff,
    customer_public_id: str,
    level: int,
    revision: int,
    reason: str,
    documents: dict[int, str],
) -> None:
    """Sends a level back, `documents` naming what is wrong with each rejected kind; as `approve`."""
    customer_id = _customer(session, me, customer_public_id)
    kyc.decide(
        session, customer_id, level, kyc.REJECT, actor=me.actor, revision=revision, reason=reason, documents=documents
    )


def withdraw(session: Session, me: SignedInStaff, customer_public_id: str, reason: str) -> None:
    """Declares a whole record invalid. Raises the refusals of `kyc.withdraw`, `staff_not_oneself`."""
    kyc.withdraw(session, _customer(session, me, customer_public_id), actor=me.actor, reason=reason)


def reopen(session: Session, me: SignedInStaff, customer_public_id: str) -> None:
    """Lets a customer whose record was withdrawn begin anew."""
    kyc.reopen(session, _customer(session, me, customer_public_id), actor=me.actor)


def _customer(session: Session, me: SignedInStaff, public_id: str) -> int:
    customer_id = session.scalar(sa.select(Customer.id).where(Customer.public_id == public_id))
    if customer_id is None:
        raise Refusal("not_found")
    if staff_accounts.is_own(session, me.staff_id, customer_id):
        raise Refusal("staff_not_oneself")
    return customer_id
