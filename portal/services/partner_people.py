"""An institution's records as its members look at them: filtered, newest first, page by page."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models.cards import CardLoad, PartnerCard
from portal.models.partner import PartnerKyc


def filtered(
    session: Session,
    institution_id: int,
    *,
    acct_no: str = "",
    status: str = "",
    before: int | None = None,
    count: int = 50,
) -> list[PartnerKyc]:
    """Checks, newest first, those numbered below `before`."""
    query = sa.select(PartnerKyc).where(PartnerKyc.institution_id == institution_id)
    if acct_no:
        query = query.where(PartnerKyc.acct_no == acct_no)
    if status:
        query = query.where(PartnerKyc.status == status)
    if before is not None:
        query = query.where(PartnerKyc.number < before)
    return list(session.scalars(query.order_by(PartnerKyc.number.desc()).limit(count)))


def waiting(session: Session, institution_id: int, count: int = 50) -> list[PartnerKyc]:
    """Checks that wait for the bank, oldest first."""
    query = sa.select(PartnerKyc).where(
        PartnerKyc.institution_id == institution_id, PartnerKyc.status.in_(("submitted", "processing", "checking"))
    )
    return list(session.scalars(query.order_by(PartnerKyc.number).limit(count)))


def filtered_cards(
    session: Session,
    institution_id: int,
    *,
    acct_no: str = "",
    status: str = "",
    before: int | None = None,
    count: int = 50,
) -> list[PartnerCard]:
    """Cards, newest first, those numbered below `before`."""
    query = sa.select(PartnerCard).where(PartnerCard.institution_id == institution_id)
    if acct_no:
        query = query.where(PartnerCard.acct_no == acct_no)
    if status:
        query = query.where(PartnerCard.status == status)
    if before is not None:
        query = query.where(PartnerCard.number < before)
    return list(session.scalars(query.order_by(PartnerCard.number.desc()).limit(count)))


def card_of(session: Session, kyc: PartnerKyc) -> PartnerCard | None:
    """The card that a check led to."""
    return session.scalar(sa.select(PartnerCard).where(PartnerCard.kyc_id == kyc.id))


def loads_of(session: Session, card_id: int, count: int = 20) -> list[CardLoad]:
    """A card's latest loads."""
    query = sa.select(CardLoad).where(CardLoad.card_id == card_id)
    return list(session.scalars(query.order_by(CardLoad.id.desc()).limit(count)))
