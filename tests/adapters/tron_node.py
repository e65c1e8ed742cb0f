"""A TRON node's HTTP interface, as far as the adapter uses it, written from the public API: real checks of real bytes.

It decodes transactions, recovers their signers, refuses wrong ones, runs token transfers on balances of its own, makes
blocks when it is told to, and lags behind with its solid ones.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from coincurve import PublicKey
from tronpy.keys import PublicKey as TronPublicKey
from tronpy.keys import to_hex_address

from tests.support.json_server import json_server

TOKEN = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
SOLID_AFTER = 19
BLOCK_MS = 3000
_TRANSFER_TOPIC = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def fields(content: bytes) -> dict[int, Any]:
    """The fields of a protobuf message: numbers as they are, the rest as bytes."""
    found: dict[int, Any] = {}
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        value, place = _varint(content, place)
        if tag & 7 == 2:
            value, place = content[place : place + value], place + value
        found[tag >> 3] = value
    return found


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place


class TronNode:
    """The chain: balances by hex address, blocks with transactions, and those that wait for the next one."""

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms - start_ms % 1000
        self.balances: dict[str, int] = {}
        self.past: list[dict[str, int]] = [{} for _ in range(SOLID_AFTER + 1)]
        self.blocks: list[list[dict[str, Any]]] = [[] for _ in range(SOLID_AFTER + 1)]
        self.waiting: dict[str, dict[str, Any]] = {}
        self.energy_used, self.url, self.busy, self.mute = 65_000, "", False, False
        self.quick = threading.Event()
        self.quick.set()

    def give(self, address: str, units: int) -> None:
        """An address has always held so much."""
        for state in (self.balances, *self.past):
            state[to_hex_address(address)] = units

    def holds(self, address: str) -> int:
        return self.balances.get(to_hex_address(address), 0)

    def pay(self, to: str, units: int, *, contract: str = TOKEN, result: str = "SUCCESS") -> str:
        """Somebody else's transfer, into the next block."""
        tx_id = hashlib.sha256(f"{len(self.blocks)}{len(self.waiting)}{to}{units}".encode()).hexdigest()
        sender, receiver = "41" + "77" * 20, to_hex_address(to)
        self.waiting[tx_id] = {"id": tx_id, "from": sender, "to": receiver, "units": units, "contract": to_hex_address(contract),
                               "result": result, "foreign": True}  # fmt: skip
        return tx_id

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            moment = self.time_of(len(self.blocks))
            taken = [each for each in self.waiting.values() if each.get("expiration", moment + 1) > moment]
            self.waiting.clear()
            self.blocks.append([each for each in taken if self._run(each)])
            self.past.append(dict(self.balances))

    def _run(self, each: dict[str, Any]) -> bool:
        if each.get("foreign"):
            if each["result"] == "SUCCESS" and each["contract"] == to_hex_address(TOKEN):
                self.balances[each["to"]] = self.balances.get(each["to"], 0) + each["units"]
            return True
        if self.balances.get(each["from"], 0) < each["units"]:
            each["result"] = "REVERT"
            return True
        self.balances[each["from"]] -= each["units"]
        self.balances[each["to"]] = self.balances.get(each["to"], 0) + each["units"]
        return True

    @property
    def solid(self) -> int:
        return len(self.blocks) - 1 - SOLID_AFTER

    def time_of(self, number: int) -> int:
        return self.start_ms + number * BLOCK_MS

    def block_id(self, number: int) -> str:
        return f"{number:016x}" + hashlib.sha256(str(number).encode()).hexdigest()[:48]

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        solid_only, _, act = path.strip("/").partition("/")
        last = self.solid if solid_only == "walletsolidity" else len(self.blocks) - 1
        if act == "getnowblock":
            return self._block(last)
        if act == "getblockbynum":
            return self._block(body["num"]) if 0 <= body["num"] <= last else {}
        if act == "gettransactioninfobyblocknum":
            number = body["num"]
            return [_info(each, number) for each in self.blocks[number]] if 0 <= number <= last else []
        if act == "gettransactioninfobyid":
            for number, block in enumerate(self.blocks[: last + 1]):
                for each in block:
                    if each["id"] == body["value"]:
                        return _info(each, number)
            return {}
        if act == "gettransactionbyid":
            known = {each["id"] for block in self.blocks for each in block} | set(self.waiting)
            return {"txID": body["value"]} if body["value"] in known else {}
        if act == "getchainparameters":
            return {"chainParameter": [{"key": "getEnergyFee", "value": 210}, {"key": "getMemoFee"}]}
        if act == "triggerconstantcontract":
            self.quick.wait(20)
            return self._constant(body, self.past[last])
        if act == "broadcasthex":
            return self._broadcast(bytes.fromhex(body["transaction"]))
        raise KeyError(path)

    def _block(self, number: int) -> dict[str, Any]:
        raw = {"number": number, "timestamp": self.time_of(number)}
        return {"blockID": self.block_id(number), "block_header": {"raw_data": raw}}

    def _constant(self, body: dict[str, Any], state: dict[str, int]) -> dict[str, Any]:
        owner, words = body["owner_address"], body["parameter"]
        if body["function_selector"].startswith("balanceOf"):
            return (
                {"result": {"result": True}}
                if self.mute
                else {
                    "result": {"result": True},
                    "constant_result": [f"{state.get('41' + words[24:64], 0):064x}"],
                }
            )
        fits = state.get(owner, 0) >= int(words[64:], 16)
        ended = {} if fits else {"ret": "FAILED"}
        return {"result": {"result": True}, "energy_used": self.energy_used, "transaction": {"ret": [ended]}}

    def _broadcast(self, content: bytes) -> dict[str, Any]:
        if self.busy:
            return {"code": "SERVER_BUSY", "message": ""}
        transaction = fields(content)
        raw = transaction[1]
        tx_id, told = hashlib.sha256(raw).digest(), fields(raw)
        contract = fields(told[11])
        call = fields(fields(contract[2])[2])
        signer = PublicKey.from_signature_and_message(transaction[2], tx_id, hasher=None).format(compressed=False)[1:]
        owner = call[1].hex()
        if to_hex_address(TronPublicKey(signer).to_hex_address()) != owner:
            return {"code": "SIGERROR", "message": ""}
        if self.block_id(int.from_bytes(told[1], "big"))[16:32] != told[4].hex():
            return {"code": "TAPOS_ERROR", "message": ""}
        if told[8] <= self.time_of(len(self.blocks) - 1):
            return {"code": "TRANSACTION_EXPIRATION_ERROR", "message": ""}
        if tx_id.hex() in self.waiting or any(each["id"] == tx_id.hex() for block in self.blocks for each in block):
            return {"code": "DUP_TRANSACTION_ERROR", "message": ""}
        assert contract[1] == 31 and call[4][:4].hex() == "a9059cbb"
        self.waiting[tx_id.hex()] = {
            "id": tx_id.hex(), "from": owner, "to": "41" + call[4][16:36].hex(), "units": int.from_bytes(call[4][36:], "big"),
            "contract": call[2].hex(), "result": "SUCCESS", "expiration": told[8], "fee_limit": told[18],
        }  # fmt: skip
        return {"result": True, "txid": tx_id.hex()}


def _info(each: dict[str, Any], number: int) -> dict[str, Any]:
    topics = [_TRANSFER_TOPIC, each["from"][2:].rjust(64, "0"), each["to"][2:].rjust(64, "0")]
    log = [{"address": each["contract"][2:], "topics": topics, "data": f"{each['units']:064x}"}]
    return {
        "id": each["id"], "blockNumber": number, "fee": 13_650_000, "receipt": {"result": each["result"]},
        "log": log if each["result"] == "SUCCESS" else [],
    }  # fmt: skip


@contextmanager
def running(start_ms: int) -> Iterator[TronNode]:
    """A node over real HTTP."""
    node = TronNode(start_ms)
    with json_server(lambda call: (200, node.answer(call.target, call.body))) as url:
        node.url = url
        yield node
