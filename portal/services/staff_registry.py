"""Companies, stores, institutions, card terms and policies as staff set them up; two people where money depends on it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected
from portal.errors import N_, Refusal, declare
from portal.models.customers import Company
from portal.models.partner import CardTerms, Institution
from portal.models.stores import Store
from portal.money import AmountError, parse_decimal, parse_units, plain_text
from portal.permissions import SETTINGS_APPROVE, SETTINGS_CHANGE
from portal.services import approvals, audit, brands, companies, identifiers, institutions, partner_keys, stores
from portal.services.calculators import COIN

declare(
    {
        "tiers_invalid": N_("The tiers must follow each other without gaps: from, to, fee."),
    }
)

_BOTH = {"propose": SETTINGS_CHANGE, "approve": SETTINGS_APPROVE}

#: What a kind of card costs an institution: the entries of its terms that are ratios or amounts, all plain decimals.
TERMS = (
    "open_fee_usdt", "exchange_rate", "exchange_fee_rate", "bank_transaction_rate", "bank_atm_rate", "bank_atm_fee",
)  # fmt: skip


def company(session: Session, company_id: int) -> Company:
    """A company. Raises Refusal `not_found`."""
    found = session.get(Company, company_id)
    if found is None:
        raise Refusal("not_found")
    return found


def all_companies(session: Session) -> list[Company]:
    """All companies, by code."""
    return list(session.scalars(sa.select(Company).order_by(Company.code)))


def all_institutions(session: Session) -> list[Institution]:
    """All institutions, by number."""
    return list(session.scalars(sa.select(Institution).order_by(Institution.number)))


def store_page(session: Session, after_id: int | None = None, count: int = 50) -> list[Store]:
    """Stores, open and closed, by number (keyset)."""
    return list(session.scalars(sa.select(Store).where(Store.id > (after_id or 0)).order_by(Store.id).limit(count)))


# --- two people ---


@approvals.declare_kind("company.create", N_("New company"), **_BOTH)
def create_company(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Makes a company. Raises Refusal `company_exists`, `input_invalid`, `amount_invalid`."""
    code = str(payload["code"]).strip().lower()
    units = _units(str(payload["stock"]), "stock")
    mail = _mail(str(payload.get("contact_email") or ""))
    made = companies.create(session, code, str(payload["name"]), sellable_units=units, contact_email=mail, actor=actor)
    return {"company": made.code}


