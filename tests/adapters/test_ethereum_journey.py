"""Money in and out over a real chain: the portal, the signer that reads its records, and an EVM node that reorganises."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from portal.adapters.ethereum import EthereumChain
from portal.models.wallet import Deposit, Withdrawal
from portal.money import parse_units
from portal.services import bank_reconciliation, cover, parameters, payout_switch, withdrawals
from portal.services.withdrawals import Request
from portal.worker import deposits as watching
from portal.worker import holdings
from portal.worker import withdrawals as sending
from tests.adapters import evm, signing
from tests.support import people
from tests.support.market import address, open_market
from tests.support.outside import code_for, run_worker

CONFIRMATIONS = 6
STRANGER = "0x000000000000000000000000000000000000dEaD"
ETHER = 10**18


@pytest.fixture(scope="module")
def token() -> dict[str, Any]:
    return evm.compiled()


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, app_with: Callable[..., Any], token: dict[str, Any], tmp_path: Path) -> Any:
    """A portal on a chain of its own, with a signer that reads that portal's database."""
    with evm.running(token) as node:
        contract = {"CHAIN_CONTRACT_ETHEREUM_USDT": node.token.address, "ETHEREUM_CHAIN_ID": "31337"}
        with signing.running(tmp_path, **contract) as signer:
            xpub = signer.keys.deposit_xpub("ETHEREUM")
            app = app_with(request.param, DEPOSIT_XPUB_ETHEREUM=xpub, **contract)
            portal = app.extensions["portal"]
            signer.kill()
            signer.settings["SIGNER_DATABASE_URL"] = portal.settings.database_url
            signer.start()
            portal.ports.chains["ETHEREUM"] = EthereumChain(
                {**contract, "ETHEREUM_NODE_URL": node.url, "ETHEREUM_CONFIRMATIONS": str(CONFIRMATIONS),
                 "SIGNER_SOCKET": signer.settings["SIGNER_SOCKET"]}
            )  # fmt: skip
            hot = signer.keys.hot("ETHEREUM").address
            node.pay(hot, 10 * ETHER)
            node.pay_token(hot, 5_000_000_000)
            node.mine()
            open_market(portal)
            with app.app_context():
                yield portal, node


def deposits_of(portal: Any, person: Any) -> list[tuple[str, int]]:
    def look(session: Any) -> list[tuple[str, int]]:
        found = session.scalars(sa.select(Deposit).where(Deposit.owner_id == person.id).order_by(Deposit.id))
        return [(each.status, each.amount_units) for each in found]

    found: list[tuple[str, int]] = portal.db.read(look)
    return found


def watch(portal: Any) -> None:
    while watching.watch(portal):
        pass


def test_a_deposit_is_credited_once_through_a_reorganisation(world: Any) -> None:
    portal, node = world
    person = people.customer(portal)
    before = person.balance("USDT"), person.balance("ETH")
    mine = address(portal, person, "ETHEREUM")
    node.pay_token(mine, 25_000_000)
    node.pay(mine, ETHER // 4)
    node.mine(2)
    watch(portal)
    assert sorted(deposits_of(portal, person)) == [("seen", 25_000_000), ("seen", 250_000_000)]
    node.rpc("anvil_reorg", 3, [])
    watch(portal)
    assert person.balance("USDT") == before[0]
    assert "confirmed" not in {status for status, _ in deposits_of(portal, person)}
    node.pay_token(mine, 25_000_000)
    node.mine(CONFIRMATIONS + 1)
    for _ in range(3):
        watch(portal)
    credited = [units for status, units in deposits_of(portal, person) if status == "confirmed"]
    assert person.balance("USDT") - before[0] == sum(units for units in credited if units == 25_000_000)
    assert node.tokens(mine) == person.balance("USDT") - before[0]
    assert node.web3.eth.get_balance(mine) // 10**9 == person.balance("ETH") - before[1]


class Dies:
    """A chain whose worker is killed at broadcast, before or after the bytes left."""

    def __init__(self, chain: Any, *, after: bool) -> None:
        self._chain, self._after = chain, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def broadcast(self, signed: Any) -> None:
        if self._after:
            self._chain.broadcast(signed)
        raise KeyboardInterrupt


def withdraw(portal: Any, person: Any, amount: str) -> int:
    wanted = Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", kind="crypto", asset="USDT", network="ETHEREUM",
        amount_units=parse_units(amount, "USDT"), address=STRANGER,
    )  # fmt: skip
    made = portal.db.transact(withdrawals.request, wanted)
    run_worker(portal)
    code = code_for(portal, person.email)

    def confirm(session: Any) -> None:
        withdrawals.confirm(session, session.get(Withdrawal, made.id), code, f"customer:{person.id}")

    portal.db.transact(confirm)
    number: int = made.id
    return number


