"""Loading cards from an institution's float (partner contract 3.1): debited once per cust_tx_id, settled by the worker.

Ledger: taken — float to `clearing`; settled — `clearing` to `fees` (both fees) and `inventory` (the deposit, against which
the house gives the card's currency), the card's balance, and what cutting to two places left to `rounding`; failed —
`clearing` back to the float.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import Database, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.machines.partner_loads import CARD_LOAD
from portal.models.cards import CardLoad, PartnerCard
from portal.models.partner import InstitutionAsset
from portal.money import plain_text
from portal.services import calculators, institution_members, institutions, jobs, partner_lists, webhooks
from portal.services.calculators import Breakdown
from portal.services.partner_lists import Window

KIND = "load"
#: A load is asked after at the network until its outcome is certain; the job's own delays grow to six hours.
MAX_ATTEMPTS = 60

declare(
    {
        "card_load_unknown": N_("There is no such load."),
        "card_load_foreign": N_("This load is not the institution's."),
        "card_load_repeated": N_("This cust_tx_id was used before for another load."),
    }
)


@dataclass(frozen=True, slots=True)
class Order:
    """What an institution orders; `fingerprint` stands for the whole call."""

    card_no: str
    acct_no: str
    amount_units: int
    asset: str
    cust_tx_id: str
    remark: str | None
    fingerprint: str


def load(session: Session, institution_id: int, order: Order) -> CardLoad:
    """Takes the money and orders the load; the same order under the same cust_tx_id answers the first one again.

    Raises Refusal `card_load_repeated`, `institution_asset_unknown`, `institution_asset_blocked`,
    `partner_card_unknown`, `partner_card_frozen`, `partner_card_state`, `insufficient_balance`, or what the terms refuse.
    """
    earlier = by_cust_tx_id(session, institution_id, order.cust_tx_id)
    if earlier is not None:
        return _same(earlier, order)
    asset, card, terms, found = _worked_out(session, institution_id, order)
    made = _insert(session, institution_id, order, card, terms, found)
    if made is None:
        first = by_cust_tx_id(session, institution_id, order.cust_tx_id)
        if first is None:
            raise Refusal("state_conflict")
        return _same(first, order)
    _take(session, asset, made)
    jobs.enqueue(
        session, "card_load", {"load_id": made.id}, unique_key=f"card_load:{made.id}", max_attempts=MAX_ATTEMPTS
    )
    return made


def preview(session: Session, institution_id: int, order: Order) -> Breakdown:
    """What `load` would answer to an order, and with what it would be refused; nothing is written."""
    found = _worked_out(session, institution_id, order)[3]
    if institutions.float_balance(session, institution_id, order.asset) < order.amount_units:
        raise Refusal("insufficient_balance", field="amount")
    return found


def _worked_out(
    session: Session, institution_id: int, order: Order
) -> tuple[InstitutionAsset, PartnerCard, calculators.Terms, Breakdown]:
    asset = institutions.usable_asset(session, institution_id, order.asset)
    card = _loadable(session, institution_id, order)
    terms = institutions.offer(session, institution_id, card.card_type_id).terms
    return asset, card, terms, calculators.for_amount(terms, order.amount_units)


def _same(earlier: CardLoad, order: Order) -> CardLoad:
    if earlier.fingerprint != order.fingerprint:
        raise Refusal("card_load_repeated", field="cust_tx_id")
    return earlier


def _loadable(session: Session, institution_id: int, order: Order) -> PartnerCard:
    card = session.scalar(
        sa.select(PartnerCard).where(
            PartnerCard.card_no == order.card_no,
            PartnerCard.institution_id == institution_id,
            PartnerCard.acct_no == order.acct_no,
        )
    )
    if card is None:
        raise Refusal("partner_card_unknown", field="card_no")
    if card.status == "frozen":
        raise Refusal("partner_card_frozen", field="card_no")
    if card.status != "active":
        raise Refusal("partner_card_state", field="card_no")
    return card


def _insert(
    session: Session,
    institution_id: int,
    order: Order,
    card: PartnerCard,
    terms: calculators.Terms,
    found: Breakdown,
) -> CardLoad | None:
    number = institutions.next_number(session, institution_id, KIND)
    # Read once the counter's row is ours: so records are in the order of their numbers.
    moment = now(session)
    tx_id = make_tx_id(moment)
    row = {
        "institution_id": institution_id,
        "number": number,
        "card_id": card.id,
        "acct_no": card.acct_no,
        "card_no": card.card_no,
        "tx_id": tx_id,
        "cust_tx_id": order.cust_tx_id,
        "fingerprint": order.fingerprint,
        "asset": order.asset,
        "currency": terms.currency,
        "amount_units": found.amount_units,
        "exchange_fee_units": found.exchange_fee_units,
        "loading_fee_units": found.loading_fee_units,
        "deposit_units": found.deposit_units,
        "currency_units": found.currency_units,
        "exchange_rate": terms.exchange_rate,
        "exchange_fee_rate": terms.exchange_fee_rate,
        "loading_fee_rate": found.loading_fee_rate,
        "remark": order.remark,
        "status": CARD_LOAD.start,
        "failure": "",
        "created_at": moment,
    }
    if not insert_if_absent(session, CardLoad.__table__, row):
        return None
    made = session.scalars(sa.select(CardLoad).where(CardLoad.tx_id == tx_id)).one()
    states.begin(session, CARD_LOAD, made, f"institution:{institution_id}")
    return made


def make_tx_id(moment: datetime) -> str:
    """Fourteen digits of time and eleven at random: unique, and not to be guessed."""
    return f"{moment:%Y%m%d%H%M%S}{secrets.randbelow(10**11):011d}"


def _take(session: Session, asset: InstitutionAsset, made: CardLoad) -> None:
    account = ledger.institution_float(made.institution_id, made.asset)
    posting = ledger.post(
        session,
        "card_load",
        f"card_load:{made.id}:taken",
        [Line(account, -made.amount_units), Line(ledger.house("clearing", made.asset), made.amount_units)],
        actor=f"institution:{made.institution_id}",
    )
    institution_members.warn_of_low_float(session, asset, posting.balances[account])


def sending(session: Session, load_id: int) -> tuple[CardLoad, str]:
    """A load whose order goes to the network now, and the network's name of its card."""
    found = session.get_one(CardLoad, load_id, with_for_update=True)
    if found.status == "submitted":
        states.advance(session, CARD_LOAD, found, "sent", "system")
    return found, session.get_one(PartnerCard, found.card_id).network_id


