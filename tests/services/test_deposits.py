"""Money in from the chains: credited once, only when solid, only the real token, only ours."""

import pytest
import sqlalchemy as sa

from portal import ledger
from portal.models.wallet import Deposit
from portal.money import parse_units
from portal.services import addresses, deposits
from tests.support import people
from tests.support.market import address, look, mine, send

REAL_LOOKING = "TLyqzVGLV1srkB7dToTAEqgDSfPtXRJZYH"


def statuses(portal):
    return portal.db.read(lambda session: list(session.scalars(sa.select(Deposit.status).order_by(Deposit.id))))


def test_an_owner_has_one_address_per_network_with_a_right_checksum(portal, transact):
    for network in ("TRON", "ETHEREUM"):
        first = transact(addresses.for_owner, "customer", 1, network)
        again = transact(addresses.for_owner, "customer", 1, network)
        other = transact(addresses.for_owner, "store", 1, network)
        assert first.address == again.address != other.address
        assert addresses.is_valid(network, first.address)
        assert portal.db.read(addresses.owner_of, network, first.address).owner_id == 1


def test_an_address_is_found_in_any_case_of_its_letters(portal, transact, read):
    made = transact(addresses.for_owner, "customer", 7, "ETHEREUM").address
    assert read(addresses.owner_of, "ETHEREUM", made.lower()).owner_id == 7


@pytest.mark.parametrize(
    "network,text",
    [
        ("TRON", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"),
        ("TRON", "0xdAC17F958D2ee523a2206206994597C13D831ec7"),
        ("TRON", "T" + "1" * 33),
        ("ETHEREUM", "0xdAC17F958D2ee523a2206206994597C13D831ec8"),
        ("ETHEREUM", "0x" + "0" * 40),
        ("ETHEREUM", "dAC17F958D2ee523a2206206994597C13D831ec7"),
        ("ETHEREUM", "0xｄAC17F958D2ee523a2206206994597C13D831ec7"),
        ("BITCOIN", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ],
)
def test_a_wrong_address_is_told(network, text):
    assert not addresses.is_valid(network, text)


@pytest.mark.parametrize(
    "network,asset", [("TRON", "USDT"), ("ETHEREUM", "USDT"), ("ETHEREUM", "ETH"), ("TRON", "TWIP")]
)
def test_a_deposit_is_seen_first_and_credited_when_solid(portal, network, asset):
    amy = people.customer(portal, kyc_level=1)
    send(portal, network, asset, address(portal, amy, network), "12.5")
    look(portal)
    assert statuses(portal) == ["seen"]
    assert amy.balance(asset) == 0
    mine(portal, network, 18 if network == "TRON" else 11)
    assert amy.balance(asset) == 0
    mine(portal, network, 1)
    assert statuses(portal) == ["confirmed"]
    assert amy.balance(asset) == parse_units("12.5", asset)
    mine(portal, network)
    assert amy.balance(asset) == parse_units("12.5", asset)


def test_two_logs_of_one_transaction_are_two_deposits(portal):
    amy = people.customer(portal)
    to = address(portal, amy)
    tx_hash = send(portal, "TRON", "USDT", to, "5", log_index=0)
    send(portal, "TRON", "USDT", to, "7", tx_hash=tx_hash, log_index=1)
    mine(portal)
    assert amy.balance("USDT") == parse_units("12", "USDT")


def test_a_transfer_told_twice_is_credited_once(portal):
    amy = people.customer(portal)
    send(portal, "TRON", "USDT", address(portal, amy), "5")
    portal.world.set_fault("chain", "duplicate", 5)
    mine(portal)
    assert amy.balance("USDT") == parse_units("5", "USDT")


def test_fake_tokens_reverted_transactions_and_strangers_get_nothing(portal):
    amy = people.customer(portal)
    to = address(portal, amy)
    send(portal, "TRON", "USDT", to, "5", contract=REAL_LOOKING)
    send(portal, "TRON", "USDT", to, "5", succeeded=False)
    send(portal, "TRON", "USDT", REAL_LOOKING, "5")
    send(portal, "TRON", "ETH", to, "5")
    mine(portal)
    assert statuses(portal) == []
    assert amy.balance("USDT") == 0


def test_a_deposit_whose_block_left_the_chain_is_dropped_and_never_credited(portal):
    amy = people.customer(portal)
    send(portal, "TRON", "USDT", address(portal, amy), "5")
    look(portal)
    portal.ports.chains["TRON"].reorganise(3, again=False)
    look(portal)
    assert statuses(portal) == ["dropped"]
    mine(portal, count=50)
    assert amy.balance("USDT") == 0


def test_a_deposit_that_moved_to_another_block_waits_anew_and_is_credited_once(portal):
    amy = people.customer(portal)
    send(portal, "TRON", "USDT", address(portal, amy), "5")
    mine(portal, count=15)
    portal.ports.chains["TRON"].reorganise(17, again=True)
    mine(portal, count=10)
    assert amy.balance("USDT") == 0
    mine(portal, count=10)
    assert statuses(portal) == ["confirmed"]
    assert amy.balance("USDT") == parse_units("5", "USDT")


def test_a_dropped_deposit_that_comes_back_is_credited_once(portal):
    amy = people.customer(portal)
    tx_hash = send(portal, "TRON", "USDT", address(portal, amy), "5")
    look(portal)
    portal.ports.chains["TRON"].reorganise(3, again=False)
    look(portal)
    send(portal, "TRON", "USDT", address(portal, amy), "5", tx_hash=tx_hash)
    mine(portal)
    assert statuses(portal) == ["confirmed"]
    assert amy.balance("USDT") == parse_units("5", "USDT")


@pytest.mark.parametrize("fault", ["timeout", "error", "lost_answer", "reject"])
def test_a_chain_that_is_away_only_delays(portal, fault):
    amy = people.customer(portal)
    send(portal, "TRON", "USDT", address(portal, amy), "5")
    portal.world.set_fault("chain", fault, 2)
    mine(portal)
    mine(portal, count=1)
    mine(portal, count=1)
    assert amy.balance("USDT") == parse_units("5", "USDT")


def test_an_institution_is_credited_on_its_float(portal, transact, read):
    to = transact(addresses.for_owner, "institution", 4, "TRON").address
    send(portal, "TRON", "USDT", to, "100")
    mine(portal)
    assert read(ledger.balance, ledger.institution_float(4, "USDT")) == parse_units("100", "USDT")


def test_confirming_twice_credits_once(portal, transact):
    amy = people.customer(portal)
    send(portal, "TRON", "USDT", address(portal, amy), "5")
    look(portal)
    (waiting,) = portal.db.read(deposits.waiting, "TRON")
    assert transact(deposits.confirm, waiting.id, waiting.block_hash)
    assert not transact(deposits.confirm, waiting.id, waiting.block_hash)
    assert amy.balance("USDT") == parse_units("5", "USDT")
