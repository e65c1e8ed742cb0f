"""Debit cards: opening, papers, activation, lists (partner contract 2.1 to 2.6)."""

from typing import Any

from portal.api.family import Call
from portal.api.partner import pictures
from portal.api.partner.authentication import Signed
from portal.api.partner.family import MAX_PICTURES_BYTES, PICTURES, Model, blueprint, family
from portal.api.partner.lists import ListQuery, listed
from portal.clock import to_ms
from portal.errors import N_, Refusal
from portal.http import portal
from portal.models.cards import PartnerCard
from portal.ports import PortError, PortRejected
from portal.services import partner_cards

#: Contract numbers of the life cycle (card_status), and of a fresh application (card_application_status).
STATUS = {"frozen": 0, "active": 1, "not_activated": 2, "waiting_for_review": 3, "review_failed": 4}
ACCEPTED = 2


class OpenBody(Model):
    """Whose card, of which kind."""

    acct_no: str
    card_type_id: str


class AttachmentBody(Model):
    """Papers of a card; at least one (reading P27)."""

    card_no: str
    poa_doc: str | None = None
    active_doc: str | None = None

    model_config = {**Model.model_config, "str_max_length": pictures.MAX_BYTES * 2}


class CardBody(Model):
    """A card and whose it is."""

    card_no: str
    acct_no: str


@family.route(
    "POST", "/debit-cards", "open_card", auth="cards", summary=N_("Open a card for a person"), body=OpenBody,
    errors=("111002", "111003", "111005", "111011", "111014", "111016", "111017", "111020", "111021"),
)  # fmt: skip
def open_card(call: Call[Signed]) -> Any:
    """Opens a card; the fee comes from the float."""
    body: OpenBody = call.body
    return call.change(_opened, partner_cards.open_card, call.caller.institution_id, body.acct_no, body.card_type_id)


def _opened(card: PartnerCard) -> dict[str, Any]:
    return {"card_no": card.card_no, "card_number": card.masked_number, "status": ACCEPTED}


@family.route(
    "POST", "/debit-cards/attachment", "submit_card_attachment", auth="cards", summary=N_("Hand in a card's papers"),
    body=AttachmentBody, max_bytes=MAX_PICTURES_BYTES, errors=("111001", "111012", "111013", "111034"), example=True,
)  # fmt: skip
def submit_card_attachment(call: Call[Signed]) -> Any:
    """Hands in papers for review."""
    body: AttachmentBody = call.body
    named = [name for name in ("poa_doc", "active_doc") if getattr(body, name) is not None]
    if not named:
        raise Refusal("input_missing", field="poa_doc")
    repeated = call.repeated()
    if repeated is not None:
        return repeated
    institution_id = call.caller.institution_id
    call.look(partner_cards.find, institution_id, body.card_no)
    stored = pictures.store({name: pictures.clean(getattr(body, name), name) for name in named})
    return call.change(_itself, partner_cards.attach, institution_id, body.card_no, stored)


@family.route(
    "PUT", "/debit-cards/status", "activate_card", auth="cards", summary=N_("Activate a card"), body=CardBody,
    errors=("111012", "111013", "111015", "111018", "119002"), example=True,
)  # fmt: skip
def activate_card(call: Call[Signed]) -> Any:
    """Activates a card at the network, then here; a lost answer is made good by asking again."""
    body: CardBody = call.body
    repeated = call.repeated()
    if repeated is not None:
        return repeated
    institution_id = call.caller.institution_id
    card = call.look(partner_cards.check_may_activate, institution_id, body.card_no, body.acct_no)
    try:
        portal().ports.card_network.activate(f"activate:{card.id}", card.network_id)
    except PortRejected as error:
        raise Refusal("partner_card_offline", field="card_no") from error
    except PortError as error:
        raise Refusal("card_network_silent") from error
    return call.change(_itself, partner_cards.activated, institution_id, body.card_no, body.acct_no)


@family.route(
    "POST", "/debit-cards/deposit-pwd-emails", "send_pin_email", auth="cards", summary=N_("Mail the PIN form (not supported)"),
    body=CardBody, errors=("119006",),
)  # fmt: skip
def send_pin_email(call: Call[Signed]) -> Any:
    """Not supported yet (reading P22)."""
    raise Refusal("api_not_authorised")


@family.route(
    "GET", "/debit-cards", "list_cards", auth="cards", summary=N_("Cards, of all people or of one"), query=ListQuery,
    errors=("111001", "111035", "111036"),
)  # fmt: skip
def list_cards(call: Call[Signed]) -> Any:
    """Cards of all people, or of one with acct_no."""
    return listed(call, partner_cards.page, record)


PICTURES.add(f"{blueprint.name}.submit_card_attachment")


def record(row: PartnerCard) -> dict[str, Any]:
    """A card as the contract shows it."""
    return {
        "acct_no": row.acct_no,
        "card_no": row.card_no,
        "status": STATUS[row.status],
        "create_time": to_ms(row.created_at),
    }


def _itself(answer: Any) -> Any:
    return answer
