"""Rules, companies, stores, institutions and staff: seen by those who may, changed by two."""

import subprocess
import sys
from typing import Any

import pytest
from flask import Flask

from portal.models.stores import Store
from portal.services import companies, institutions, parameters, staff_accounts, staff_registry
from tests.support import desk, people


def approve_newest(app: Flask, *roles: str) -> None:
    """Another member approves the newest proposal they can see."""
    other = desk.desk(app, *roles)
    page = other.page("/staff/approvals")
    page = other.page(str(page.all("#list td a")[0]["href"]))
    other.submit(page, "/approve")


def company_id(portal: Any) -> int:
    return int(portal.db.transact(people.company_id, "tungkai"))


def test_a_rule_is_changed_on_its_page_by_two(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "treasury")
    assert "withdrawal_approval" in who.page("/staff/settings").text
    where = "/staff/settings/withdrawal_approval"
    page = who.submit(where, where, one_above_twd="many", reason="a try", status=422)
    assert page.errors
    page = who.submit(where, where, one_above_twd="250000", reason="", status=422)
    assert page.one("#v-1")["value"] == "250000"
    page = who.submit(page, where, one_above_twd="250000", reason="more eyes")
    assert "Another person decides" in page.text
    approve_newest(app, "admin")
    assert portal.db.read(parameters.get, "withdrawal_approval")["one_above_twd"] == "250000"
    assert "250000" in who.page(where).text


def test_every_rule_has_its_page(app: Flask) -> None:
    who = desk.desk(app, "treasury")
    assert len(parameters.DEFAULTS) > 10
    for name in parameters.DEFAULTS:
        who.page(f"/staff/settings/{name}")


def test_a_company_sells_more_when_two_say_so(app: Flask, portal: Any) -> None:
    company = company_id(portal)
    before = portal.db.read(companies.sellable_units, company)
    who = desk.desk(app, "treasury")
    who.submit(f"/staff/companies/{company}", "/stock", amount="1.5", reason="a new quota")
    approve_newest(app, "admin")
    assert portal.db.read(companies.sellable_units, company) == before + 1_500_000
    who.submit(f"/staff/companies/{company}", "/stock", amount="one", reason="a new quota", status=422)


def test_a_company_is_made_gets_an_account_and_a_face(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "treasury")
    who.submit("/staff/companies", "/staff/companies", code="yushan", name="玉山", stock="10", reason="a new seller")
    approve_newest(app, "admin")
    made = portal.db.read(companies.by_code, "yushan")
    where = f"/staff/companies/{made.id}"
    who.submit(
        where,
        "/accounts",
        account="009-5251234567890",
        bank_name="彰化銀行",
        branch_name="總行",
        account_name="玉山",
        reason="to be paid",
    )
    approve_newest(app, "admin")
    page = who.submit(
        where, "/accounts", account="009-5251234567890", bank_name="x", branch_name="x", account_name="x", reason="again",
        status=422,
    )  # fmt: skip
    assert "A company has this account already." in page.text
    page = who.page(where)
    assert "009-5251234567890" in page.text
    assert who.submit(page, "/brand", name="玉山", colour="green", status=422).errors
    who.submit(where, "/brand", name="玉山", colour="#1f4e8c")
    assert "1.2" in who.submit(where, "/policies", version="1.2", content="Terms.").text


def test_a_store_is_opened_and_closed(app: Flask, portal: Any) -> None:
    company = company_id(portal)
    who = desk.desk(app, "treasury")
    page = who.submit("/staff/stores", "/staff/stores", company=str(company), name="", address="台北", status=422)
    assert page.errors
    page = who.submit(
        "/staff/stores", "/staff/stores", company=str(company), name="茶店", address="台北", discount_value="5"
    )
    assert "茶店" in page.text
    who.submit(page, "/standing")
    store = portal.db.read(staff_registry.store_page)[0]
    assert isinstance(store, Store)
    assert store.standing == "closed"


