"""A signer of one's own: the real process on a socket, with a keystore, limits, and a database of withdrawals to read."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.adapters.signer import keystore
from portal.adapters.signer.client import SignerClient
from portal.adapters.signer.keystore import Keystore
from tests.adapters.evm import ROOT

PASSPHRASE = "a passphrase for the tests alone"
LIMITS = {
    "SIGNER_LIMIT_ETHEREUM_ETH": "10", "SIGNER_DAY_LIMIT_ETHEREUM_ETH": "50", "SIGNER_LIMIT_ETHEREUM_USDT": "1000",
    "SIGNER_DAY_LIMIT_ETHEREUM_USDT": "2500", "SIGNER_LIMIT_TRON_USDT": "1000", "SIGNER_DAY_LIMIT_TRON_USDT": "2500",
}  # fmt: skip

_TABLE = """CREATE TABLE withdrawals (reference TEXT PRIMARY KEY, status TEXT, network TEXT, asset TEXT, payout_asset TEXT,
  address TEXT, amount_units INTEGER, fee_units INTEGER, internal_owner_kind TEXT, tx_hash TEXT, details TEXT)"""


@dataclass
class Signing:
    """The running process and what it looks at."""

    folder: Path
    settings: dict[str, str]
    keys: Keystore
    client: SignerClient = field(init=False)
    process: "subprocess.Popen[str] | None" = None

    def __post_init__(self) -> None:
        self.client = SignerClient(self.settings["SIGNER_SOCKET"])

    def approve(self, reference: str, network: str, asset: str, to: str, units: int, status: str = "approved") -> str:
        """Puts a withdrawal into the records, as the portal's approval would; the key of its first signature."""
        row = (reference, status, network, asset, asset, to, units + 7, 7, None, None, None)
        self.sql("INSERT OR REPLACE INTO withdrawals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)
        return f"{reference}:1"

    def sql(self, statement: str, *values: Any) -> None:
        with sqlite3.connect(self.folder / "records.db") as records:
            records.execute(statement, values)
        records.close()

    def start(self) -> None:
        environment = {**self.settings, "PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "portal.adapters.signer", "serve"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True)
        waiting = threading.Event()
        for _ in range(1500):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(self.settings["SIGNER_SOCKET"]) == 0:
                    return
            assert self.process.poll() is None, "the signer ended"
            waiting.wait(0.02)
        raise AssertionError("the signer did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Signing]:
    """A signer with a fresh seed; ended with the block."""
    passphrase = folder / "passphrase"
    passphrase.write_text(PASSPHRASE)
    keys = keystore.create(folder / "keys.json", PASSPHRASE)
    found = Signing(
        folder,
        {
            "SIGNER_KEYSTORE": str(folder / "keys.json"), "SIGNER_PASSPHRASE_FILE": str(passphrase),
            "SIGNER_SOCKET": str(folder / "s"), "SIGNER_JOURNAL": str(folder / "journal.db"),
            "SIGNER_DATABASE_URL": f"sqlite:///{folder / 'records.db'}", **LIMITS, **settings,
        },
        keys,
    )  # fmt: skip
    found.sql(_TABLE)
    found.start()
    try:
        yield found
    finally:
        found.kill()
