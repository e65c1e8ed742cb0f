"""An institution at a glance: how much of what there is, and what stands still."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models.cards import CardLoad, PartnerCard
from portal.models.partner import PartnerCounter, PartnerKyc

#: A count goes no further than this: beyond it, "many" is all that a glance needs.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals ever, and what waits: checks under way or to be handed in again, loads under way, cards frozen or to activate."""

    people: int
    cards: int
    loads: int
    checks_open: int
    checks_failed: int
    loads_open: int
    cards_frozen: int
    cards_inactive: int


def counts(session: Session, institution_id: int) -> Counts:
    """The institution's counts; what waits is counted up to MOST."""
    totals = {
        kind: last
        for kind, last in session.execute(
            sa.select(PartnerCounter.kind, PartnerCounter.last).where(PartnerCounter.institution_id == institution_id)
        )
    }

    def waiting(model: type[PartnerKyc] | type[PartnerCard] | type[CardLoad], *states: str) -> int:
        found = (
            sa.select(model.id)
            .where(model.institution_id == institution_id, model.status.in_(states))
            .limit(MOST)
            .subquery()
        )
        return session.scalar(sa.select(sa.func.count()).select_from(found)) or 0

    return Counts(
        people=totals.get("kyc", 0),
        cards=totals.get("card", 0),
        loads=totals.get("load", 0),
        checks_open=waiting(PartnerKyc, "submitted", "processing", "checking"),
        checks_failed=waiting(PartnerKyc, "not_passed"),
        loads_open=waiting(CardLoad, "submitted", "sent", "processing"),
        cards_frozen=waiting(PartnerCard, "frozen"),
        cards_inactive=waiting(PartnerCard, "not_activated", "waiting_for_review", "review_failed"),
    )