@pytest.mark.parametrize("after", [False, True])
def test_a_withdrawal_is_paid_once_though_its_worker_was_killed(world: Any, after: bool) -> None:
    portal, node = world
    person = people.customer(portal, usdt="500")
    number = withdraw(portal, person, "100")
    chain = portal.ports.chains["ETHEREUM"]
    portal.ports.chains["ETHEREUM"] = Dies(chain, after=after)
    with pytest.raises(KeyboardInterrupt):
        sending.send_to_chains(portal)
    portal.ports.chains["ETHEREUM"] = chain
    for _ in range(3):
        sending.send_to_chains(portal)
        node.mine()
    node.rpc("anvil_reorg", 2, [])
    for _ in range(CONFIRMATIONS + 3):
        sending.send_to_chains(portal)
        node.mine()
    sending.send_to_chains(portal)
    withdrawal = portal.db.read(lambda session: session.get(Withdrawal, number))
    assert withdrawal.status == "confirmed"
    assert node.tokens(STRANGER) == withdrawal.amount_units - withdrawal.fee_units
    assert person.balance("USDT") == 500_000_000 - withdrawal.amount_units
    assert person.balance("USDT", "frozen") == 0


def held(portal: Any, asset: str = "USDT") -> cover.Line:
    holdings.watch_cover(portal)
    found = next(line for line in portal.db.read(cover.cover).lines if line.asset == asset)
    assert found.heard
    return found


def explained(portal: Any) -> list[tuple[str, int]]:
    """What lies between books and chain beside what the house put there of its own, by asset."""
    return [(each.asset, each.unexplained_units) for each in portal.db.read(bank_reconciliation.against_chains)]


def test_holdings_follow_the_chain_and_a_shortfall_stops_pay_outs(world: Any) -> None:
    portal, node = world
    portal.db.transact(parameters.change, "cover", {"own_funds_twd": "0"}, "staff:0")
    portal.ports.chains["TRON"].set_opening("USDT", 0)
    own, own_coins = 5_000_000_000, 10 * 10**9
    node.mine(CONFIRMATIONS)
    person = people.customer(portal)
    mine = address(portal, person, "ETHEREUM")
    assert (held(portal).owed_units, held(portal).held_units) == (0, own)

    node.pay_token(mine, 425_000_000)
    node.pay(mine, ETHER // 4)
    node.mine(CONFIRMATIONS)
    watch(portal)
    assert (held(portal).owed_units, held(portal).held_units) == (0, own)
    node.mine()
    watch(portal)
    assert (held(portal).owed_units, held(portal).held_units) == (425_000_000, own + 425_000_000)
    assert held(portal, "ETH").held_units == own_coins + 250_000_000
    assert explained(portal) == [("ETH", own_coins), ("USDT", own)]

    number = withdraw(portal, person, "100")
    sending.send_to_chains(portal)
    node.mine(CONFIRMATIONS + 1)
    sending.send_to_chains(portal)
    withdrawal = portal.db.read(lambda session: session.get(Withdrawal, number))
    assert withdrawal.status == "confirmed"
    sent = withdrawal.amount_units - withdrawal.fee_units
    assert (held(portal).owed_units, held(portal).held_units) == (325_000_000, own + 425_000_000 - sent)
    hot = portal.ports.chains["ETHEREUM"]._hot()
    assert held(portal, "ETH").held_units == (node.web3.eth.get_balance(hot) + ETHER // 4) // 10**9
    assert explained(portal)[1] == ("USDT", own)
    assert portal.db.read(payout_switch.running)

    stolen(node, hot)
    assert (held(portal).short_units, held(portal, "ETH").held_units) == (325_000_000 - 425_000_000, 250_000_000)
    assert portal.db.read(payout_switch.running)
    stolen(node, mine)
    assert (held(portal).short_units, held(portal, "ETH").held_units) == (325_000_000, 0)
    assert not portal.db.read(payout_switch.running)
    waits = withdraw(portal, person, "50")
    sending.send_to_chains(portal)
    assert portal.db.read(lambda session: session.get(Withdrawal, waits)).status == "approved"
    assert node.tokens(STRANGER) == sent


def stolen(node: Any, owner: str) -> None:
    """Somebody has taken all that an address of ours held."""
    node.rpc("anvil_impersonateAccount", owner)
    node.token.functions.transfer(node.rich, node.tokens(owner)).transact({"from": owner})
    node.mine()
    node.rpc("anvil_setBalance", owner, "0x0")
    node.mine(CONFIRMATIONS + 1)
