"""The partner side's work: checks on their way, the stock of cards, loads, and what the card network tells."""

import logging
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.db import affected, now
from portal.errors import Refusal
from portal.models.cards import PartnerCard
from portal.models.partner import PartnerMailProof
from portal.models.security import SpentNonce
from portal.ports import CardNetworkPort, PayoutState, PortError, PortRejected
from portal.services import card_feed, loads, partner_cards, partner_kyc, partner_requests
from portal.worker.duties import duty, handles

log = logging.getLogger(__name__)

EVENTS_AT_ONCE = 200
CARDS_AT_ONCE = 20


@handles("partner_kyc_check")
def check_person(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """A person's data is on its way to the bank."""
    portal.db.transact(partner_kyc.begin_check, payload["kyc_id"])


@handles("partner_card_documents")
def send_documents(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """The bank gets a card's papers; one that will not have them leaves the card waiting for better ones."""
    network_id = portal.db.read(_network_id, payload["card_id"])
    try:
        portal.ports.card_network.submit_documents(payload["key"], network_id)
    except PortRejected as refused:
        portal.db.transact(partner_cards.papers_refused, payload["card_id"], str(refused))


def _network_id(session: Session, card_id: int) -> str:
    return session.get_one(PartnerCard, card_id).network_id


@handles("card_load")
def send_load(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """Brings a load to its end: ordered under one key as often as it takes, refunded only when nothing arrived for certain."""
    load_id = payload["load_id"]
    load, network_id = portal.db.transact(loads.sending, load_id)
    if load.status in ("loaded", "failed"):
        return
    network = portal.ports.card_network
    try:
        network.load(load.tx_id, network_id, load.currency_units)
    except PortRejected as refused:
        state = _load_state(network, load.tx_id)
        if state.state in ("unknown", "rejected"):
            portal.db.transact(loads.fail, load_id, state.reason or str(refused))
            return
    portal.db.transact(loads.accepted, load_id)
    state = _load_state(network, load.tx_id)
    if state.state == "paid":
        portal.db.transact(loads.settle, load_id)
    elif state.state == "rejected":
        portal.db.transact(loads.fail, load_id, state.reason)
    else:
        raise PortError("the network has not settled the load yet")


def _load_state(network: CardNetworkPort, tx_id: str) -> PayoutState:
    """How the network says a load stands. One that will not say has decided nothing: it is asked again later."""
    try:
        return network.load_state(tx_id)
    except PortRejected as refused:
        raise PortError("the network does not say how the load stands") from refused


@duty("card_stock", every_seconds=30)
def restock(portal: Portal) -> int:
    """Keeps cards of every kind ready to be opened."""
    added = 0
    for card_type_id, missing, ever in portal.db.read(partner_cards.stock_wanted):
        for number in range(ever + 1, ever + 1 + min(missing, CARDS_AT_ONCE)):
            try:
                card = portal.ports.card_network.issue(f"stock:{card_type_id}:{number}", card_type_id)
                portal.db.transact(partner_cards.add_stock, card_type_id, card)
            except (PortError, PortRejected) as error:
                log.warning("no card issued", extra={"card_type": card_type_id, "reason": type(error).__name__})
                return added
            except Refusal:
                continue  # another worker was first with this number
            added += 1
    return added


@duty("card_network", every_seconds=2)
def follow_network(portal: Portal) -> int:
    """Takes in what happened at the card network, in order."""
    after = portal.db.read(card_feed.position)
    try:
        events = portal.ports.card_network.events(after, EVENTS_AT_ONCE)
    except (PortError, PortRejected) as error:
        log.warning("card network away", extra={"reason": type(error).__name__})
        return 0
    return sum(portal.db.transact(card_feed.take, event) for event in events)


@duty("partner_tidy", every_seconds=300)
def tidy(portal: Portal) -> int:
    """Forgets spent signatures past their window, old mail codes and old lines of the request log."""
    portal.db.transact(_forget)
    return 0


def _forget(session: Session) -> int:
    moment = now(session)
    gone = affected(session.execute(sa.delete(SpentNonce).where(SpentNonce.expires_at < moment)))
    gone += affected(
        session.execute(sa.delete(PartnerMailProof).where(PartnerMailProof.expires_at < moment - timedelta(days=1)))
    )
    return gone + partner_requests.forget_old(session)
