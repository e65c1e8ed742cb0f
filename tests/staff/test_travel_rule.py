"""The Travel Rule: who sends and whose wallet receives is asked, kept sealed, told before anything leaves, and seen by staff."""

from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from flask import Flask

from portal import ledger
from portal.adapters.http_travel_rule import HttpTravelRule
from portal.adapters.sandbox.travel_rule import SandboxTravelRule
from portal.errors import Refusal
from portal.models.wallet import Withdrawal
from portal.models.withdrawals import TravelRecord
from portal.money import parse_units
from portal.ports import PortError, PortRejected, TravelMessage
from portal.services import key_rotation, parameters, regulator, travel_rule
from portal.services.travel_rule import Party
from tests.adapters.outside import KEY, serving
from tests.services.test_key_rotation import NEW_KEY, use_keys
from tests.support import desk, people, withdrawals_of
from tests.support.client import PageClient
from tests.support.families import BrokerageClient
from tests.support.market import open_market
from tests.support.outside import run_worker

OURS = Party("own", "", "Formosa Exchange")


@pytest.fixture
def amy(portal: Any) -> people.Person:
    open_market(portal, usdt="30")
    return people.customer(portal, usdt="100000", totp=True)


def record_of(portal: Any, made: Any) -> TravelRecord | None:
    found: TravelRecord | None = portal.db.read(travel_rule.of_withdrawal, made.id)
    return found


def status_of(portal: Any, made: Any) -> str:
    return str(portal.db.read(lambda session: session.get(Withdrawal, made.id).status))


def worked(app: Flask) -> None:
    with app.app_context():
        run_worker(app.extensions["portal"])


def messages(portal: Any) -> list[dict[str, Any]]:
    return [orjson.loads(row["content"]) for row in portal.world.rows("SELECT content FROM travel_messages")]


def test_what_is_large_keeps_a_sealed_record_and_what_is_small_none(app: Flask, portal: Any, amy: Any) -> None:
    small = withdrawals_of.requested(app, amy, "999.99")
    assert record_of(portal, small) is None
    large = withdrawals_of.requested(app, amy, "1000", party=Party("other", "陳大文"))
    record = record_of(portal, large)
    assert record is not None and (record.wallet, record.status) == ("other", "kept")
    assert "陳大文".encode() not in record.party_sealed
    parties = portal.db.read(lambda session: travel_rule.opened(session, session.get(TravelRecord, record.id)))
    assert parties["originator"]["name"] == "林小明"
    assert parties["beneficiary"] == {"name": "陳大文", "address": withdrawals_of.ADDRESS}
    with pytest.raises(Refusal, match="travel_name_missing"):
        withdrawals_of.requested(app, amy, "1000", party=Party("other"))


def test_the_receiving_platform_is_told_once_before_anything_leaves(app: Flask, portal: Any, amy: Any) -> None:
    portal.world.set_fault("travel_rule", "timeout", 1)
    made = withdrawals_of.confirmed(app, amy, withdrawals_of.requested(app, amy, "1000", party=OURS))
    worked(app)
    assert status_of(portal, made) == "awaiting_approval"
    portal.clock.advance(60)
    worked(app)
    worked(app)
    (told,) = messages(portal)
    assert (told["provider"], told["asset"], told["amount"]) == ("Formosa Exchange", "USDT", "999")
    assert told["beneficiary"] == {"name": "林小明", "address": withdrawals_of.ADDRESS}
    record = record_of(portal, made)
    assert record is not None and (record.status, record.answer) == ("told", f"T-{told['key']}")
    assert status_of(portal, made) in ("processing", "broadcast", "confirmed")


def test_a_platform_that_refuses_stops_it_and_the_money_goes_back(
    app: Flask, portal: Any, amy: Any, ledger_is_right: Any
) -> None:
    portal.world.set_fault("travel_rule", "reject", 1)
    made = withdrawals_of.confirmed(app, amy, withdrawals_of.requested(app, amy, "1000", party=OURS))
    assert amy.balance("USDT") == parse_units("99000", "USDT")
    worked(app)
    assert status_of(portal, made) == "rejected"
    assert amy.balance("USDT") == parse_units("100000", "USDT")
    record = record_of(portal, made)
    assert record is not None and record.status == "refused"
    assert portal.db.read(ledger.balance, ledger.customer_frozen(amy.id, "USDT")) == 0
    ledger_is_right()


