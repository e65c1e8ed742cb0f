"""Cards of institutions' people: the stock, opening for a fee from the float, attachments, activation, freezing."""

import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import affected, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.machines.partner_cards import PARTNER_CARD
from portal.models.cards import CardStock, PartnerCard
from portal.models.columns import new_public_id
from portal.models.partner import CardType, Institution, InstitutionAsset
from portal.ports import NetworkCard
from portal.services import files, institution_members, institutions, jobs, partner_kyc, partner_lists, webhooks
from portal.services.calculators import COIN
from portal.services.files import Stored
from portal.services.partner_lists import Window

KIND = "card"

#: What is said when the network will not, or does not answer.
OFFLINE = N_("The card's online banking is not active.")
SILENT = N_("The card network did not answer. Please try again.")

declare(
    {
        "partner_kyc_open": N_("The person's identity check has not passed yet."),
        "partner_kyc_failed": N_("The person's identity check did not pass."),
        "partner_card_unknown": N_("There is no such card."),
        "partner_card_state": N_("The card's state does not allow this."),
        "partner_card_frozen": N_("The card is frozen."),
        "partner_card_held": N_("The person has a card of this kind already."),
        "partner_card_opened": N_("This card was opened already."),
        "partner_card_offline": OFFLINE,
        "card_stock_empty": N_("No card of this kind is left."),
        "card_stock_repeated": N_("This card is in the stock already."),
        "card_network_away": N_("The bank's data cannot be had right now."),
        "card_network_silent": SILENT,
    }
)


