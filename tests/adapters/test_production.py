"""A production portal starts with every port configured, and names what is missing when one is not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from portal.adapters import real
from portal.adapters.files import LocalFiles
from portal.adapters.s3 import S3Files
from portal.clock import SystemClock
from portal.config import Settings, SettingsError
from tests.support.portals import SECRETS

COMPLETE = {
    **SECRETS,
    "PORTAL_ENV": "production",
    "DATABASE_URL": "postgresql://portal@db/portal",
    "PUBLIC_URL": "https://portal.example",
    "DEPOSIT_XPUB_ETHEREUM": "xpub…",
    "DEPOSIT_XPUB_TRON": "xpub…",
    "SMTP_HOST": "mail.example",
    "MAIL_FROM": "Portal <portal@portal.example>",
    "SMS_URL": "https://sms.example/messages",
    "SMS_API_KEY": "key",
    "FILES_STORE": "local",
    "BANK_URL": "https://bank.example/api",
    "BANK_API_KEY": "key",
    "BANK_WEBHOOK_SECRET": "a-secret-of-the-bank-that-is-long-enough",
    "CARD_NETWORK_URL": "https://cards.example/api",
    "CARD_NETWORK_API_KEY": "key",
    "RATES_PYTHON": "/srv/portal/.venv-rates/bin/python",
    "ETHEREUM_NODE_URL": "http://127.0.0.1:8545",
    "TRON_NODE_URL": "https://tron.example",
    "SIGNER_SOCKET": "/run/portal-signer/socket",
}


def settings(folder: Path, changes: Mapping[str, str | None]) -> Settings:
    merged = {**COMPLETE, "PORTAL_INSTANCE": str(folder), **changes}
    return Settings.from_environment({name: value for name, value in merged.items() if value is not None})


def test_complete_settings_make_every_port(tmp_path: Path) -> None:
    ports = real.ports(settings(tmp_path, {}), SystemClock())
    assert set(ports.chains) == {"TRON", "ETHEREUM"}
    assert isinstance(ports.files, LocalFiles)


def test_files_go_where_the_settings_say(tmp_path: Path) -> None:
    chosen = {"FILES_STORE": "s3", "S3_BUCKET": "documents", "S3_ENDPOINT_URL": "https://s3.example"}
    assert isinstance(real.ports(settings(tmp_path, chosen), SystemClock()).files, S3Files)


@pytest.mark.parametrize("name", sorted({name for names in real.REQUIRED.values() for name in names}))
def test_a_missing_setting_is_named_with_its_port(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f": {name} is missing"):
        real.ports(settings(tmp_path, {name: None}), SystemClock())


@pytest.mark.parametrize(
    "changes,said",
    [
        ({"FILES_STORE": "s3"}, "S3_BUCKET is missing"),
        ({"FILES_STORE": "tape"}, "FILES_STORE must be local or s3"),
        ({"BANK_URL": "http://bank.example"}, "BANK_URL must be https"),
        ({"ETHEREUM_NODE_URL": "http://node.example"}, "ETHEREUM_NODE_URL must be https"),
        ({"SMS_URL": "ftp://sms.example"}, "SMS_URL must be https"),
        ({"BANK_WEBHOOK_SECRET": "short"}, "BANK_WEBHOOK_SECRET is too weak"),
        ({"DEPOSIT_XPUB_TRON": None}, "DEPOSIT_XPUB_TRON is missing"),
        ({"BANK_API_KEY": None, "SMTP_HOST": None}, "mail: SMTP_HOST is missing; bank: BANK_API_KEY is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, str | None], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        real.ports(settings(tmp_path, changes), SystemClock())
