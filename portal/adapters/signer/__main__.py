"""`python -m portal.adapters.signer create | public | serve`: the signer's own program.

Settings: SIGNER_KEYSTORE, SIGNER_PASSPHRASE_FILE, and to serve SIGNER_SOCKET, SIGNER_JOURNAL, SIGNER_DATABASE_URL,
SIGNER_LIMIT_<NETWORK>_<ASSET> and SIGNER_DAY_LIMIT_<NETWORK>_<ASSET>.
"""

import logging
import os
import sys
from pathlib import Path

from portal.adapters.signer import keystore, server
from portal.adapters.signer.journal import Journal
from portal.adapters.signer.policy import DatabaseApprovals


def main(act: str, settings: "os._Environ[str]") -> int:
    """Does one of the acts; the exit code."""
    try:
        path = Path(settings["SIGNER_KEYSTORE"])
        passphrase = Path(settings["SIGNER_PASSPHRASE_FILE"]).read_text(encoding="utf-8").strip()
        if act == "create":
            _show(keystore.create(path, passphrase))
        elif act == "public":
            _show(keystore.unlock(path, passphrase))
        elif act == "serve":
            approvals = DatabaseApprovals(settings["SIGNER_DATABASE_URL"])
            journal = Journal(Path(settings["SIGNER_JOURNAL"]))
            signer = server.Signer(settings, keystore.unlock(path, passphrase), journal, approvals)
            server.serve(Path(settings["SIGNER_SOCKET"]), signer)
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except KeyError as error:
        print(f"{error.args[0]} is missing", file=sys.stderr)
        return 1
    except (OSError, keystore.KeystoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _show(keys: keystore.Keystore) -> None:
    for network in keystore.COINS:
        print(f"DEPOSIT_XPUB_{network}={keys.deposit_xpub(network)}")
        print(f"# the hot wallet on {network}: {keys.hot(network).address}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "", os.environ))
