"""Levers of the card programme: demo institutions, the bank's decisions, what people do with their cards."""

from typing import Any

import sqlalchemy as sa
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.models.partner import Institution
from portal.models.security import ApiKey
from portal.sandbox import levers, play_cards
from portal.sandbox.levers_world import body, text
from portal.services import institutions, partner_kyc


@levers.get("/institutions")
def demo_institutions() -> ResponseReturnValue:
    """The demo institutions' keys and where their floats are filled."""
    return {"institutions": portal().db.read(_institutions)}


def _institutions(session: Session) -> list[dict[str, Any]]:
    keys = [(number, *play_cards.demo_key(portal().settings, number)) for number in (1, 2)]
    found = []
    for number, api_key, secret in keys:
        row = session.execute(
            sa.select(ApiKey, Institution)
            .join(Institution, Institution.id == ApiKey.owner_id)
            .where(ApiKey.key == api_key, ApiKey.owner_kind == "institution", ApiKey.revoked_at.is_(None))
        ).first()
        if row is None:
            continue
        key, institution = row
        addresses = institutions.deposit_addresses(session, institution.id)
        found.append(
            {
                "name": institution.name,
                "api_key": api_key,
                "api_secret": secret,
                "passphrase": play_cards.DEMO_PASSPHRASE if key.passphrase_digest else None,
                "float_address": addresses.get("ETHEREUM"),
                "float_addresses": addresses,
                "ip_allowlist": list(key.ip_allowlist),
                "number": number,
            }
        )
    return found


@levers.post("/partner/kyc/decisions")
def partner_kyc_decisions() -> ResponseReturnValue:
    """Decides a person's check as the bank would."""
    values = body()
    acct_no, card_type_id, decision = (text(values, name) for name in ("acct_no", "card_type_id", "decision"))
    reason = text(values, "reason") if values.get("reason") is not None else ""
    if decision == "reject" and not reason:
        reason = "The documents could not be read."
    api_key = text(values, "api_key") if values.get("api_key") is not None else None
    kyc_id = portal().db.read(_newest, acct_no, card_type_id, api_key)
    status = play_cards.decide(portal(), kyc_id, decision, reason)
    return {"acct_no": acct_no, "card_type_id": card_type_id, "status": status}


def _newest(session: Session, acct_no: str, card_type_id: str, api_key: str | None) -> int:
    institution_id = None
    if api_key is not None:
        institution_id = session.scalar(
            sa.select(ApiKey.owner_id).where(ApiKey.key == api_key, ApiKey.owner_kind == "institution")
        )
        if institution_id is None:
            raise Refusal("not_found", field="api_key")
    found = partner_kyc.newest(session, acct_no, card_type_id, institution_id)
    if found is None:
        raise Refusal("not_found", field="acct_no")
    return found.id


@levers.post("/card-network/transactions")
def card_transactions() -> ResponseReturnValue:
    """Uses a card: purchase, atm, refund or transfer."""
    values = body()
    description = values.get("description")
    if description is not None and not isinstance(description, str):
        raise Refusal("input_invalid", field="description")
    kind = text(values, "type")
    return play_cards.use_card(
        portal(), text(values, "card_no"), kind, values.get("amount"), description or kind.upper()
    )


@levers.post("/card-network/cards")
def card_acts() -> ResponseReturnValue:
    """What the bank does to a card: freeze, unfreeze, review_pass or review_fail."""
    values = body()
    reason = text(values, "reason") if values.get("reason") is not None else ""
    action = text(values, "action")
    if action == "review_fail" and not reason:
        reason = "The documents could not be read."
    return play_cards.act_on_card(portal(), text(values, "card_no"), action, reason)
