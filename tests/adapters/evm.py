"""A real EVM node and a real token: anvil, and an ERC-20 of six places compiled with solc, both from npm."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from web3 import Web3

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"

_SOURCE = """
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Dollar is ERC20 {
  constructor() ERC20("Dollar", "USDT") { _mint(msg.sender, 1e15); }
  function decimals() public pure override returns (uint8) { return 6; }
}
"""

_COMPILE = """
const fs = require("fs"), solc = require("solc");
const input = {language: "Solidity", sources: {"Dollar.sol": {content: process.argv[1]}},
  settings: {evmVersion: "cancun", outputSelection: {"*": {"*": ["abi", "evm.bytecode.object"]}}}};
const found = JSON.parse(solc.compile(JSON.stringify(input),
  {import: path => ({contents: fs.readFileSync("node_modules/" + path, "utf8")})}));
for (const error of found.errors || []) if (error.severity === "error") throw new Error(error.formattedMessage);
const made = found.contracts["Dollar.sol"].Dollar;
console.log(JSON.stringify({abi: made.abi, code: made.evm.bytecode.object}));
"""


def program() -> str:
    """Where anvil is: from npm, or installed by hand on machines for which npm has none."""
    found = next(MODULES.glob("@foundry-rs/anvil-*/bin/anvil*"), None) or shutil.which("anvil")
    assert found, "the tests of the Ethereum adapter need anvil: npm ci, or install Foundry"
    return str(found)


@cache
def compiled() -> dict[str, Any]:
    """The token's interface and code, compiled once per process."""
    done = subprocess.run(["node", "-e", _COMPILE, _SOURCE], cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Node:
    """A running chain that mines when it is told to; account 0 is rich and has the token."""

    def __init__(self, url: str, token: dict[str, Any]) -> None:
        self.url = url
        self.web3 = Web3(Web3.HTTPProvider(url))
        self.rich = self.web3.eth.accounts[0]
        made = (
            self.web3.eth.contract(abi=token["abi"], bytecode=token["code"]).constructor().transact({"from": self.rich})
        )
        self.mine()
        address = self.web3.eth.get_transaction_receipt(made)["contractAddress"]
        self.token = self.web3.eth.contract(address=address, abi=token["abi"])

    def rpc(self, method: str, *arguments: Any) -> Any:
        answer = self.web3.provider.make_request(method, list(arguments))
        assert "error" not in answer, answer
        return answer["result"]

    def mine(self, count: int = 1) -> None:
        self.rpc("anvil_mine", hex(count))

    def pay(self, to: str, wei: int) -> str:
        return "0x" + bytes(self.web3.eth.send_transaction({"from": self.rich, "to": to, "value": wei})).hex()

    def pay_token(self, to: str, units: int) -> str:
        return "0x" + bytes(self.token.functions.transfer(to, units).transact({"from": self.rich})).hex()

    def tokens(self, address: str) -> int:
        found: int = self.token.functions.balanceOf(address).call()
        return found

    def waiting(self) -> int:
        return int(self.rpc("txpool_status")["pending"], 16)


@contextmanager
def running(token: dict[str, Any]) -> Iterator[Node]:
    """A fresh chain of one's own; ended with the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program(), "--port", str(port), "--no-mining", "--chain-id", "31337", "--order", "fees"]
    environment = {**os.environ, "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Listening on"):
                    break
            yield Node(f"http://127.0.0.1:{port}", token)
        finally:
            process.terminate()
