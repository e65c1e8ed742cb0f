"""The first people of stores and institutions, and kinds of cards, as staff set them up."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.partner import CardType
from portal.models.stores import Store, StoreMember
from portal.permissions import SETTINGS_APPROVE, SETTINGS_CHANGE
from portal.services import accounts, approvals, audit, institution_members, institutions, store_members

_BOTH = {"propose": SETTINGS_CHANGE, "approve": SETTINGS_APPROVE}

MOST_RESTOCK = 100_000

declare(
    {
        "card_type_known": N_("There is a card type of this number already."),
        "person_unknown": N_("There is no customer with this user name or e-mail address."),
    }
)


def store(session: Session, store_id: int) -> Store:
    """A store. Raises Refusal `not_found`."""
    found = session.get(Store, store_id)
    if found is None:
        raise Refusal("not_found")
    return found


def store_people(session: Session, store_id: int) -> list[tuple[StoreMember, Customer]]:
    """The people of a store."""
    return store_members.members(session, store_id)


@approvals.declare_kind("store.owner", N_("Owner of a store"), **_BOTH)
def make_owner(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Makes a customer an owner of a store, who invites the others; told by a notification. Raises `person_unknown`."""
    found = store(session, payload["store"])
    customer = _customer(session, str(payload["login"]))
    store_members.add(session, found, customer.id, store_members.OWNER, actor)
    return {"store": found.public_id}


@approvals.declare_kind("institution.member", N_("Member of an institution"), **_BOTH)
def make_member(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Makes a customer a member of an institution. Raises Refusal `person_unknown`, `member_known`, `input_invalid`."""
    institutions.get(session, payload["institution"])
    customer = _customer(session, str(payload["login"]))
    made = institution_members.add_member(session, payload["institution"], customer.id, str(payload["role"]), actor)
    return {"member": made.public_id}


def _customer(session: Session, login: str) -> Customer:
    found = accounts.by_login_name(session, login)
    if found is None:
        raise Refusal("person_unknown", field="login")
    return found


@approvals.declare_kind("card.type", N_("Card type"), **_BOTH)
def keep_card_type(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Makes a kind of card, or changes its description and stock.

    Its number, bank and currency are what cards and terms hang on: they stay. Raises Refusal `card_type_known`,
    `input_invalid`, `input_missing`, and `approval_overtaken` when it was changed meanwhile.
    """
    wanted, before = payload["after"], payload["before"]
    number, bank_id = str(payload["card_type"]), str(wanted["bank_id"])
    if card_type_facts(session, number) != before:
        raise Refusal("card_type_known" if not before else "approval_overtaken", field="id")
    _check_card_type(number, bank_id, wanted)
    if before and (before["bank_id"], before["currency"]) != (bank_id, wanted["currency"]):
        raise Refusal("input_invalid", field="bank_id")
    found = session.get(CardType, number)
    if found is None:
        found = CardType(id=number, currency=wanted["currency"], bank_id=bank_id)
        session.add(found)
    found.description, found.restock_to = wanted["description"], wanted["restock_to"]
    session.flush()
    audit.write(session, actor, "card.type", f"card_type:{number}", details={"before": before, "after": dict(wanted)})
    return {"card_type": number}


def _check_card_type(number: str, bank_id: str, wanted: Mapping[str, Any]) -> None:
    digits = number.isascii() and number.isdigit() and bank_id.isascii() and bank_id.isdigit()
    if not digits or not len(bank_id) <= 8 or not len(bank_id) < len(number) <= 16 or not number.startswith(bank_id):
        raise Refusal("input_invalid", field="id")
    if wanted["currency"] != "USD":
        raise Refusal("input_invalid", field="currency")
    if not 0 <= int(wanted["restock_to"]) <= MOST_RESTOCK:
        raise Refusal("input_invalid", field="restock_to")
    if not str(wanted["description"]).strip():
        raise Refusal("input_missing", field="description")


def card_type_facts(session: Session, number: str) -> dict[str, Any]:
    """A kind of card as plain values; empty when there is none."""
    found = session.get(CardType, number, populate_existing=True)
    if found is None:
        return {}
    return {
        "bank_id": found.bank_id, "currency": found.currency, "description": found.description,
        "restock_to": found.restock_to,
    }  # fmt: skip


def card_type_proposal(session: Session, number: str, after: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Subject and payload of a proposal about a kind of card."""
    return f"card_type:{number}"[:200], {
        "card_type": number, "before": card_type_facts(session, number), "after": after
    }  # fmt: skip


def card_types(session: Session) -> list[CardType]:
    """All kinds of cards."""
    return list(session.scalars(sa.select(CardType).order_by(CardType.id)))
