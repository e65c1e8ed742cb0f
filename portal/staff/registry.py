"""Companies, stores, institutions and their terms: seen and changed."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.models.partner import Institution
from portal.models.stores import Store
from portal.money import AmountError, parse_units
from portal.partner.reference import AREA_TITLES
from portal.permissions import SETTINGS_CHANGE, SETTINGS_VIEW
from portal.services import (
    approvals,
    brands,
    companies,
    institution_members,
    institutions,
    partner_keys,
    staff_registry,
)
from portal.services.staff_sessions import SignedInStaff
from portal.staff import access, acts, blueprint, inputs
from portal.web import rendering

_PAGE = 50


@blueprint.get("/companies")
@access.requires(SETTINGS_VIEW)
def company_list() -> ResponseReturnValue:
    """Shows all companies."""
    return _companies({}, 200)


def _companies(errors: dict[str, str], status: int) -> ResponseReturnValue:
    rows = portal().db.read(staff_registry.all_companies)
    return rendering.page("staff/settings/companies.html", "main", status, rows=rows, errors=errors, form=request.form)


@blueprint.post("/companies")
@access.requires(SETTINGS_CHANGE)
def company_create() -> ResponseReturnValue:
    """Proposes a new company."""
    payload = {name: inputs.text(name) for name in ("code", "name", "contact_email", "stock")}
    return acts.propose("company.create", f"company:{payload['code']}", payload, "/staff/approvals", _companies)


@blueprint.get("/companies/<int:company_id>")
@access.requires(SETTINGS_VIEW)
def company(company_id: int) -> ResponseReturnValue:
    """Shows a company."""
    return _company(company_id, {}, 200)


def _company(company_id: int, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_company_facts, company_id)
    return rendering.page(
        "staff/settings/company.html", "main", status, errors=errors, form=request.form, kinds=approvals.KINDS, **facts
    )


def _company_facts(session: Session, company_id: int) -> dict[str, Any]:
    return {
        "company": staff_registry.company(session, company_id),
        "shown": brands.of_company(session, company_id),
        "accounts": companies.payout_accounts(session, company_id),
        "policies": companies.policy_versions(session, company_id),
        "proposals": approvals.about(session, f"company:{company_id}"),
    }


@blueprint.post("/companies/<int:company_id>/brand")
@access.requires(SETTINGS_CHANGE)
def company_brand(company_id: int) -> ResponseReturnValue:
    """Changes how a company shows itself."""
    return acts.act(
        staff_registry.change_brand, company_id, inputs.text("name"), inputs.text("colour"), inputs.text("contact_email"),
        access.actor(), back=f"/staff/companies/{company_id}", said=gettext("Saved."),
        again=lambda errors, status: _company(company_id, errors, status),
    )  # fmt: skip


@blueprint.post("/companies/<int:company_id>/logo")
@access.requires(SETTINGS_CHANGE)
def company_logo(company_id: int) -> ResponseReturnValue:
    """Gives a company the picture that its pages show, or with `remove` takes it away."""

    def again(errors: dict[str, str], status: int) -> ResponseReturnValue:
        return _company(company_id, errors, status)

    sent = request.files.get("file")
    try:
        content = sent.stream.read(brands.MAX_LOGO_BYTES + 1) if sent is not None else b""
        made = None if request.form.get("remove") else brands.clean_logo(content)
    except Refusal as refusal:
        return acts.answer(refusal, back="", again=again)
    back = f"/staff/companies/{company_id}"
    return acts.act(
        brands.change_logo, company_id, made, access.actor(), back=back, said=gettext("Saved."), again=again
    )


@blueprint.post("/companies/<int:company_id>/stock")
@access.requires(SETTINGS_CHANGE)
def company_stock(company_id: int) -> ResponseReturnValue:
    """Proposes how many more (or fewer) vouchers a company may sell."""
    typed = inputs.text("amount")

    def again(errors: dict[str, str], status: int) -> ResponseReturnValue:
        return _company(company_id, errors, status)

    try:
        units = parse_units(typed.removeprefix("-"), "TWIP") * (-1 if typed.startswith("-") else 1)
    except AmountError:
        return acts.answer(Refusal("amount_invalid", field="amount"), back="", again=again)
    payload = {"company": company_id, "asset": "TWIP", "units": units}
    return acts.propose("company.stock", f"company:{company_id}", payload, f"/staff/companies/{company_id}", again)


@blueprint.post("/companies/<int:company_id>/accounts")
@access.requires(SETTINGS_CHANGE)
def company_account(company_id: int) -> ResponseReturnValue:
    """Proposes an account that customers pay into."""
    payload: dict[str, Any] = {
        name: inputs.text(name) for name in ("account", "bank_name", "branch_name", "account_name")
    }
    return acts.propose(
        "company.account", f"company:{company_id}", {"company": company_id, **payload}, f"/staff/companies/{company_id}",
        lambda errors, status: _company(company_id, errors, status),
    )  # fmt: skip


@blueprint.post("/companies/<int:company_id>/policies")
@access.requires(SETTINGS_CHANGE)
def company_policy(company_id: int) -> ResponseReturnValue:
    """Puts a version of the terms in force."""
    return acts.act(
        companies.publish_policy, inputs.text("version", 16), terms_type=inputs.text("terms_type", 64) or "all",
        content=inputs.text("content", 4000) or None, company_id=company_id, actor=access.actor(),
        back=f"/staff/companies/{company_id}", said=gettext("The new version is in force."),
        again=lambda errors, status: _company(company_id, errors, status),
    )  # fmt: skip


@blueprint.get("/stores")
@access.requires(SETTINGS_VIEW)
def store_list() -> ResponseReturnValue:
    """Shows all stores."""
    return _stores({}, 200)


def _stores(errors: dict[str, str], status: int) -> ResponseReturnValue:
    rows, found = portal().db.read(_store_facts, inputs.place("after"))
    return rendering.page(
        "staff/settings/stores.html", "main", status, companies=found, errors=errors, form=request.form,
        **inputs.one_page(rows, _PAGE),
    )  # fmt: skip


def _store_facts(session: Session, after_id: int | None) -> tuple[list[Store], dict[int, str]]:
    names = {row.id: row.name for row in staff_registry.all_companies(session)}
    return staff_registry.store_page(session, after_id, _PAGE + 1), names


@blueprint.post("/stores")
@access.requires(SETTINGS_CHANGE)
def store_create() -> ResponseReturnValue:
    """Makes a store."""
    names = ("name", "address", "area", "category", "discount_type", "discount_value", "contact_email", "contact_phone")
    facts = {name: inputs.text(name) for name in names}
    return acts.act(
        staff_registry.create_store, inputs.number(request.form.get("company")) or 0, facts, access.actor(),
        back="/staff/stores", said=gettext("The store is open."), again=_stores,
    )  # fmt: skip


@blueprint.post("/stores/<int:store_id>/standing")
@access.requires(SETTINGS_CHANGE)
def store_standing(store_id: int) -> ResponseReturnValue:
    """Closes a store or opens it again."""
    return acts.act(
        staff_registry.set_store_standing, store_id, _one_of("standing", ("open", "closed")), access.actor(),
        back="/staff/stores", said=gettext("Saved."),
    )  # fmt: skip


def _one_of(name: str, choices: tuple[str, ...]) -> str:
    value = request.form.get(name, "")
    if value not in choices:
        raise Refusal("input_invalid", field=name)
    return value


@blueprint.get("/institutions")
@access.requires(SETTINGS_VIEW)
def institution_list() -> ResponseReturnValue:
    """Shows all institutions."""
    return _institutions({}, 200)


def _institutions(errors: dict[str, str], status: int) -> ResponseReturnValue:
    rows = portal().db.read(staff_registry.all_institutions)
    return rendering.page(
        "staff/settings/institutions.html", "main", status, rows=rows, errors=errors, form=request.form,
        areas=partner_keys.AREA_WORDS, titles=AREA_TITLES,
    )  # fmt: skip


@blueprint.post("/institutions")
@access.requires(SETTINGS_CHANGE)
def institution_create() -> ResponseReturnValue:
    """Proposes a new institution."""
    payload = {"name": inputs.text("name"), "areas": request.form.getlist("areas")[:9]}
    return acts.propose(
        "institution.create", f"institution:{payload['name']}", payload, "/staff/approvals", _institutions
    )


@blueprint.get("/institutions/<int:institution_id>")
@access.requires(SETTINGS_VIEW)
def institution(institution_id: int) -> ResponseReturnValue:
    """Shows an institution with its float and terms."""
    return _institution(institution_id, {}, 200)


def _institution(institution_id: int, errors: dict[str, str], status: int) -> ResponseReturnValue:
    facts = portal().db.read(_institution_facts, institution_id)
    return rendering.page(
        "staff/settings/institution.html", "main", status, errors=errors, form=request.form, terms=staff_registry.TERMS,
        kinds=approvals.KINDS, **facts,
    )  # fmt: skip


def _institution_facts(session: Session, institution_id: int) -> dict[str, Any]:
    found = session.get(Institution, institution_id)
    if found is None:
        raise Refusal("not_found")
    kinds = institutions.card_types(session)
    return {
        "institution": found,
        "floats": institutions.float_states(session, institution_id),
        "members": institution_members.members(session, institution_id),
        "card_types": kinds,
        "terms_by_type": {kind.id: staff_registry.terms_of(session, institution_id, kind.id) for kind in kinds},
        "proposals": approvals.about(session, f"institution:{institution_id}"),
    }


@blueprint.post("/institutions/<int:institution_id>/status")
@access.requires(SETTINGS_CHANGE)
def institution_status(institution_id: int) -> ResponseReturnValue:
    """Suspends an institution or opens it again."""
    return acts.act(
        staff_registry.set_institution_status, institution_id, _one_of("status", ("active", "suspended")), access.actor(),
        back=f"/staff/institutions/{institution_id}", said=gettext("Saved."),
    )  # fmt: skip


@blueprint.post("/institutions/<int:institution_id>/terms/<card_type_id>")
@access.requires(SETTINGS_CHANGE)
def institution_terms(institution_id: int, card_type_id: str) -> ResponseReturnValue:
    """Proposes what a kind of card costs the institution."""
    after: dict[str, Any] = {"may_open": request.form.get("may_open") == "y"}
    after |= {name: inputs.text(name) for name in staff_registry.TERMS}
    after["tiers"] = "\n".join(inputs.text("tiers", 2000).splitlines())
    return acts.act(
        _propose_terms, access.me(), institution_id, card_type_id, after, inputs.text("reason"),
        back=f"/staff/institutions/{institution_id}", said=gettext(acts.PROPOSED),
        again=lambda errors, status: _institution(institution_id, errors, status),
    )  # fmt: skip


def _propose_terms(
    session: Session, me: SignedInStaff, institution_id: int, card_type_id: str, after: dict[str, Any], reason: str
) -> None:
    before = staff_registry.terms_of(session, institution_id, card_type_id)
    payload = {"institution": institution_id, "card_type": card_type_id, "before": before, "after": after}
    approvals.propose(session, me, "card.terms", f"institution:{institution_id}", payload, reason)
