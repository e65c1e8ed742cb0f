"""The signer holds its keys: sealed at rest, asked for nothing but signatures, and never out."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.adapters.signer import keystore
from portal.ports import PortError, PortRejected
from portal.services import addresses
from tests.adapters import signing
from tests.adapters.evm import ROOT


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with signing.running(tmp_path_factory.mktemp("signer")) as found:
        yield found


def test_a_keystore_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = keystore.create(path, signing.PASSPHRASE)
    assert keystore.unlock(path, signing.PASSPHRASE).hot("TRON") == made.hot("TRON")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.hot("TRON").secret.hex() not in path.read_text()
    with pytest.raises(keystore.KeystoreError, match="passphrase is wrong"):
        keystore.unlock(path, "another passphrase of length")
    with pytest.raises(keystore.KeystoreError, match="never overwritten"):
        keystore.create(path, signing.PASSPHRASE)
    with pytest.raises(keystore.KeystoreError, match="at least 20"):
        keystore.create(tmp_path / "other.json", "short")
    path.write_text("{}")
    with pytest.raises(keystore.KeystoreError, match="damaged"):
        keystore.unlock(path, signing.PASSPHRASE)


@pytest.mark.parametrize("network", ["ETHEREUM", "TRON"])
def test_the_portal_derives_the_very_addresses_the_signer_has_keys_for(signer: signing.Signing, network: str) -> None:
    xpub = signer.client.ask("public")[network]["deposit_xpub"]
    for index in (0, 1, 77):
        assert addresses.derive(xpub, network, index) == signer.keys.deposit(network, index).address
    assert signer.client.ask("public")[network]["hot"] == signer.keys.hot(network).address
    assert xpub.startswith("xpub")


def test_nothing_it_says_holds_a_private_key(signer: signing.Signing) -> None:
    said = json.dumps(signer.client.ask("public"))
    for network in keystore.COINS:
        for key in (signer.keys.hot(network), signer.keys.deposit(network, 0)):
            assert key.secret.hex() not in said


@pytest.mark.parametrize(
    "line", [b"", b"\t", b"{}", b"[]", b"null", b'{"act": "export"}', b'{"act": "ethereum.sign"}', b"\xff\xfe",
             b'{"act": "tron.sweep", "index": "x"}', b'{"act": []}', b'{"act": "ethereum.sweep", "index": -1, "units": 1, '
             b'"nonce": 0, "asset": "ETH", "fees": {"gas": 21000, "max_fee": 1, "priority_fee": 1}}'],
)  # fmt: skip
def test_what_it_cannot_read_it_refuses_and_lives_on(signer: signing.Signing, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(signer.settings["SIGNER_SOCKET"])
        connection.sendall(line + b"\n")
        answer = json.loads(connection.makefile().readline())
    assert set(answer) & {"refused", "failed"}
    assert signer.client.ask("family", hash="0x0") == {"hashes": []}


def test_its_socket_is_for_its_owner_and_group(signer: signing.Signing) -> None:
    assert stat.S_IMODE(Path(signer.settings["SIGNER_SOCKET"]).stat().st_mode) == 0o660


def test_fees_beyond_reason_are_not_signed(signer: signing.Signing) -> None:
    fees = {"gas": 21_000, "max_fee": 301 * 10**9, "priority_fee": 1}
    with pytest.raises(PortRejected, match="fee is above"):
        signer.client.ask("ethereum.sweep", index=0, asset="ETH", units=1, nonce=0, fees=fees)


def test_a_signer_that_is_away_is_trouble(tmp_path: Path) -> None:
    from portal.adapters.signer.client import SignerClient

    with pytest.raises(PortError):
        SignerClient(str(tmp_path / "nobody")).ask("public")


def test_it_names_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "portal.adapters.signer", "serve"], cwd=ROOT, env={}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (1, "SIGNER_KEYSTORE is missing\n")
