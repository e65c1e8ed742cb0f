"""The bank pays out once per key, and what it does not know it says: the sandbox's bank and one behind HTTP alike."""

from pathlib import Path
from typing import Any

import pytest

from portal.adapters.http_bank import HttpBank
from portal.adapters.sandbox.bank import SandboxBank
from portal.adapters.sandbox.world import World
from portal.ports import PortError, PortRejected, PortTimeout
from tests.adapters.outside import KEY, bank, serving

TO = ("809", "0094", "00123456789012", "林小明")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world.db")


@pytest.fixture(params=["sandbox", "http"])
def port(request: pytest.FixtureRequest, world: World) -> Any:
    twin = SandboxBank(world)
    if request.param == "sandbox":
        yield twin
        return
    with serving(bank(twin)) as url:
        yield HttpBank({"BANK_URL": url, "BANK_API_KEY": KEY})


def paid(world: World) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in world.rows("SELECT key, bank_code, branch_code, account, holder, units FROM payouts")]


def test_a_repeated_order_is_the_same_order(port: Any, world: World) -> None:
    port.pay("withdrawal:7", *TO, 123_4500)
    port.pay("withdrawal:7", *TO, 123_4500)
    assert paid(world) == [("withdrawal:7", *TO, 1_234_500)]
    assert port.payout("withdrawal:7").state == "paid"


def test_an_order_it_never_got_is_unknown(port: Any) -> None:
    assert port.payout("withdrawal:8").state == "unknown"


def test_a_final_no_carries_its_reason(port: Any, world: World) -> None:
    world.set_fault("bank", "reject", 1)
    with pytest.raises(PortRejected, match="bank refused"):
        port.pay("withdrawal:9", *TO, 10_000)
    assert paid(world) == []


@pytest.mark.parametrize("fault", ["timeout", "error"])
def test_trouble_is_no_answer(port: Any, world: World, fault: str) -> None:
    world.set_fault("bank", fault, 1)
    with pytest.raises(PortError):
        port.pay("withdrawal:9", *TO, 10_000)


def test_an_answer_that_was_lost_leaves_the_order_standing(port: Any, world: World) -> None:
    world.set_fault("bank", "lost_answer", 1)
    with pytest.raises(PortError):
        port.pay("withdrawal:9", *TO, 10_000)
    assert port.payout("withdrawal:9").state == "paid"


def test_a_bank_that_is_away_or_refuses_the_key_is_trouble() -> None:
    with pytest.raises(PortError):
        HttpBank({"BANK_URL": "http://127.0.0.1:9", "BANK_API_KEY": KEY}).payout("x")
    with serving(lambda *call: (200, {"state": "lost"})) as url:
        with pytest.raises(PortError, match="answered 401"):
            HttpBank({"BANK_URL": url, "BANK_API_KEY": "other"}).pay("x", *TO, 1)
        with pytest.raises(PortError, match="nobody knows"):
            HttpBank({"BANK_URL": url, "BANK_API_KEY": KEY}).payout("x")


def test_a_bank_that_never_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from portal.adapters import http_json

    monkeypatch.setattr(http_json, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(PortTimeout):
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        HttpBank({"BANK_URL": url, "BANK_API_KEY": KEY}).payout("x")