@approvals.declare_kind("company.stock", N_("Vouchers a company may sell"), **_BOTH)
def change_stock(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Adds to (or takes from) what a company may sell, in TWIP units. Raises Refusal `amount_out_of_range`."""
    companies.restock(session, company(session, payload["company"]).id, int(payload["units"]), actor)
    return {"sellable": plain_text(companies.sellable_units(session, payload["company"]), "TWIP")}


@approvals.declare_kind("company.account", N_("Bank account of a company"), **_BOTH)
def add_account(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Gives a company an account that customers pay into. Raises Refusal `input_invalid`, `input_missing`."""
    names = [str(payload[name]).strip() for name in ("bank_name", "branch_name", "account_name")]
    if not all(names):
        raise Refusal("input_missing", field="account_name")
    found = company(session, payload["company"])
    made = companies.add_bank_account(session, found.id, str(payload["account"]), *names, actor=actor)
    return {"account": made.spelled}


@approvals.declare_kind("institution.create", N_("New institution"), **_BOTH)
def create_institution(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Makes an institution with a USDT float. Raises Refusal `input_missing`, `input_invalid`."""
    name, areas = str(payload["name"]).strip(), list(payload["areas"])
    if not name:
        raise Refusal("input_missing", field="name")
    if not areas or set(areas) - set(partner_keys.AREAS):
        raise Refusal("input_invalid", field="areas")
    made = institutions.create(session, name[:200], areas)
    audit.write(session, actor, "institution.create", f"institution:{made.id}", details={"name": name})
    return {"institution": made.number}


@approvals.declare_kind("card.terms", N_("Terms of a card type"), **_BOTH)
def set_terms(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Sets what a kind of card costs an institution.

    Raises Refusal `not_found`, `amount_invalid`, `tiers_invalid`, and `approval_overtaken` when the terms changed meanwhile.
    """
    institution_id, card_type_id, wanted = payload["institution"], payload["card_type"], payload["after"]
    if session.get(Institution, institution_id) is None:
        raise Refusal("not_found")
    if card_type_id not in {kind.id for kind in institutions.card_types(session)}:
        raise Refusal("not_found")
    if terms_of(session, institution_id, card_type_id) != payload["before"]:
        raise Refusal("approval_overtaken")
    numbers = {name: _number(wanted[name], name) for name in TERMS}
    if not numbers["exchange_rate"]:
        raise Refusal("amount_invalid", field="exchange_rate")
    try:
        institutions.set_terms(
            session, institution_id, card_type_id, may_open=wanted["may_open"],
            open_fee_units=_units(wanted["open_fee_usdt"], "open_fee_usdt", COIN),
            loading_tiers=read_tiers(wanted["tiers"]),
            **{name: numbers[name] for name in TERMS[1:]},
        )  # fmt: skip
    except ValueError as error:
        raise Refusal("tiers_invalid", field="tiers") from error
    audit.write(session, actor, "card.terms", f"institution:{institution_id}", details=dict(payload))
    return {"card_type": card_type_id}


def terms_of(session: Session, institution_id: int, card_type_id: str) -> dict[str, Any]:
    """An institution's terms for a kind of card as texts; empty when there are none."""
    found = session.get(CardTerms, (institution_id, card_type_id), populate_existing=True)
    if found is None:
        return {}
    rates = {name: format(getattr(found, name), "f") for name in TERMS[1:]}
    tiers = "\n".join(f"{tier['min']} {tier['max']} {tier['rate']}" for tier in found.loading_tiers)
    fee = plain_text(found.open_fee_units, COIN)
    return {"may_open": found.may_open, "open_fee_usdt": fee, **rates, "tiers": tiers}


def read_tiers(text: str) -> list[dict[str, str]]:
    """Tiers typed one per line: from, to, fee as a ratio. Raises Refusal `tiers_invalid`."""
    tiers = []
    for line in text.splitlines():
        parts = line.replace(",", " ").split()
        if not parts:
            continue
        if len(parts) != 3:
            raise Refusal("tiers_invalid", field="tiers")
        least, most, rate = (format(_number(part, "tiers", "tiers_invalid"), "f") for part in parts)
        tiers.append({"min": least, "max": most, "rate": rate})
    return tiers


# --- one person, written down ---


def change_brand(session: Session, company_id: int, name: str, colour: str, contact_email: str, actor: str) -> None:
    """Changes how a company shows itself. Raises Refusal `input_missing`, `colour_invalid`, `email_invalid`."""
    found = company(session, company_id)
    brands.check_colour(colour)
    if not name.strip():
        raise Refusal("input_missing", field="name")
    before = {"name": found.name, "colour": found.colour, "contact_email": found.contact_email}
    found.name, found.colour, found.contact_email = name.strip()[:200], colour, _mail(contact_email)
    session.flush()
    after = {"name": found.name, "colour": found.colour, "contact_email": found.contact_email}
    audit.write(session, actor, "company.brand", f"company:{company_id}", details={"before": before, "after": after})


def create_store(session: Session, company_id: int, facts: Mapping[str, str], actor: str) -> Store:
    """Makes a store of a company. Raises Refusal `input_missing`, `input_invalid`, `amount_invalid`."""
    company(session, company_id)
    return stores.create(
        session, company_id, facts["name"], facts["address"], area=facts["area"][:64], category=facts["category"][:64],
        discount_type=facts["discount_type"], discount_value=_number(facts["discount_value"] or "0", "discount_value"),
        contact_email=_mail(facts["contact_email"]), contact_phone=facts["contact_phone"][:20] or None, actor=actor,
    )  # fmt: skip


def set_store_standing(session: Session, store_id: int, standing: str, actor: str) -> None:
    """Closes a store, or opens it again. Raises Refusal `state_conflict`."""
    before = {"open": "closed", "closed": "open"}[standing]
    changed = session.execute(
        sa.update(Store)
        .where(Store.id == store_id, Store.standing == before)
        .values(standing=standing)
        .execution_options(synchronize_session=False)
    )
    if affected(changed) != 1:
        raise Refusal("state_conflict")
    audit.write(session, actor, f"store.{standing}", f"store:{store_id}")


def set_institution_status(session: Session, institution_id: int, status: str, actor: str) -> None:
    """Suspends an institution (its calls are refused at once) or opens it again. Raises Refusal `state_conflict`."""
    before = {"active": "suspended", "suspended": "active"}[status]
    changed = session.execute(
        sa.update(Institution)
        .where(Institution.id == institution_id, Institution.status == before)
        .values(status=status)
        .execution_options(synchronize_session=False)
    )
    if affected(changed) != 1:
        raise Refusal("state_conflict")
    audit.write(session, actor, f"institution.{status}", f"institution:{institution_id}")


def _units(text: str, field: str, asset: str = "TWIP") -> int:
    try:
        return parse_units(text.strip(), asset)
    except AmountError as error:
        raise Refusal("amount_invalid", field=field) from error


def _number(text: object, field: str, refusal: str = "amount_invalid") -> Decimal:
    try:
        return parse_decimal(str(text).strip())
    except AmountError as error:
        raise Refusal(refusal, field=field) from error


def _mail(text: str) -> str | None:
    return identifiers.canonical_email(text, "contact_email") if text.strip() else None