def test_an_institution_is_made_and_its_terms_are_set_by_two(app: Flask, portal: Any) -> None:
    from portal.models.partner import CardType

    with portal.db.session() as session:
        session.add(CardType(id="50000009", currency="USD", bank_id="5000", description="test"))
        session.commit()
    who = desk.desk(app, "treasury")
    who.submit("/staff/institutions", "/staff/institutions", name="Jade Cards", reason="a partner")
    approve_newest(app, "admin")
    made = portal.db.read(staff_registry.all_institutions)[0]
    where = f"/staff/institutions/{made.id}"
    terms = dict.fromkeys(staff_registry.TERMS, "0.1") | {"exchange_rate": "1.0014", "open_fee_usdt": "1"}
    page = who.submit(where, "/terms/50000009", **terms, tiers="0 100", reason="as agreed", status=422)
    assert page.errors
    who.submit(where, "/terms/50000009", **terms, tiers="0 1000 0.05\n1000 2000 0.03", reason="as agreed", may_open="y")
    approve_newest(app, "admin")
    offer = portal.db.read(institutions.offer, made.id, "50000009")
    assert (offer.open_fee_units, len(offer.tiers)) == (1_000_000, 2)
    who.submit(where, "/status")
    assert portal.db.read(staff_registry.all_institutions)[0].status == "suspended"


def test_staff_are_invited_by_two_and_the_password_goes_to_the_new_one(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "admin")
    page = who.submit("/staff/people", "/staff/people", name="Ida", email="not an address", reason="new", status=422)
    assert page.errors
    who.submit(page, "/staff/people", name="Ida", email="ida@staff.example", roles="support", reason="new colleague")
    assert portal.db.read(staff_accounts.by_email, "ida@staff.example") is None
    approve_newest(app, "admin")
    made = portal.db.read(staff_accounts.by_email, "ida@staff.example")
    assert made is not None
    with app.app_context():
        from portal.worker.loop import run_until_idle

        run_until_idle(portal)
    assert portal.world.rows("SELECT 1 FROM messages WHERE recipient = 'ida@staff.example'")
    where = f"/staff/people/{made.public_id}"
    amy = people.customer(portal)
    assert who.submit(where, "/customer", login="nobody", status=422).errors
    assert amy.username in who.submit(where, "/customer", login=amy.email).text
    who.submit(where, "/roles", roles=["support", "finance"], reason="does both now")
    approve_newest(app, "admin")
    who.submit(where, "/access", reason="lost the phone")
    approve_newest(app, "admin")
    who.submit(where, "/standing")
    assert portal.db.read(staff_accounts.by_email, "ida@staff.example").standing == "suspended"


def test_what_a_role_may_do_is_changed_by_two(app: Flask, portal: Any) -> None:
    who = desk.desk(app, "admin")
    held = portal.db.read(staff_accounts.role_permissions)["support"]
    who.submit("/staff/people", "/roles/support", permissions=sorted(held | {"kyc.review"}), reason="helps out")
    approve_newest(app, "admin")
    assert "kyc.review" in portal.db.read(staff_accounts.role_permissions)["support"]
    desk.desk(app, "support").page("/staff/kyc")


@pytest.mark.parametrize("path", ["settings", "settings/withdrawal", "companies", "stores", "institutions", "people"])
def test_support_sees_no_set_up(app: Flask, portal: Any, path: str) -> None:
    desk.desk(app, "support").page(f"/staff/{path}", 403)
    assert desk.audited(portal, "staff.refused")


@pytest.mark.parametrize(
    "path", ["settings/nothing", "companies/99", "institutions/99", "people/nobody", "approvals/nothing"]
)
def test_what_is_not_there_is_not_found(app: Flask, path: str) -> None:
    desk.desk(app, "admin").page(f"/staff/{path}", 404)


def test_who_may_only_look_changes_nothing(app: Flask, portal: Any) -> None:
    company = company_id(portal)
    who = desk.desk(app, "compliance")
    token = str(who.page("/staff").one("meta[name=csrf-token]")["content"])
    for path in (
        "settings/withdrawal",
        "companies",
        f"companies/{company}/stock",
        f"companies/{company}/brand",
        "stores",
        "people",
    ):
        answer = who.raw.post(f"/staff/{path}", data={"csrf_token": token, "reason": "because"})
        assert answer.status_code == 403, path


def test_every_rule_is_known_to_a_process_that_only_serves_pages() -> None:
    asked = "import portal.staff.settings, portal.services.parameters as p; print('risk.velocity' in p.DEFAULTS)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True"
