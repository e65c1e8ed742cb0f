"""What a customer looks up: help, fees and limits, terms of service, privacy."""

from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy.orm import Session

from portal.http import portal
from portal.services import quotes, withdrawal_desk, withdrawal_rules
from portal.web import access, blueprint, help_texts, rendering
from portal.web.kyc_levels import levels_table


def _sheet(name: str) -> ResponseReturnValue:
    locale = "en" if str(get_locale()) == "en" else "zh_Hant_TW"
    settings = portal().settings
    contact = [link for link in (settings.support_email, settings.support_phone) if link]
    return rendering.page("help/sheet.html", name=name, sheet=help_texts.read(settings, name, locale), contact=contact)


@blueprint.get("/help")
def help_page() -> ResponseReturnValue:
    """Questions and answers, and how to reach the support."""
    return _sheet("help")


@blueprint.get("/terms")
def terms() -> ResponseReturnValue:
    """The terms of service."""
    return _sheet("terms")


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    """What personal data is kept, why and how long."""
    return _sheet("privacy")


@blueprint.get("/help/fees")
def fees() -> ResponseReturnValue:
    """What everything costs and how much may be moved, from the rules in force."""
    return rendering.page("help/fees.html", signed_in=access.signed_in() is not None, **portal().db.read(_costs))


def _costs(session: Session) -> dict[str, Any]:
    crypto = withdrawal_rules.CRYPTO
    return {
        "spread": quotes.spread_percent(session, False, None),
        "payouts": [
            *withdrawal_rules.rules(session, withdrawal_rules.FIAT, "TWD", 3),
            *(rule for asset in ("USDT", "ETH") for rule in withdrawal_rules.rules(session, crypto, asset, 3)),
        ],
        "trades": {asset: quotes.limits(session, asset) for asset in ("USDT", "ETH")},
        "network_names": {asset: withdrawal_desk.network_names(asset) for asset in ("USDT", "ETH")},
        "rows": levels_table(session),
    }
