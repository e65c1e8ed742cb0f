"""The demo stores have people who can work, their bank accounts are decided by a lever or a command."""

import pytest
import sqlalchemy as sa

from portal.models.customers import Customer
from portal.sandbox import demo, demo_merchants
from portal.services import store_bank_accounts, store_members, stores
from tests.support import merchants, people
from tests.support.outside import messages
from tests.support.vouchers import work


@pytest.fixture
def shop(app):
    return merchants.shop(app, bank=False)


def propose(portal, shop):
    portal.db.transact(
        store_bank_accounts.propose, shop.store, "山嵐咖啡有限公司", "812", "0012", "00123456789012", "customer:1"
    )


def test_amy_owns_a_demo_store_and_ben_signs_refunds_there(sqlite_app):
    portal = sqlite_app.extensions["portal"]
    with sqlite_app.app_context():
        assert demo.load(portal)
    people_of = portal.db.read(
        lambda session: {
            name: [(seat.store.name, seat.role, seat.member.id) for seat in store_members.seats(session, number)]
            for name, number in session.execute(sa.select(Customer.username, Customer.id))
        }
    )
    (first, role, _), _ = people_of["amy"]
    assert role == "owner"
    assert [(name, role) for name, role, _ in people_of["ben"]][0] == (first, "cashier")
    assert store_members.prove_pin(portal.db, people_of["ben"][0][2], demo_merchants.PIN)
    page = sqlite_app.test_client().get("/sandbox/")
    assert demo_merchants.PIN in page.text and first in page.text
    every = portal.db.read(stores.page, count=200)
    accounts = [portal.db.read(store_bank_accounts.of_store, store.id, "verified") for store in every]
    assert len(every) >= 6 and all(accounts)


def test_the_lever_decides_as_staff_would(app, portal, shop):
    call = app.test_client().post
    body = {"store": shop.store.public_id, "decision": "approve"}
    assert call("/sandbox/stores/bank-accounts", json=body).status_code == 400, "nothing waits yet"
    propose(portal, shop)
    assert call("/sandbox/stores/bank-accounts", json={**body, "decision": "perhaps"}).status_code == 400
    assert call("/sandbox/stores/bank-accounts", json={**body, "store": "none"}).status_code == 404
    said = call("/sandbox/stores/bank-accounts", json=body)
    assert (said.status_code, said.get_json()["status"], said.get_json()["account_tail"]) == (200, "verified", "9012")
    propose(portal, shop)
    said = call("/sandbox/stores/bank-accounts", json={**body, "decision": "reject", "reason": "another holder"})
    assert said.get_json()["status"] == "rejected"
    work(app)
    assert "another holder" in messages(portal, shop.owner.email)[0]["body"]
    assert portal.db.read(store_bank_accounts.of_store, shop.store.id, "verified") is not None, "the older one stays"


def test_commands_make_the_first_owner_and_decide_accounts(app, portal, shop):
    run = app.test_cli_runner().invoke
    amy = people.customer(portal, "amy")
    done = run(args=["merchant", "member", shop.store.public_id, amy.email])
    assert done.exit_code == 0, done.output
    assert [seat.role for seat in portal.db.read(store_members.seats, amy.id)] == ["owner"]
    assert run(args=["merchant", "member", shop.store.public_id, "nobody@example.com"]).exit_code == 1
    assert run(args=["merchant", "member", "no-such-store", amy.email]).exit_code == 1
    propose(portal, shop)
    assert "9012" in run(args=["merchant", "bank-accounts"]).output
    assert run(args=["merchant", "bank-account", shop.store.public_id, "reject"]).exit_code == 1, "without a reason"
    assert run(args=["merchant", "bank-account", shop.store.public_id, "approve"]).exit_code == 0
    assert run(args=["merchant", "bank-accounts"]).output == ""