def passes_luhn(digits: str) -> bool:
    """Whether a run of digits could be a card number (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def make_card_no(institution_number: str, card_type_id: str, last_four: str) -> str:
    """A card id: institution, five random digits, kind of card, last four (partner contract 2.1), never passing Luhn."""
    while True:
        made = f"{institution_number}{secrets.randbelow(10**5):05d}{card_type_id}{last_four}"
        if not passes_luhn(made):
            return made


def add_stock(session: Session, card_type_id: str, card: NetworkCard) -> None:
    """Adds a card that the network issued. Raises Refusal `card_stock_repeated`."""
    row = {
        "card_type_id": card_type_id,
        "network_id": card.network_id,
        "first_six": card.first_six,
        "last_four": card.last_four,
        "added_at": now(session),
    }
    if not insert_if_absent(session, CardStock.__table__, row):
        raise Refusal("card_stock_repeated")


def stock_wanted(session: Session) -> list[tuple[str, int, int]]:
    """Kinds of cards whose stock is low: (id, how many are missing, how many there ever were)."""
    free = sa.func.count(CardStock.id).filter(CardStock.taken_at.is_(None))
    query = (
        sa.select(CardType.id, CardType.restock_to - free, sa.func.count(CardStock.id))
        .outerjoin(CardStock, CardStock.card_type_id == CardType.id)
        .group_by(CardType.id, CardType.restock_to)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query) if row[1] > 0]


def open_card(session: Session, institution_id: int, acct_no: str, card_type_id: str) -> PartnerCard:
    """Opens a card for a person who passed the check, for the opening fee from the float.

    Raises Refusal `card_type_unknown`, `card_type_forbidden`, `partner_kyc_unknown`, `partner_kyc_open`,
    `partner_kyc_failed`, `partner_card_held`, `card_stock_empty` or `insufficient_balance`.
    """
    offer = institutions.open_offer(session, institution_id, card_type_id)
    kyc = partner_kyc.for_card(session, institution_id, acct_no, card_type_id)
    if kyc is None:
        raise Refusal("partner_kyc_unknown", field="acct_no")
    if kyc.status != "passed":
        raise Refusal("partner_kyc_failed" if kyc.status == "not_passed" else "partner_kyc_open", field="acct_no")
    if _of_person(session, institution_id, acct_no, card_type_id) is not None:
        raise Refusal("partner_card_held", field="card_type_id")
    card = _assign(session, institution_id, kyc.id, acct_no, card_type_id)
    _take_fee(session, institution_id, card.id, offer.open_fee_units)
    return card


def _assign(session: Session, institution_id: int, kyc_id: int, acct_no: str, card_type_id: str) -> PartnerCard:
    number = institutions.next_number(session, institution_id, KIND)
    stock = _take_stock(session, card_type_id)
    institution_number = session.get_one(Institution, institution_id).number
    row = {
        "institution_id": institution_id,
        "number": number,
        "kyc_id": kyc_id,
        "acct_no": acct_no,
        "card_type_id": card_type_id,
        "network_id": stock.network_id,
        "first_six": stock.first_six,
        "last_four": stock.last_four,
        "status": PARTNER_CARD.start,
        "reason": "",
        "files": {},
        "created_at": now(session),
    }
    for _ in range(20):
        card_no = make_card_no(institution_number, card_type_id, stock.last_four)
        if insert_if_absent(session, PartnerCard.__table__, {**row, "public_id": new_public_id(), "card_no": card_no}):
            made = session.scalars(sa.select(PartnerCard).where(PartnerCard.card_no == card_no)).one()
            states.begin(session, PARTNER_CARD, made, f"institution:{institution_id}")
            return made
        if _of_person(session, institution_id, acct_no, card_type_id) is not None:
            raise Refusal("partner_card_held", field="card_type_id")
        if session.scalar(sa.select(PartnerCard.id).where(PartnerCard.network_id == stock.network_id)) is not None:
            raise Refusal("partner_card_opened")
    raise Refusal("card_stock_empty")


def _take_stock(session: Session, card_type_id: str) -> CardStock:
    free = (
        sa.select(CardStock)
        .where(CardStock.card_type_id == card_type_id, CardStock.taken_at.is_(None))
        .order_by(CardStock.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = session.scalar(free)
    if found is None:
        raise Refusal("card_stock_empty", field="card_type_id")
    taken = session.execute(
        sa.update(CardStock).where(CardStock.id == found.id, CardStock.taken_at.is_(None)).values(taken_at=now(session))
    )
    if affected(taken) != 1:
        raise Refusal("card_stock_empty", field="card_type_id")
    return found


def _take_fee(session: Session, institution_id: int, card_id: int, fee_units: int) -> None:
    if not fee_units:
        return
    account = ledger.institution_float(institution_id, COIN)
    posting = ledger.post(
        session,
        "card_open_fee",
        f"card:{card_id}:open",
        [Line(account, -fee_units), Line(ledger.house("fees", COIN), fee_units)],
        actor=f"institution:{institution_id}",
    )
    asset = session.get(InstitutionAsset, (institution_id, COIN))
    if asset is not None:
        institution_members.warn_of_low_float(session, asset, posting.balances[account])


def _of_person(session: Session, institution_id: int, acct_no: str, card_type_id: str) -> int | None:
    return session.scalar(
        sa.select(PartnerCard.id).where(
            PartnerCard.institution_id == institution_id,
            PartnerCard.acct_no == acct_no,
            PartnerCard.card_type_id == card_type_id,
        )
    )


def find(session: Session, institution_id: int, card_no: str, acct_no: str | None = None) -> PartnerCard:
    """A card of an institution (and person). Raises Refusal `partner_card_unknown`, alike for a foreign one."""
    query = sa.select(PartnerCard).where(PartnerCard.card_no == card_no, PartnerCard.institution_id == institution_id)
    if acct_no is not None:
        query = query.where(PartnerCard.acct_no == acct_no)
    found = session.scalar(query)
    if found is None:
        raise Refusal("partner_card_unknown", field="card_no")
    return found


def check_may_attach(session: Session, institution_id: int, card_no: str) -> PartnerCard:
    """A card that waits for its papers. Raises Refusal `partner_card_unknown` or `partner_card_state`."""
    found = find(session, institution_id, card_no)
    if not PARTNER_CARD.allows(found.status, "waiting_for_review"):
        raise Refusal("partner_card_state", field="card_no")
    return found


def attach(session: Session, institution_id: int, card_no: str, pictures: Mapping[str, Stored]) -> bool:
    """Hands in a card's papers for review (partner contract 2.2); True. Refusals as `check_may_attach`."""
    found = check_may_attach(session, institution_id, card_no)
    kept: dict[str, Any] = {
        name: files.register(session, "institution", institution_id, f"partner_card_{name}", stored).id
        for name, stored in pictures.items()
    }
    for name in kept:
        if name in found.files:
            files.discard(session, found.files[name])
    states.advance(
        session,
        PARTNER_CARD,
        found,
        "waiting_for_review",
        f"institution:{institution_id}",
        reason="",
        files={**found.files, **kept},
    )
    jobs.enqueue(
        session, "partner_card_documents", {"card_id": found.id, "key": f"documents:{found.id}:{new_public_id()}"}
    )
    return True