def test_the_page_asks_whose_wallet_it_is(app: Flask, portal: Any, amy: Any) -> None:
    pages = PageClient(app)
    pages.raw.set_cookie("token", amy.token)
    where = "/wallet/withdraw"
    asked = {"network": "TRON", "address": withdrawals_of.ADDRESS, "amount": "1000"}
    page = pages.submit(pages.page(where, asset="USDT"), where, status=422, **asked, totp=amy.code())
    assert "whose wallet" in page.words(".error-summary")
    page = pages.submit(page, where, status=422, **asked, wallet="other", totp=amy.code())
    assert "name of the person" in page.words(".error-summary")
    for wrong in ({"wallet": "nobody"}, {"wallet": "own", "provider": "x" * 101}):
        pages.raw.post(where, data={"asset": "USDT", **asked, **wrong})
    page = pages.submit(page, where, **asked, wallet="other", beneficiary="陳大文", totp=amy.code())
    assert "Enter the code" in page.text
    with portal.db.session() as session:
        record = session.scalars(sa.select(TravelRecord)).one()
        assert travel_rule.opened(session, record)["beneficiary"]["name"] == "陳大文"
    small = {**asked, "amount": "100"}
    assert "Enter the code" in pages.submit(pages.page(where, asset="USDT"), where, **small, totp=amy.code()).text


def test_the_contracts_call_goes_on_and_is_kept_as_undeclared(app: Flask, portal: Any, amy: Any) -> None:
    client = BrokerageClient(app, amy.token)
    body = {
        "currency": "USDT", "amount": 2000, "address": withdrawals_of.ADDRESS, "paymentWay": "TRC20",
        "code2FA": amy.code(),
    }  # fmt: skip
    data = client.ok("POST", "/wallet/withdraw", body)
    with portal.db.session() as session:
        record = session.scalars(sa.select(TravelRecord)).one()
        assert (record.wallet, record.status) == ("undeclared", "kept")
    who = desk.desk(app, "compliance")
    assert "Nobody declared" in who.page(f"/staff/withdrawals/{data['auditId']}").text
    declared = {"receiverWallet": "other", "receiverName": "陳大文", "code2FA": amy.code()}
    data = client.ok("POST", "/wallet/withdraw", {**body, **declared})
    page = who.page(f"/staff/withdrawals/{data['auditId']}")
    assert "陳大文" in page.text and "Nobody declared" not in page.text
    client.refused(-2, "POST", "/wallet/withdraw", {**body, "receiverWallet": "mine", "code2FA": amy.code()})
    client.refused(-2, "POST", "/wallet/withdraw", {**body, "receiverWallet": "other", "code2FA": amy.code()})


def test_a_rule_may_send_undeclared_ones_to_staff(app: Flask, portal: Any, amy: Any) -> None:
    portal.db.transact(parameters.change, "withdrawal.travel_rule", {"undeclared_needs_approval": True}, "staff:0")
    made = withdrawals_of.confirmed(app, amy, withdrawals_of.requested(app, amy, "1000"))
    worked(app)
    assert status_of(portal, made) == "awaiting_approval"
    who = desk.desk(app, "compliance")
    who.submit(f"/staff/withdrawals/{made.public_id}", "/approve")
    assert status_of(portal, made) == "approved"


def test_the_regulator_gets_it_and_a_rotation_renews_it(app: Flask, portal: Any, amy: Any) -> None:
    portal.db.transact(parameters.change, "regulator", {"large_twd": "20000"}, "staff:0")
    made = withdrawals_of.requested(app, amy, "1000", party=Party("other", "陳大文", "Formosa Exchange"))
    withdrawals_of.confirmed(app, amy, made)
    use_keys(portal, NEW_KEY, portal.settings.encryption_keys[0])
    list(key_rotation.rotate(portal.db))
    use_keys(portal, NEW_KEY)
    day = portal.clock.now().astimezone(regulator.TAIPEI).date().isoformat()
    (row,) = portal.db.transact(regulator.export, "large", day, day, "staff:1")
    assert (row["wallet"], row["beneficiary"], row["provider"]) == ("other", "陳大文", "Formosa Exchange")


# --- the port: the sandbox's twin and the HTTP adapter say the same ---

MESSAGE = TravelMessage("k-1", "Formosa Exchange", {"name": "a"}, {"name": "b"}, "TRON", "USDT", "999")


@pytest.fixture(params=["twin", "http"])
def port(request: pytest.FixtureRequest, portal: Any) -> Any:
    twin = SandboxTravelRule(portal.world)
    if request.param == "twin":
        yield twin
        return

    def answer(method: str, path: list[str], query: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert (method, path) == ("POST", ["transfers"])
        return 200, {"reference": twin.tell(TravelMessage(**body))}

    with serving(answer) as url:
        yield HttpTravelRule({"TRAVEL_RULE_URL": url, "TRAVEL_RULE_API_KEY": KEY})


def test_a_repeated_message_is_one_message(port: Any, portal: Any) -> None:
    assert port.tell(MESSAGE) == port.tell(MESSAGE) == "T-k-1"
    assert [told["beneficiary"]["name"] for told in messages(portal)] == ["b"]


def test_a_final_no_is_told_from_trouble(port: Any, portal: Any) -> None:
    portal.world.set_fault("travel_rule", "reject", 1)
    with pytest.raises(PortRejected):
        port.tell(MESSAGE)
    portal.world.set_fault("travel_rule", "error", 1)
    with pytest.raises(PortError):
        port.tell(MESSAGE)
    assert port.tell(MESSAGE) == "T-k-1"
