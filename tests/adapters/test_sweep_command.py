"""The sweeping command asks the chain about every address that received enough, and goes on past one that fails."""

from typing import Any

from flask import Flask

from portal.ports import PortError
from tests.support import people
from tests.support.market import address, mine, send


class Sweeping:
    """A sandbox chain that can be swept, and keeps what it was asked for."""

    def __init__(self, chain: Any, failing: str) -> None:
        self._chain, self._failing, self.asked = chain, failing, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def sweep(self, index: int, account: str, asset: str) -> str:
        self.asked.append((account, asset))
        if account == self._failing:
            raise PortError("no energy")
        return f"hash-{index}"


def test_it_sweeps_what_received_enough_and_names_what_failed(app: Flask, portal: Any) -> None:
    rich, poor, failing = (address(portal, people.customer(portal)) for _ in range(3))
    for account, amount in ((rich, "60"), (poor, "10"), (failing, "70")):
        send(portal, "TRON", "USDT", account, amount)
    mine(portal)
    chain = portal.ports.chains["TRON"] = Sweeping(portal.ports.chains["TRON"], failing)
    answer = app.test_cli_runner().invoke(args=["chain", "sweep", "TRON", "USDT", "--minimum", "50"])
    assert answer.exit_code == 0, answer.output
    assert sorted(chain.asked) == sorted([(rich, "USDT"), (failing, "USDT")])
    assert f"{failing}: no energy" in answer.output and f"{rich}: hash-" in answer.output
    assert answer.output.strip().endswith("1 steps")


def test_what_cannot_be_swept_is_said(app: Flask, portal: Any) -> None:
    run = app.test_cli_runner().invoke
    assert "cannot be swept" in run(args=["chain", "sweep", "TRON", "USDT"]).output
    portal.ports.chains["TRON"] = Sweeping(portal.ports.chains["TRON"], "")
    assert "cannot be swept" in run(args=["chain", "sweep", "TRON", "ETH"]).output
    assert run(args=["chain", "sweep", "TRON", "USDT", "--minimum", "1e3"]).exit_code == 2
