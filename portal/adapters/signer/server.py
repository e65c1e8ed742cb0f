"""The signer's door: a Unix socket, one JSON object per line and connection, answered one after another."""

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from portal.adapters.signer.ethereum import EthereumSigner, Fees
from portal.adapters.signer.journal import Entry, Journal
from portal.adapters.signer.keystore import COINS, Keystore
from portal.adapters.signer.policy import Approvals, Order, Refused
from portal.adapters.signer.tron import Block, TronSigner

log = logging.getLogger(__name__)

_MOST_BYTES = 64 * 1024
_PATIENCE_SECONDS = 5


class Signer:
    """Answers requests; knows everything, tells public things and signatures."""

    def __init__(self, settings: Mapping[str, str], keys: Keystore, journal: Journal, approvals: Approvals) -> None:
        self._keys, self._journal = keys, journal
        self._ethereum = EthereumSigner(settings, keys, journal, approvals)
        self._tron = TronSigner(settings, keys, journal, approvals)
        self._acts: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "public": self._public,
            "family": self._family,
            "ethereum.sign": self._sign_ethereum,
            "ethereum.bump": self._bump_ethereum,
            "ethereum.sweep": self._sweep_ethereum,
            "ethereum.fund": self._fund_ethereum,
            "tron.sign": self._sign_tron,
            "tron.sweep": self._sweep_tron,
        }

    def answer(self, line: bytes) -> dict[str, Any]:
        """One request's answer: what it asked for, or `refused` (final) or `failed` (nothing is known)."""
        try:
            request = json.loads(line)
            act = self._acts[request["act"]]
            return act(request)
        except Refused as refusal:
            log.warning("refused: %s", refusal)
            return {"refused": str(refusal)}
        except (KeyError, TypeError, ValueError) as error:
            return {"refused": f"the request cannot be read: {type(error).__name__}"}
        except Exception:
            log.exception("the signer failed")
            return {"failed": "the signer failed"}

    def _public(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {
            network: {"hot": self._keys.hot(network).address, "deposit_xpub": self._keys.deposit_xpub(network)}
            for network in COINS
        }

    def _family(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = self._journal.of_hash(str(request["hash"]))
        if not found:
            return {"hashes": []}
        return {
            "hashes": [entry.tx_hash for entry in found], "fields": found[-1].fields, "raw": found[-1].raw.hex()
        }  # fmt: skip

    def _sign_ethereum(self, request: Mapping[str, Any]) -> dict[str, Any]:
        nonces = int(request["chain_nonce"]), int(request["landed_nonce"])
        return _told(self._ethereum.sign(_order(request, "ETHEREUM"), _fees(request["fees"]), *nonces, _moment()))

    def _bump_ethereum(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return _told(self._ethereum.bump(str(request["hash"]), _fees(request["fees"]), _moment()))

    def _sweep_ethereum(self, request: Mapping[str, Any]) -> dict[str, Any]:
        index, units, nonce = (int(request[name]) for name in ("index", "units", "nonce"))
        fees = _fees(request["fees"])
        return _told(self._ethereum.sweep(index, str(request["asset"]), units, fees, nonce, _moment()))

    def _fund_ethereum(self, request: Mapping[str, Any]) -> dict[str, Any]:
        fees, sweep_fees = _fees(request["fees"]), _fees(request["sweep_fees"])
        index, nonce = int(request["index"]), int(request["chain_nonce"])
        return _told(self._ethereum.fund(index, fees, sweep_fees, nonce, _moment()))

    def _sign_tron(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return _told(self._tron.sign(_order(request, "TRON"), _block(request), _moment()))

    def _sweep_tron(self, request: Mapping[str, Any]) -> dict[str, Any]:
        index, units, asset = int(request["index"]), int(request["units"]), str(request["asset"])
        return _told(self._tron.sweep(index, asset, units, _block(request), _moment()))


def _order(request: Mapping[str, Any], network: str) -> Order:
    return Order(str(request["key"]), network, str(request["asset"]), str(request["to"]), int(request["units"]))


def _fees(content: Mapping[str, Any]) -> Fees:
    return Fees(int(content["gas"]), int(content["max_fee"]), int(content["priority_fee"]))


def _block(request: Mapping[str, Any]) -> Block:
    return Block(bytes.fromhex(request["block_id"]), int(request["block_ms"]))


def _told(entry: Entry) -> dict[str, Any]:
    return {"raw": entry.raw.hex(), "hash": entry.tx_hash, "nonce": entry.nonce, "expires_at": entry.expires_at}


def _moment() -> int:
    return int(time.time())


def serve(path: Path, signer: Signer) -> None:
    """Answers on a socket that only the owner and the group may use, until the process is ended."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        before = os.umask(0o117)
        try:
            door.bind(str(path))
        finally:
            os.umask(before)
        door.listen(16)
        while True:
            connection, _ = door.accept()
            with connection:
                connection.settimeout(_PATIENCE_SECONDS)
                try:
                    line = _read_line(connection)
                    if not line:
                        continue  # somebody only looked whether the door is there
                    connection.sendall(json.dumps(signer.answer(line)).encode() + b"\n")
                except OSError as error:
                    log.warning("a caller went away: %s", error)


def _read_line(connection: socket.socket) -> bytes:
    taken = b""
    while not taken.endswith(b"\n") and len(taken) < _MOST_BYTES:
        part = connection.recv(_MOST_BYTES)
        if not part:
            break
        taken += part
    return taken