def accepted(session: Session, load_id: int) -> None:
    """The network took the order."""
    found = session.get_one(CardLoad, load_id, with_for_update=True)
    if found.status == "sent":
        states.advance(session, CARD_LOAD, found, "processing", "system")


def settle(session: Session, load_id: int) -> bool:
    """The network says for certain that the money is on the card; False when that was known."""
    found = session.get_one(CardLoad, load_id, with_for_update=True)
    if CARD_LOAD.is_final(found.status):
        return False
    if found.status == "submitted":
        states.advance(session, CARD_LOAD, found, "sent", "system")
    fees = found.exchange_fee_units + found.loading_fee_units
    worth = calculators.worth_of(found.deposit_units, found.exchange_rate, found.currency)
    lines = [
        Line(ledger.house("clearing", found.asset), -found.amount_units),
        Line(ledger.house("inventory", found.asset), found.deposit_units),
        Line(ledger.card_balance(found.card_id, found.currency), found.currency_units),
        Line(ledger.house("inventory", found.currency), -worth),
    ]
    if fees:
        lines.append(Line(ledger.house("fees", found.asset), fees))
    if worth != found.currency_units:
        lines.append(Line(ledger.house("rounding", found.currency), worth - found.currency_units))
    ledger.post(session, "card_load_settled", f"card_load:{found.id}:settled", lines, actor="system")
    states.advance(session, CARD_LOAD, found, "loaded", "system", settled_at=now(session))
    _tell(session, found, "load.settled")
    return True


