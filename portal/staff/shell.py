"""The console's frame: who sits here, the ways around that their roles open, and how much waits behind each."""

from functools import partial
from typing import Any

from flask import g, request
from flask_babel import gettext

from portal import permissions as may
from portal.errors import N_
from portal.http import portal
from portal.services import staff_accounts, staff_counts
from portal.staff import access, blueprint, fact_words, spoken, words

#: Sections of the side navigation: (path, label, icon, permission, name of its count).
WAYS: tuple[tuple[str, tuple[tuple[str, str, str, str, str], ...]], ...] = (
    (
        N_("Work"),
        (
            ("/staff", N_("Today"), "house", "", ""),
            ("/staff/customers", N_("Customers"), "user", may.CUSTOMERS_VIEW, ""),
            ("/staff/kyc", N_("Identity reviews"), "id-card", may.KYC_REVIEW, "kyc"),
            ("/staff/partner-kyc", N_("Institutions' people"), "id-card", may.KYC_REVIEW, "partner_kyc"),
            ("/staff/disputes", N_("Disputes"), "circle-help", may.CUSTOMERS_NOTE, "disputes"),
            ("/staff/approvals", N_("Approvals"), "list-checks", "", "approvals"),
            ("/staff/withdrawals", N_("Withdrawals"), "arrow-up-right", may.WITHDRAWALS_VIEW, "withdrawals"),
            ("/staff/bank/suspense", N_("Bank credits in suspense"), "inbox", may.BANK_VIEW, "suspense"),
            ("/staff/store-accounts", N_("Stores' bank accounts"), "landmark", may.BANK_VIEW, "store_accounts"),
            ("/staff/jobs", N_("Dead jobs"), "rotate-ccw", may.JOBS_VIEW, "jobs"),
            ("/staff/webhooks", N_("Failed webhooks"), "webhook", may.JOBS_VIEW, "webhooks"),
            ("/staff/stuck", N_("Stuck things"), "hourglass", may.JOBS_VIEW, ""),
        ),
    ),
    (
        N_("Money"),
        (
            ("/staff/bank", N_("Bank cockpit"), "landmark", may.BANK_VIEW, ""),
            ("/staff/bank/lines", N_("Lines to book"), "file-text", may.BANK_VIEW, "bank_lines"),
            ("/staff/books", N_("Trial balance"), "scale", may.LEDGER_VIEW, ""),
            ("/staff/books/days", N_("The house by day"), "chart-line", may.LEDGER_VIEW, ""),
            ("/staff/books/cover", N_("Liabilities and holdings"), "shield-check", may.LEDGER_VIEW, ""),
        ),
    ),
    (
        N_("Oversight"),
        (
            ("/staff/risk", N_("Risk signals"), "shield-alert", may.RISK_VIEW, "risk"),
            ("/staff/cases", N_("Cases"), "layers", may.RISK_VIEW, ""),
            ("/staff/audit", N_("Audit log"), "history", may.AUDIT_VIEW, ""),
        ),
    ),
    (
        N_("Set-up"),
        (
            ("/staff/settings", N_("Rules"), "settings", may.SETTINGS_VIEW, ""),
            ("/staff/offering", N_("Assets and networks"), "coins", may.SETTINGS_VIEW, ""),
            ("/staff/prices", N_("Prices"), "chart-line", may.SETTINGS_VIEW, "prices"),
            ("/staff/companies", N_("Companies"), "building-2", may.SETTINGS_VIEW, ""),
            ("/staff/stores", N_("Stores"), "store", may.SETTINGS_VIEW, ""),
            ("/staff/institutions", N_("Institutions"), "credit-card", may.SETTINGS_VIEW, ""),
            ("/staff/card-types", N_("Card types"), "credit-card", may.SETTINGS_VIEW, ""),
            ("/staff/people", N_("Staff and roles"), "users", may.STAFF_VIEW, ""),
        ),
    ),
)


@blueprint.context_processor
def frame() -> dict[str, Any]:
    """Replaces the customers' frame by the console's."""
    found = access.signed_in()
    items: list[dict[str, Any]] = []
    if found is not None and not found.must_change:
        counts = portal().db.read(staff_counts.waiting, found.permissions)
        for section, ways in WAYS:
            open_ways = [_way(way, counts) for way in ways if not way[3] or found.may(way[3])]
            if open_ways:
                items += [{"section": gettext(section)}, *open_ways]
    return {
        "console": {"title": gettext("Staff"), "href": "/staff"},
        "nav_items": items,
        "staff": found,
        "may": found.may if found else lambda permission: False,
        "P": may,
    }


def _way(way: tuple[str, str, str, str, str], counts: dict[str, str]) -> dict[str, Any]:
    href, label, icon, _, count = way
    here = request.path
    current = here == href or (href not in ("/staff", "/staff/bank", "/staff/books") and here.startswith(f"{href}/"))
    return {"href": href, "label": gettext(label), "icon": icon, "current": current, "count": counts.get(count)}


@blueprint.app_template_filter("who")
def who(actor: str | None) -> str:
    """The name of whoever did something: a member of staff by name, anybody else by what they are."""
    if actor is None or not actor.startswith(f"{staff_accounts.KIND}:"):
        return spoken.subject(actor)
    if "staff_names" not in g:
        g.staff_names = portal().db.read(staff_accounts.every_name)
    return str(g.staff_names.get(actor, spoken.subject(actor)))


#: Codes of the books and the logs as words, by the filter's name.
_SPOKEN = {
    "owner_text": words.SUBJECTS,
    "bucket_text": words.BUCKETS,
    "journal_text": words.JOURNALS,
    "withdrawal_text": words.WITHDRAWALS,
    "language_text": words.LANGUAGES,
    "act_text": words.ACTS,
    "outcome_text": words.OUTCOMES,
    "rule_text": words.RULES,
    "fact_text": fact_words.FACTS,
    "entry_text": words.ENTRIES,
    "job_text": words.JOBS,
}

blueprint.add_app_template_filter(spoken.subject, "subject_text")
blueprint.add_app_template_filter(spoken.details, "details_text")
blueprint.add_app_template_filter(spoken.pairs, "details_pairs")
blueprint.add_app_template_filter(spoken.reference, "reference_text")
blueprint.add_app_template_filter(spoken.path, "path_text")
for _filter, _table in _SPOKEN.items():
    blueprint.add_app_template_filter(partial(spoken.word, _table), _filter)