def papers_refused(session: Session, card_id: int, reason: str) -> None:
    """The bank will not have a card's papers: others may be handed in. Harmless when the card has moved on."""
    found = session.get_one(PartnerCard, card_id, with_for_update=True)
    if found.status == "waiting_for_review":
        follow(session, found, "review_failed", "system", reason[:200])


def check_may_activate(session: Session, institution_id: int, card_no: str, acct_no: str) -> PartnerCard:
    """A card that may be activated. Raises Refusal `partner_card_unknown`, `partner_card_frozen` or `partner_card_state`."""
    found = find(session, institution_id, card_no, acct_no)
    if found.status == "frozen":
        raise Refusal("partner_card_frozen", field="card_no")
    if found.status != "not_activated":
        raise Refusal("partner_card_state", field="card_no")
    return found


def activated(session: Session, institution_id: int, card_no: str, acct_no: str) -> bool:
    """Notes that the network activated a card (partner contract 2.3); True. Refusals as `check_may_activate`."""
    found = check_may_activate(session, institution_id, card_no, acct_no)
    follow(session, found, "active", f"institution:{institution_id}")
    return True


def follow(session: Session, card: PartnerCard, to: str, actor: str, reason: str = "") -> bool:
    """Moves a card to where the network has it, and tells the institution of an activation; False when it cannot be."""
    if card.status == to or not PARTNER_CARD.allows(card.status, to):
        return False
    first = to == "active" and card.activated_at is None
    also: dict[str, Any] = {"activated_at": now(session)} if first else {}
    states.advance(session, PARTNER_CARD, card, to, actor, reason or None, reason=reason, **also)
    if first:
        webhooks.tell(
            session,
            "institution",
            card.institution_id,
            "card.activated",
            {"acct_no": card.acct_no, "card_no": card.card_no, "card_type_id": card.card_type_id},
            key=f"card:{card.id}:activated",
        )
    return True


def page(session: Session, institution_id: int, window: Window) -> tuple[int, list[PartnerCard]]:
    """Total and rows of a page (partner contract 2.5, 2.6)."""
    return partner_lists.page(session, PartnerCard, KIND, institution_id, window)


def by_public_id(session: Session, institution_id: int, public_id: str) -> PartnerCard:
    """A card of an institution. Raises Refusal `not_found`, alike for a foreign one."""
    found = session.scalar(
        sa.select(PartnerCard).where(PartnerCard.public_id == public_id, PartnerCard.institution_id == institution_id)
    )
    if found is None:
        raise Refusal("not_found")
    return found


def by_card_no(session: Session, card_no: str) -> PartnerCard:
    """A card by its id alone, whosever it is: for the sandbox. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(PartnerCard).where(PartnerCard.card_no == card_no))
    if found is None:
        raise Refusal("not_found", field="card_no")
    return found


def by_network_id(session: Session, network_id: str, *, lock: bool = False) -> PartnerCard | None:
    """The card that the network knows by this id."""
    query = sa.select(PartnerCard).where(PartnerCard.network_id == network_id)
    return session.scalar(query.with_for_update() if lock else query)
