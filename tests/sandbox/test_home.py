"""The sandbox's front page: people, messages, and levers as forms."""

import pytest

from portal.models.market import Price
from tests.support import people
from tests.support.market import address


def test_it_names_who_may_sign_in_with_a_code_that_counts_now(client):
    shown = client.page("/sandbox/")
    for words in (
        "amy@example.com",
        "ben@example.com",
        "taroko-demo-2026",
        "reviewer@taroko.example",
        "taroko-staff-2026",
    ):
        assert words in shown.text
    assert client.page("/sandbox").title == shown.title


def test_a_form_pulls_the_same_lever_as_a_script(client, portal):
    amy = people.customer(portal)
    done = client.submit("/sandbox/", "/pull/transfer", to=address(portal, amy), amount="5")
    assert "tx_hash" in done.text
    client.submit("/sandbox/", "/pull/blocks", count="30")
    assert amy.balance("USDT") == 5_000000


def test_the_market_is_moved_by_its_form(client, portal, session):
    client.submit("/sandbox/", "/pull/price", price="40")
    assert str(session.get(Price, "USDT-TWD").price) == "4E+1"


@pytest.mark.parametrize(
    "name,fields", [("blocks", {"count": "many"}), ("price", {"price": "-1"}), ("kyc", {"login": "nobody"})]
)
def test_a_lever_pulled_wrongly_says_so_beside_its_form(client, name, fields):
    again = client.submit("/sandbox/", f"/pull/{name}", status=422, **fields)
    assert again.one(f"#{name} [role=alert]")


def test_an_unknown_lever_leads_back(client):
    token = client.page("/sandbox/").form("/pull/worker").values["csrf_token"]
    assert client.raw.post("/sandbox/pull/nothing", data={"csrf_token": token}).status_code == 303
