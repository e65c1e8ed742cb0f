"""TRON through a node's HTTP interface (extra `tron`). Keys live in the signer, never here.

Deposits are read from solid blocks alone, so nothing seen here is ever undone. A withdrawal's bytes expire by themselves; they
are replaced only once solid blocks are past that.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
from tronpy.keys import to_base58check_address, to_hex_address

from portal.adapters.signer.client import SignerClient
from portal.clock import Clock
from portal.ports import (
    READING_SECONDS,
    ChainHead,
    ChainTransfer,
    PortError,
    PortRejected,
    PortTimeout,
    SignedTransaction,
    TransactionStatus,
)

_TRANSFER_TOPIC = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_CONTRACTS = {
    "USDT": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "TWIP": "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj",
    "TWIG": "TG3XXyExBkPp9nzdajDZsozEu4BkaSJozs",
}
TIMEOUT_SECONDS = 15
#: Whose balances are asked for: the house's own vouchers are no means to pay with.
_HELD = ("USDT",)
_QUESTIONS_AT_ONCE = 8


class TronChain:
    """One node. Settings: TRON_NODE_URL, TRON_API_KEY, TRON_FEE_LIMIT_SUN (100 TRX), CHAIN_CONTRACT_TRON_<ASSET>, SIGNER_SOCKET."""

    network = "TRON"

    def __init__(self, settings: Mapping[str, str], clock: Clock) -> None:
        key = settings.get("TRON_API_KEY", "")
        self._client = httpx.Client(
            base_url=settings["TRON_NODE_URL"].rstrip("/") + "/",
            timeout=TIMEOUT_SECONDS,
            headers={"TRON-PRO-API-KEY": key} if key else {},
        )
        self._signer, self._clock = SignerClient(settings["SIGNER_SOCKET"]), clock
        self._fee_limit = int(settings.get("TRON_FEE_LIMIT_SUN", "100000000"))
        self._contracts = {
            asset: settings.get(f"CHAIN_CONTRACT_TRON_{asset}") or address for asset, address in _CONTRACTS.items()
        }
        self._assets = {to_hex_address(address)[2:]: asset for asset, address in self._contracts.items()}

    def head(self) -> ChainHead:
        """The newest solid block. Raises PortError."""
        block = self._solid()
        return ChainHead(_number(block), block["blockID"], _number(block))

    def block_hash(self, number: int) -> str | None:
        """The id of a solid block, None when there is none of that height. Raises PortError."""
        found = self._ask("walletsolidity/getblockbynum", num=number).get("blockID")
        return str(found) if found else None

    def transfers(self, first_block: int, last_block: int) -> list[ChainTransfer]:
        """Token transfers of the known contracts in solid blocks. Raises PortError."""
        return [each for number in range(first_block, last_block + 1) for each in self._of_block(number)]

    def _of_block(self, number: int) -> list[ChainTransfer]:
        block_id = self.block_hash(number)
        if block_id is None:
            raise PortError("the node has lost a solid block")
        found = []
        for info in self._ask_list("walletsolidity/gettransactioninfobyblocknum", num=number):
            succeeded = info.get("receipt", {}).get("result", "SUCCESS") == "SUCCESS"
            for index, entry in enumerate(info.get("log", [])):
                asset = self._assets.get(entry["address"])
                if asset is None or len(entry["topics"]) != 3 or entry["topics"][0] != _TRANSFER_TOPIC:
                    continue
                sender, to = (to_base58check_address("41" + topic[-40:]) for topic in entry["topics"][1:])
                units = int(entry.get("data") or "0", 16)
                found.append(
                    ChainTransfer(
                        self.network, info["id"], index, asset, self._contracts[asset], to, sender, units, number,
                        block_id, succeeded,
                    )
                )  # fmt: skip
        return found

    def sign(self, key: str, asset: str, to: str, amount_units: int) -> SignedTransaction:
        """Has an approved order signed once it is known to go through within the fee limit.

        Raises PortRejected when the signer refuses it, else PortError.
        """
        self._rehearse(asset, to, amount_units)
        answer = self._signer.ask("tron.sign", key=key, asset=asset, to=to, units=amount_units, **self._block())
        return _signed(answer)

    def sweep(self, index: int, address: str, asset: str) -> str:
        """Moves what a deposit address holds of a token to the hot wallet; its id, '' for none.

        The address needs energy for it, by delegation or in coins of its own.
        """
        units = self._constant(address, asset, "balanceOf(address)", _word(address))
        if not int(units["constant_result"][0], 16):
            return ""
        amount = int(units["constant_result"][0], 16)
        signed = _signed(self._signer.ask("tron.sweep", index=index, asset=asset, units=amount, **self._block()))
        self.broadcast(signed)
        return signed.tx_hash

    def broadcast(self, signed: SignedTransaction) -> None:
        """Hands signed bytes to the node; bytes that it has are fine. Raises PortRejected for bytes that are wrong, else PortError."""
        answer = self._ask("wallet/broadcasthex", transaction=signed.raw.hex())
        code = str(answer.get("code", ""))
        if answer.get("result") is True or code == "DUP_TRANSACTION_ERROR":
            return
        final = code in ("SIGERROR", "TAPOS_ERROR", "TOO_BIG_TRANSACTION_ERROR")
        raise (PortRejected if final else PortError)(f"the TRON node answered {code or 'nothing'}")

    def status(self, tx_hash: str) -> TransactionStatus:
        """What the chain knows of an id. Raises PortError."""
        solid = self._ask("walletsolidity/gettransactioninfobyid", value=tx_hash)
        if solid.get("id") == tx_hash:
            deep = self.head().number - int(solid["blockNumber"]) + 1
            succeeded = solid.get("receipt", {}).get("result", "SUCCESS") == "SUCCESS"
            return TransactionStatus("confirmed" if succeeded else "failed", deep, int(solid.get("fee", 0)))
        young = self._ask("wallet/gettransactionbyid", value=tx_hash)
        return TransactionStatus("pending" if young.get("txID") == tx_hash else "unknown")

    def holdings(self, addresses: list[str]) -> dict[str, int]:
        """What the hot wallet and these addresses hold together by the solid state.

        A node tells one balance at a time, so some are asked for side by side. The hot wallet comes last: what is swept
        meanwhile then counts twice for one reading, and is never missing. Raises PortError, PortTimeout when there are more
        addresses than can be asked about in time.
        """
        hot = self._signer.ask("public")[self.network]["hot"]
        others = [each for each in dict.fromkeys(addresses) if each != hot]
        pool = ThreadPoolExecutor(_QUESTIONS_AT_ONCE, thread_name_prefix="tron")
        try:
            questions = [(owner, asset) for asset in _HELD for owner in others]
            found = list(pool.map(lambda one: (one[1], self._balance(*one)), questions, timeout=READING_SECONDS))
        except TimeoutError as error:
            raise PortTimeout("the TRON node is too slow to tell what all addresses hold") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        held = {asset: self._balance(hot, asset) for asset in _HELD}
        for asset, units in found:
            held[asset] += units
        return held

    def _balance(self, owner: str, asset: str) -> int:
        answer = self._constant(owner, asset, "balanceOf(address)", _word(owner), state="walletsolidity")
        try:
            return int(answer["constant_result"][0], 16)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PortError("the TRON node does not tell a balance") from error

    def transaction_url(self, tx_hash: str) -> str:
        """Where people can look a transaction up."""
        return f"https://tronscan.org/#/transaction/{tx_hash}"

    def _rehearse(self, asset: str, to: str, units: int) -> None:
        hot = self._signer.ask("public")[self.network]["hot"]
        answer = self._constant(hot, asset, "transfer(address,uint256)", _word(to) + f"{units:064x}")
        price = next(
            (each["value"] for each in self._ask("wallet/getchainparameters").get("chainParameter", [])
             if each.get("key") == "getEnergyFee"),
            420,
        )  # fmt: skip
        if int(answer.get("energy_used", 0)) * int(price) > self._fee_limit:
            raise PortError("the transfer costs more than the fee limit")

    def _constant(
        self, owner: str, asset: str, function: str, parameter: str, *, state: str = "wallet"
    ) -> dict[str, Any]:
        answer = self._ask(
            f"{state}/triggerconstantcontract", owner_address=to_hex_address(owner), function_selector=function,
            contract_address=to_hex_address(self._contracts[asset]), parameter=parameter,
        )  # fmt: skip
        ended = (answer.get("transaction", {}).get("ret") or [{}])[0].get("ret", "")
        if answer.get("result", {}).get("result") is not True or ended == "FAILED":
            raise PortError("the call would fail" if state != "wallet" else "the transfer would fail")
        return answer

    def _block(self) -> dict[str, Any]:
        block = self._solid()
        return {"block_id": block["blockID"], "block_ms": int(block["block_header"]["raw_data"]["timestamp"])}

    def _solid(self) -> dict[str, Any]:
        block = self._ask("walletsolidity/getnowblock")
        if "blockID" not in block:
            raise PortError("the TRON node has no solid block")
        return block

    def _ask(self, path: str, **what: Any) -> dict[str, Any]:
        found = self._answer(path, what)
        if not isinstance(found, dict):
            raise PortError("the TRON node's answer cannot be read")
        return found

    def _ask_list(self, path: str, **what: Any) -> list[Any]:
        found = self._answer(path, what)
        return found if isinstance(found, list) else []

    def _answer(self, path: str, what: Mapping[str, Any]) -> Any:
        try:
            answer = self._client.post(path, json=dict(what))
            answer.raise_for_status()
            return answer.json()
        except httpx.TimeoutException as error:
            raise PortTimeout("the TRON node did not answer in time") from error
        except (httpx.HTTPError, ValueError) as error:
            raise PortError(f"the TRON node cannot be asked: {type(error).__name__}") from error


def _signed(answer: Mapping[str, Any]) -> SignedTransaction:
    expires_at = datetime.fromtimestamp(answer["expires_at"], UTC)
    return SignedTransaction(bytes.fromhex(answer["raw"]), answer["hash"], expires_at)


def _number(block: Mapping[str, Any]) -> int:
    return int(block["block_header"]["raw_data"].get("number", 0))


def _word(address: str) -> str:
    """An address as a word of a contract call (hex)."""
    return str(to_hex_address(address))[2:].rjust(64, "0")
