"""Settings of a running portal, read from the environment once at the start."""

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SANDBOX = "sandbox"
PRODUCTION = "production"


class SettingsError(RuntimeError):
    """The environment does not describe a portal that may start; the text names what is missing or weak."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is configured from outside. Business limits live in the database, not here."""

    environment: str
    secret_key: str
    password_pepper: bytes
    encryption_keys: tuple[bytes, ...]
    database_url: str
    instance: Path
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    rate_limits: bool = True
    rate_limit_storage: str = "memory://"
    trusted_proxies: int = 0
    default_company: str = "tungkai"
    brand_name: str = "Taroko"
    operator_name: str = ""
    support_email: str = ""
    support_phone: str = ""
    web_processes: int = 1
    web_threads: int = 8
    deposit_xpub_ethereum: str = ""
    deposit_xpub_tron: str = ""
    adapters: Mapping[str, str] = field(default_factory=dict)

    @property
    def sandbox(self) -> bool:
        """Whether the sandbox twins stand behind the ports."""
        return self.environment == SANDBOX

    @property
    def sqlite(self) -> bool:
        """Whether the embedded database serves."""
        return self.database_url.startswith("sqlite")

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Reads the environment. Raises SettingsError when production lacks a secret or has a weak one."""
        env = os.environ if env is None else env
        environment = env.get("PORTAL_ENV", SANDBOX)
        if environment not in (SANDBOX, PRODUCTION):
            raise SettingsError(f"PORTAL_ENV is {environment!r}; it must be sandbox or production")
        instance = Path(env.get("PORTAL_INSTANCE") or ROOT / "instance").resolve()
        host = env.get("HOST", "127.0.0.1")
        port = _whole_number(env, "PORT", 8000)
        secrets = _sandbox_secrets(instance) if environment == SANDBOX else {}
        merged = {**secrets, **{key: value for key, value in env.items() if value}}
        if environment == SANDBOX:
            merged.setdefault("DATABASE_URL", f"sqlite:///{instance / 'portal.db'}")
            merged.setdefault("PUBLIC_URL", f"http://{host}:{port}")
            merged.setdefault("OPERATOR_NAME", "太魯閣數位資產股份有限公司")
            merged.setdefault("SUPPORT_EMAIL", "support@taroko.example")
            merged.setdefault("SUPPORT_PHONE", "02-5550-0100")
        _check_secrets(merged, environment)
        database_url = merged["DATABASE_URL"]
        for plain in ("postgresql://", "postgres://"):
            if database_url.startswith(plain):
                database_url = "postgresql+psycopg://" + database_url[len(plain) :]
        return cls(
            environment=environment,
            secret_key=merged["SECRET_KEY"],
            password_pepper=merged["PASSWORD_PEPPER"].encode(),
            encryption_keys=tuple(_key(text) for text in merged["ENCRYPTION_KEYS"].split(",")),
            database_url=database_url,
            instance=instance,
            host=host,
            port=port,
            public_url=merged["PUBLIC_URL"].rstrip("/"),
            rate_limits=not (environment == SANDBOX and env.get("PORTAL_RATE_LIMITS") == "off"),
            rate_limit_storage=env.get("REDIS_URL") or "memory://",
            trusted_proxies=_whole_number(env, "TRUSTED_PROXIES", 0),
            default_company=env.get("DEFAULT_COMPANY", "tungkai"),
            brand_name=merged.get("BRAND_NAME", "Taroko"),
            operator_name=merged.get("OPERATOR_NAME", ""),
            support_email=merged.get("SUPPORT_EMAIL", ""),
            support_phone=merged.get("SUPPORT_PHONE", ""),
            web_processes=_whole_number(env, "WEB_PROCESSES", 1 if database_url.startswith("sqlite") else 4),
            web_threads=_whole_number(env, "WEB_THREADS", 8),
            deposit_xpub_ethereum=merged.get("DEPOSIT_XPUB_ETHEREUM", ""),
            deposit_xpub_tron=merged.get("DEPOSIT_XPUB_TRON", ""),
            adapters={key: value for key, value in merged.items() if key.startswith(ADAPTER_PREFIXES)},
        )


#: Settings of single adapters keep their environment names; bootstrap hands them to the adapter they belong to.
ADAPTER_PREFIXES = (
    "SMTP_", "SMS_", "MAIL_", "S3_", "TRON_", "ETHEREUM_", "RATES_", "BANK_", "CARD_NETWORK_", "SIGNER_", "FILES_", "CHAIN_", "TRAVEL_RULE_",
)  # fmt: skip


def _whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise SettingsError("ENCRYPTION_KEYS must be 32 random bytes each, base64, newest first, separated by commas")
    return key


def _check_secrets(env: Mapping[str, str], environment: str) -> None:
    problems = []
    for name, at_least in (("SECRET_KEY", 32), ("PASSWORD_PEPPER", 32), ("ENCRYPTION_KEYS", 43), ("DATABASE_URL", 1)):
        value = env.get(name, "")
        if not value:
            problems.append(f"{name} is missing")
        elif len(value) < at_least or (at_least > 1 and len(set(value)) < 12):
            problems.append(f"{name} is too weak")
    if environment == PRODUCTION:
        if not env.get("PUBLIC_URL"):
            problems.append("PUBLIC_URL is missing")
        if env.get("DATABASE_URL", "").startswith("sqlite"):
            problems.append("DATABASE_URL must name a PostgreSQL database")
    if problems:
        raise SettingsError("The portal cannot start: " + "; ".join(problems) + ".")


def _sandbox_secrets(instance: Path) -> dict[str, str]:
    """Secrets of a sandbox instance: random, made at its first start, kept in its own folder."""
    path = instance / "sandbox.secrets"
    if not path.exists():
        instance.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={base64.urlsafe_b64encode(os.urandom(32)).decode()}" for name in _SANDBOX_SECRET_NAMES]
        draft = path.with_name(f"sandbox.secrets.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text("\n".join(lines) + "\n", encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process of the instance was first; its secrets stand
        draft.unlink()
    pairs = (line.split("=", 1) for line in path.read_text(encoding="ascii").splitlines() if line)
    return {name: value for name, value in pairs}


_SANDBOX_SECRET_NAMES = ("SECRET_KEY", "PASSWORD_PEPPER", "ENCRYPTION_KEYS")


def derived_key(settings: Settings, purpose: str) -> bytes:
    """32 bytes for one purpose, derived from the secret key; stable for the life of that key."""
    return hashlib.blake2b(purpose.encode(), key=settings.secret_key.encode()[:64], digest_size=32).digest()
