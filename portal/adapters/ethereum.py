"""Ethereum through a node of one's own (extra `ethereum`: web3). Keys live in the signer, never here.

Deposits: token transfers come from their contracts' logs, coin transfers from the blocks' transactions (not from calls
between contracts, which a node does not tell without tracing). Withdrawals are watched by all the hashes that were signed
under their nonce, and sent again for more when the market left them behind.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests
from web3 import Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError

from portal.adapters.signer.client import SignerClient
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

log = logging.getLogger(__name__)

WEI_IN_UNIT = 10**9
TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_BALANCE_OF = "0x70a08231"
_TRANSFER = "0xa9059cbb"
_PLAIN_GAS = 21_000
#: Questions in one request; hosted nodes take a hundred.
_QUESTIONS_AT_ONCE = 100
_MAIN_USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"

#: What a node says of bytes that it has, or that have landed.
_KNOWN = (
    "already known",
    "already imported",
    "known transaction",
    "nonce too low",
    "replacement transaction underpriced",
)


class EthereumChain:
    """One node. Settings: ETHEREUM_NODE_URL, ETHEREUM_CONFIRMATIONS (0: the chain's own finality), SIGNER_SOCKET,

    CHAIN_CONTRACT_ETHEREUM_USDT, ETHEREUM_PRIORITY_FEE_GWEI (1).
    """

    network = "ETHEREUM"

    def __init__(self, settings: Mapping[str, str]) -> None:
        provider = Web3.HTTPProvider(settings["ETHEREUM_NODE_URL"], request_kwargs={"timeout": 15})
        self._provider = provider
        self._eth: Any = Web3(provider).eth
        self._signer = SignerClient(settings["SIGNER_SOCKET"])
        self._confirmations = int(settings.get("ETHEREUM_CONFIRMATIONS", "0"))
        self._priority_fee = int(settings.get("ETHEREUM_PRIORITY_FEE_GWEI", "1")) * WEI_IN_UNIT
        contracts = {"USDT": settings.get("CHAIN_CONTRACT_ETHEREUM_USDT", _MAIN_USDT)}
        self._contracts = {asset: Web3.to_checksum_address(address) for asset, address in contracts.items()}

    def head(self) -> ChainHead:
        """The newest block, and the newest that can no longer change. Raises PortError."""
        newest = self._ask(self._eth.get_block, "latest")
        if self._confirmations:
            solid = max(newest["number"] - self._confirmations, 0)
        else:
            solid = self._ask(self._eth.get_block, "finalized")["number"]
        return ChainHead(newest["number"], _hex(newest["hash"]), solid)

    def block_hash(self, number: int) -> str | None:
        """The hash of a block, None when there is none of that height. Raises PortError."""
        try:
            return _hex(self._ask(self._eth.get_block, number)["hash"])
        except _NotFound:
            return None

    def transfers(self, first_block: int, last_block: int) -> list[ChainTransfer]:
        """What moved in these blocks: tokens of the known contracts, and coins. Raises PortError."""
        found = [each for number in range(first_block, last_block + 1) for each in self._coins(number)]
        for asset, contract in self._contracts.items():
            question: Any = {
                "fromBlock": first_block, "toBlock": last_block, "address": contract, "topics": [TRANSFER_TOPIC]
            }  # fmt: skip
            logs = self._ask(self._eth.get_logs, question)
            found += [self._token(asset, contract, entry) for entry in logs if len(entry["topics"]) == 3]
        return sorted(found, key=lambda each: (each.block_number, each.tx_hash, each.log_index))

    def _coins(self, number: int) -> list[ChainTransfer]:
        block = self._ask(self._eth.get_block, number, full_transactions=True)
        paying: list[Any] = [each for each in block["transactions"] if each["value"] >= WEI_IN_UNIT and each.get("to")]
        return [
            ChainTransfer(
                network=self.network,
                tx_hash=_hex(each["hash"]),
                log_index=-1,  # the transaction itself; its logs count from 0
                asset="ETH",
                contract=None,
                to=each["to"],
                sender=each["from"],
                amount_units=each["value"] // WEI_IN_UNIT,
                block_number=number,
                block_hash=_hex(block["hash"]),
                succeeded=self._ask(self._eth.get_transaction_receipt, each["hash"])["status"] == 1,
            )
            for each in paying
        ]

    def _token(self, asset: str, contract: str, entry: Any) -> ChainTransfer:
        sender, to = (Web3.to_checksum_address("0x" + bytes(topic)[12:].hex()) for topic in entry["topics"][1:])
        return ChainTransfer(
            network=self.network,
            tx_hash=_hex(entry["transactionHash"]),
            log_index=entry["logIndex"],
            asset=asset,
            contract=contract,
            to=to,
            sender=sender,
            amount_units=int.from_bytes(bytes(entry["data"]), "big"),
            block_number=entry["blockNumber"],
            block_hash=_hex(entry["blockHash"]),
        )

    def sign(self, key: str, asset: str, to: str, amount_units: int) -> SignedTransaction:
        """Has an approved order signed. Raises PortRejected when the signer refuses it, else PortError."""
        hot = self._hot()
        fees = self._fees(self._gas(hot, asset, to, amount_units))
        coins = fees["gas"] * fees["max_fee"] + (amount_units * WEI_IN_UNIT if asset == "ETH" else 0)
        if self._ask(self._eth.get_balance, Web3.to_checksum_address(hot)) < coins:
            raise PortError("the hot wallet does not hold enough coins")
        answer = self._signer.ask(
            "ethereum.sign", key=key, asset=asset, to=to, units=amount_units, fees=fees, **self._nonces(hot)
        )
        return SignedTransaction(bytes.fromhex(answer["raw"]), answer["hash"], None, answer["nonce"])

    def broadcast(self, signed: SignedTransaction) -> None:
        """Hands signed bytes to the node; bytes that it has are fine. Raises PortError."""
        try:
            self._ask(self._eth.send_raw_transaction, signed.raw)
        except PortError as error:
            # A nonce's bytes never expire: a no of today is asked again, and what landed is told by the status.
            if not any(words in str(error).lower() for words in _KNOWN):
                raise

    def status(self, tx_hash: str) -> TransactionStatus:
        """What became of an order: of whichever of its hashes landed. One left behind by the fees is sent for more."""
        family = self._signer.ask("family", hash=tx_hash)
        hashes = family["hashes"] or [tx_hash]
        for each in hashes:
            try:
                return self._landed(self._ask(self._eth.get_transaction_receipt, each))
            except _NotFound:
                pass
        known = [each for each in hashes if self._is_known(each)]
        under_way = self._keep_up(family, known) if family["hashes"] else False
        return TransactionStatus("pending" if known or under_way else "unknown")

    def _is_known(self, tx_hash: str) -> bool:
        try:
            self._ask(self._eth.get_transaction, tx_hash)
        except _NotFound:
            return False
        return True

    def _landed(self, receipt: Any) -> TransactionStatus:
        head = self.head()
        fee_units = -(-receipt["gasUsed"] * receipt["effectiveGasPrice"] // WEI_IN_UNIT)
        deep = head.number - receipt["blockNumber"] + 1
        if receipt["blockNumber"] > head.solid_number:
            return TransactionStatus("pending", deep, fee_units)
        return TransactionStatus("confirmed" if receipt["status"] == 1 else "failed", deep, fee_units)

    def _keep_up(self, family: Mapping[str, Any], known: list[str]) -> bool:
        """Sees to it that an order offers what the next block asks: under its nonce, within the signer's limit.

        Whether a replacement is under way. The first bytes are the worker's to send; those of a replacement are sent here.
        """
        base = self._ask(self._eth.get_block, "latest").get("baseFeePerGas", 0)
        if family["fields"]["max_fee"] < base:
            try:
                fees = self._fees(family["fields"]["gas"])
                answer = self._signer.ask("ethereum.bump", hash=family["hashes"][-1], fees=fees)
            except PortRejected as error:
                log.warning("a transaction waits for lower fees", extra={"reason": str(error)[:120]})
                return False
        elif len(family["hashes"]) > 1 and family["hashes"][-1] not in known:
            answer = {"raw": family["raw"], "hash": family["hashes"][-1], "nonce": None}
        else:
            return False
        self._sent(answer)
        return True

    def sweep(self, index: int, address: str, asset: str) -> str:
        """Moves what a deposit address holds of an asset to the hot wallet; the hash of the step taken, '' for none.

        A token needs coins for its fee first: then the hot wallet sends them, and the next call moves the token.
        """
        hot, account = self._hot(), Web3.to_checksum_address(address)
        coins = self._ask(self._eth.get_balance, account)
        if asset == "ETH":
            fees = self._fees(_PLAIN_GAS)
            units = (coins - fees["gas"] * fees["max_fee"]) // WEI_IN_UNIT
            return self._sweep(index, account, asset, units, fees) if units > 0 else ""
        units = self._token_balance(asset, account)
        if units == 0:
            return ""
        fees = self._fees(self._gas(account, asset, hot, units))
        if coins < fees["gas"] * fees["max_fee"]:
            dearer = {**fees, "max_fee": fees["max_fee"] * 2}
            answer = self._signer.ask(
                "ethereum.fund", index=index, fees=self._fees(_PLAIN_GAS), sweep_fees=dearer,
                chain_nonce=self._nonces(hot)["chain_nonce"],
            )  # fmt: skip
        else:
            return self._sweep(index, account, asset, units, fees)
        return self._sent(answer)

    def _sweep(self, index: int, account: Any, asset: str, units: int, fees: Mapping[str, int]) -> str:
        nonce = self._ask(self._eth.get_transaction_count, account, "pending")
        return self._sent(
            self._signer.ask("ethereum.sweep", index=index, asset=asset, units=units, fees=dict(fees), nonce=nonce)
        )

    def _sent(self, answer: Mapping[str, Any]) -> str:
        self.broadcast(SignedTransaction(bytes.fromhex(answer["raw"]), answer["hash"], None, answer["nonce"]))
        return str(answer["hash"])

    def holdings(self, addresses: list[str]) -> dict[str, int]:
        """What the hot wallet and these addresses hold together at the newest block that can no longer change.

        Raises PortError, PortTimeout when there are more of them than can be asked about in time.
        """
        block, ends_at = hex(self.head().solid_number), time.monotonic() + READING_SECONDS
        accounts = dict.fromkeys(Web3.to_checksum_address(each) for each in (*addresses, self._hot()))
        questions: list[tuple[str, str, Any]] = [("ETH", "eth_getBalance", [account, block]) for account in accounts]
        for asset, contract in self._contracts.items():
            calls = [{"to": contract, "data": _BALANCE_OF + account[2:].lower().rjust(64, "0")} for account in accounts]
            questions += [(asset, "eth_call", [call, block]) for call in calls]
        held = dict.fromkeys(("ETH", *self._contracts), 0)
        for start in range(0, len(questions), _QUESTIONS_AT_ONCE):
            if time.monotonic() >= ends_at:
                raise PortTimeout("the Ethereum node is too slow to tell what all addresses hold")
            some = questions[start : start + _QUESTIONS_AT_ONCE]
            for (asset, _, _), amount in zip(some, self._amounts(some), strict=True):
                held[asset] += amount
        held["ETH"] //= WEI_IN_UNIT
        return held

    def _amounts(self, questions: Sequence[tuple[str, str, Any]]) -> list[int]:
        asked = [(method, parameters) for _, method, parameters in questions]
        answers = self._ask(self._provider.make_batch_request, asked)
        if not isinstance(answers, list) or len(answers) != len(asked):
            raise PortError("the Ethereum node does not take several questions at once")
        try:
            return [int(answer["result"], 16) for answer in answers]
        except (KeyError, TypeError, ValueError) as error:
            raise PortError("the Ethereum node does not tell a balance") from error

    def transaction_url(self, tx_hash: str) -> str:
        """Where people can look a transaction up."""
        return f"https://etherscan.io/tx/{tx_hash}"

    def _hot(self) -> str:
        found: str = self._signer.ask("public")[self.network]["hot"]
        return found

    def _nonces(self, hot: str) -> dict[str, int]:
        account = Web3.to_checksum_address(hot)
        return {
            "chain_nonce": self._ask(self._eth.get_transaction_count, account, "pending"),
            "landed_nonce": self._ask(self._eth.get_transaction_count, account, "latest"),
        }

    def _fees(self, gas: int) -> dict[str, int]:
        """Fees that last for about six full blocks: the base fee may rise by an eighth each."""
        base = self._ask(self._eth.get_block, "latest").get("baseFeePerGas", 0)
        return {"gas": gas, "max_fee": base * 2 + self._priority_fee, "priority_fee": self._priority_fee}

    def _gas(self, sender: str, asset: str, to: str, units: int) -> int:
        """What the transfer uses, with a reserve; a node that foresees a failure says PortError before any signature."""
        call: Any = {"from": Web3.to_checksum_address(sender), **self._payment(asset, to, units)}
        used = self._ask(self._eth.estimate_gas, call)
        return used if used == _PLAIN_GAS else used * 13 // 10

    def _payment(self, asset: str, to: str, units: int) -> dict[str, Any]:
        receiver = Web3.to_checksum_address(to)
        if asset == "ETH":
            return {"to": receiver, "value": units * WEI_IN_UNIT}
        return {"to": self._contracts[asset], "data": _TRANSFER + receiver[2:].lower().rjust(64, "0") + f"{units:064x}"}

    def _token_balance(self, asset: str, account: str) -> int:
        call: Any = {"to": self._contracts[asset], "data": _BALANCE_OF + account[2:].lower().rjust(64, "0")}
        return int.from_bytes(bytes(self._ask(self._eth.call, call)), "big")

    def _ask(self, question: Callable[..., Any], *what: Any, **more: Any) -> Any:
        try:
            return question(*what, **more)
        except (TransactionNotFound, BlockNotFound) as error:
            raise _NotFound("the node does not know it") from error
        except Web3RPCError as error:
            raise PortError(f"the Ethereum node refused: {error.message}"[:200]) from error
        except ContractLogicError as error:
            raise PortError(f"the transfer would fail: {error}"[:200]) from error
        except Web3Exception as error:
            raise PortError(f"Ethereum: {type(error).__name__}") from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise PortError(f"the Ethereum node cannot be reached: {type(error).__name__}") from error


class _NotFound(PortError):
    """The node has no such thing."""


def _hex(value: Any) -> str:
    return "0x" + bytes(value).hex()