def fail(session: Session, load_id: int, reason: str) -> bool:
    """The network says for certain that nothing arrived: the float gets its money back; False when it was settled."""
    found = session.get_one(CardLoad, load_id, with_for_update=True)
    if CARD_LOAD.is_final(found.status):
        return False
    lines = [
        Line(ledger.house("clearing", found.asset), -found.amount_units),
        Line(ledger.institution_float(found.institution_id, found.asset), found.amount_units),
    ]
    ledger.post(session, "card_load_refunded", f"card_load:{found.id}:refunded", lines, actor="system")
    states.advance(
        session, CARD_LOAD, found, "failed", "system", reason[:200], settled_at=now(session), failure=reason[:200]
    )
    _tell(session, found, "load.failed")
    return True


def _tell(session: Session, found: CardLoad, event: str) -> None:
    facts = {
        "tx_id": found.tx_id,
        "cust_tx_id": found.cust_tx_id,
        "acct_no": found.acct_no,
        "card_no": found.card_no,
        "amount": plain_text(found.amount_units, found.asset),
        "currency_type": found.currency,
        "currency_amount": plain_text(found.currency_units, found.currency),
    }
    webhooks.tell(session, "institution", found.institution_id, event, facts, key=f"load:{found.id}")


def by_cust_tx_id(session: Session, institution_id: int, cust_tx_id: str) -> CardLoad | None:
    """The load that an institution ordered under its own number."""
    return session.scalar(
        sa.select(CardLoad).where(CardLoad.institution_id == institution_id, CardLoad.cust_tx_id == cust_tx_id)
    )


def by_tx_id(session: Session, institution_id: int, tx_id: str) -> CardLoad:
    """A load (partner contract 3.2). Raises Refusal `card_load_unknown` or, for another institution's, `card_load_foreign`."""
    found = session.scalar(sa.select(CardLoad).where(CardLoad.tx_id == tx_id)) if len(tx_id) <= 32 else None
    if found is None:
        raise Refusal("card_load_unknown", field="tx_id")
    if found.institution_id != institution_id:
        raise Refusal("card_load_foreign", field="tx_id")
    return found


def status_of(database: Database, institution_id: int, tx_id: str) -> str:
    """How a load stands, by one quick statement. Refusals as `by_tx_id`."""
    rows = database.glance(_STATUS, tx_id) if len(tx_id) <= 32 else []
    if not rows:
        raise Refusal("card_load_unknown", field="tx_id")
    if int(rows[0][0]) != institution_id:
        raise Refusal("card_load_foreign", field="tx_id")
    return rows[0][1]


_STATUS = "SELECT institution_id, status FROM card_loads WHERE tx_id = ?"


def page(session: Session, institution_id: int, window: Window) -> tuple[int, list[CardLoad]]:
    """Total and rows of a page (partner contract 3.3, 3.4)."""
    return partner_lists.page(session, CardLoad, KIND, institution_id, window)


def filtered(
    session: Session,
    institution_id: int,
    *,
    status: str | None = None,
    acct_no: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    count: int = 50,
) -> list[CardLoad]:
    """Loads for people, newest first, those numbered below `before`."""
    query = sa.select(CardLoad).where(CardLoad.institution_id == institution_id)
    if status:
        query = query.where(CardLoad.status == status)
    if acct_no:
        query = query.where(CardLoad.acct_no == acct_no)
    if since is not None:
        query = query.where(CardLoad.created_at >= since)
    if until is not None:
        query = query.where(CardLoad.created_at < until)
    if before is not None:
        query = query.where(CardLoad.number < before)
    return list(session.scalars(query.order_by(CardLoad.number.desc()).limit(count)))
