"""The sandbox's signer: a random seed made at an instance's first start. The portal learns its public keys only."""

import os
from pathlib import Path

#: Account-level paths (BIP-44): coin 60 is Ethereum, 195 TRON.
PATHS = {"ETHEREUM": "m/44'/60'/0'", "TRON": "m/44'/195'/0'"}


def public_keys(instance: Path) -> dict[str, str]:
    """The instance's extended public keys by network, from `sandbox.xpubs`; the seed stays in `sandbox.seed`."""
    path = instance / "sandbox.xpubs"
    if not path.exists():
        _make(instance, path)
    pairs = (line.split("=", 1) for line in path.read_text(encoding="ascii").splitlines() if line)
    return {network: key for network, key in pairs}


def _make(instance: Path, path: Path) -> None:
    from bip_utils import Bip32Slip10Secp256k1  # slow to load, and needed once in an instance's life

    instance.mkdir(parents=True, exist_ok=True)
    seed = _seed(instance / "sandbox.seed")
    root = Bip32Slip10Secp256k1.FromSeed(seed)
    lines = [f"{network}={root.DerivePath(way).PublicKey().ToExtended()}" for network, way in PATHS.items()]
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text("\n".join(lines) + "\n", encoding="ascii")
    os.replace(draft, path)


def _seed(path: Path) -> bytes:
    """The seed (32 random bytes, hex) in a file only its owner reads; the first process to come makes it."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(os.urandom(32).hex(), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process of the instance was first; its seed stands
        draft.unlink()
    return bytes.fromhex(path.read_text(encoding="ascii"))
