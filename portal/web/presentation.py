"""How values look on a page: Jinja filters and globals. Pure functions, no database.

Money comes in as integers of an asset's ledger units and leaves as grouped text in Taiwan's habits (`NT$ 1,234`,
`100.00 USDT`); time comes in as an aware datetime or UNIX milliseconds and leaves in Asia/Taipei.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, has_request_context, request
from flask_babel import get_locale, ngettext
from markupsafe import Markup

from portal import money
from portal.http import portal
from portal.web import brand, figures, statuses

TAIPEI = ZoneInfo("Asia/Taipei")
MINUS = "\u2212"
NBSP = "\u00a0"

#: Decimals shown at least and at most. What lies between is shown only when it is not zero: nothing is hidden by rounding.
DISPLAY_PLACES: dict[str, tuple[int, int]] = {
    "TWD": (2, 4), "USD": (2, 6), "USDT": (2, 6), "ETH": (4, 9), "BTC": (4, 8), "TWIP": (2, 6), "TWIG": (2, 6),
}  # fmt: skip
#: Assets that are counted like coins: whole amounts are shown without decimals.
WHOLE_WHEN_WHOLE = frozenset({"TWD", "TWIP", "TWIG"})
SYMBOLS = {"TWD": "NT$", "USD": "US$"}


@dataclass(frozen=True, slots=True)
class AmountParts:
    """An amount in pieces: sign ("+", "−" or ""), grouped whole digits, fraction with its dot, symbol before, unit after."""

    sign: str
    whole: str
    fraction: str
    symbol: str
    unit: str

    @property
    def digits(self) -> str:
        return f"{self.whole}{self.fraction}"

    def __str__(self) -> str:
        before = f"{self.symbol}{NBSP}" if self.symbol else ""
        after = f"{NBSP}{self.unit}" if self.unit else ""
        return f"{self.sign}{before}{self.digits}{after}"


def amount_parts(units: int, asset: str, sign: bool = False, fixed: bool = False, code: bool = False) -> AmountParts:
    """Split `units` of an asset for display. `fixed` keeps the least decimals even when whole (columns); `code` writes TWD for NT$."""
    value = money.to_decimal(units, asset)
    whole, fraction = _grouped(abs(value), *DISPLAY_PLACES.get(asset, (2, 8)))
    if asset in WHOLE_WHEN_WHOLE and not fixed and not code and not fraction.strip(".0"):
        fraction = ""
    shown_sign = MINUS if units < 0 else "+" if sign and units > 0 else ""
    symbol = "" if code else SYMBOLS.get(asset, "")
    return AmountParts(shown_sign, whole, fraction, symbol, "" if symbol else asset)


def money_text(units: int, asset: str, sign: bool = False, fixed: bool = False, code: bool = False) -> str:
    """`NT$ 1,234`, `−NT$ 1,234.50`, `+100.00 USDT`; the blanks do not break. See `amount_parts`."""
    return str(amount_parts(units, asset, sign, fixed, code))


def cents(units: int) -> int:
    """A worth in TWD to the cent (half up), for estimates that follow the market; booked amounts are shown in full."""
    step = 10 ** (money.scale_of("TWD") - 2)
    return (units + step // 2) // step * step


def amount_input(units: int, asset: str) -> str:
    """The amount as plain text for a form field: no grouping, no superfluous zeros (`96786`, `0.5`)."""
    text = format(money.to_decimal(units, asset), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(value: Decimal | str | int, places: int | None = None) -> str:
    """A price with grouped digits: two to eight decimals as they are, or exactly `places` of them (rounded half up)."""
    number = Decimal(value)
    if places is not None:
        number = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        least = most = places
    else:
        least, most = 2, 8
    whole, fraction = _grouped(abs(number), least, most)
    return f"{MINUS if number < 0 else ''}{whole}{fraction}"


def market_price(value: Decimal | str) -> str:
    """A market's price to look at: to the cent from a thousand on. What one is bound to is shown in full by `price`."""
    return price(value, 2 if Decimal(value) >= 1000 else None)


def percent(ratio: Decimal | str | int, sign: bool = False, places: int = 2) -> str:
    """A ratio as percent: Decimal("0.0046") is `0.46%`. Rounded half up; `sign` writes + before a rise."""
    number = (Decimal(ratio) * 100).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    whole, fraction = _grouped(abs(number), places, places)
    mark = MINUS if number < 0 else "+" if sign and number > 0 else ""
    return f"{mark}{whole}{fraction}%"


def _grouped(value: Decimal, least: int, most: int) -> tuple[str, str]:
    """Grouped whole digits and the fraction with its dot, cut at `most` places, filled to `least`."""
    whole, _, fraction = format(value, "f").partition(".")
    fraction = fraction[:most].rstrip("0").ljust(least, "0")
    return f"{int(whole):,}", f".{fraction}" if fraction else ""


def moment(value: datetime | int | str) -> datetime:
    """An aware datetime in Taipei out of a datetime (naive means UTC), UNIX milliseconds or ISO 8601 text."""
    if isinstance(value, int):
        value = datetime.fromtimestamp(value / 1000, UTC)
    elif isinstance(value, str):
        value = datetime.fromisoformat(value)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(TAIPEI)


def time_text(value: datetime | int | str, style: str = "short", this_year: int | None = None) -> str:
    """Taipei time as text: short `11/20 15:42` (with the year when it is another), long, date, clock or month."""
    local = moment(value)
    if style == "long":
        return f"{local:%Y/%m/%d %H:%M:%S}"
    if style == "date":
        return f"{local:%Y/%m/%d}"
    if style == "clock":
        return f"{local:%H:%M}"
    if style == "month":
        return f"{local:%Y/%m}"
    year = this_year if this_year is not None else _today().year
    return f"{local:%m/%d %H:%M}" if local.year == year else f"{local:%Y/%m/%d %H:%M}"


def _today() -> datetime:
    """Now in Taipei by the portal's clock, which the sandbox moves; by the machine's outside of a request."""
    return portal().clock.now().astimezone(TAIPEI) if has_request_context() else datetime.now(TAIPEI)


def local_time(value: datetime | date | int | str | None, style: str = "short") -> Markup:
    """A <time> element in Taipei time; an em dash for nothing. A plain date is written as it is."""
    if value is None or value == "":
        return Markup("—")
    if isinstance(value, date) and not isinstance(value, datetime):
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), f"{value:%Y/%m/%d}")
    local = moment(value)
    machine = local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        machine, time_text(local, "long"), time_text(local, style)
    )


def duration(seconds: int) -> str:
    """A length of time in its largest fitting unit, translated: `45 seconds`, `5 minutes`, `3 hours`, `2 days`."""
    seconds = max(0, int(seconds))
    if seconds < 90:
        return ngettext("%(num)d second", "%(num)d seconds", seconds)
    if seconds < 90 * 60:
        return ngettext("%(num)d minute", "%(num)d minutes", round(seconds / 60))
    if seconds < 36 * 3600:
        return ngettext("%(num)d hour", "%(num)d hours", round(seconds / 3600))
    return ngettext("%(num)d day", "%(num)d days", round(seconds / 86400))


def mask_account(number: str | None) -> str:
    """Only the last four of a bank account or card: `****4556`."""
    text = (number or "").strip()
    return f"****{text[-4:]}" if text else ""


def mask_email(address: str | None) -> str:
    """`wi***@example.com`: enough to recognise one's own address, too little to learn another's."""
    name, at, domain = (address or "").partition("@")
    return f"{name[:2] if len(name) > 3 else name[:1]}***{at}{domain}" if at else ""


def mask_phone(number: str | None) -> str:
    """`+886 912 ***678` or `0912***678`: the head and the last three digits."""
    digits = "".join(ch for ch in (number or "") if ch.isdigit())
    if len(digits) < 7:
        return "***" if digits else ""
    if digits.startswith("886"):
        digits = "0" + digits[3:]
    return f"{digits[:4]}***{digits[-3:]}"


def address_short(address: str | None) -> str:
    """A long chain address or hash by its ends: `TR2A…Dfg4` (`0x1f2e…9a0b`)."""
    text = address or ""
    head = 6 if text.startswith("0x") else 4
    return text if len(text) <= head + 6 else f"{text[:head]}…{text[-4:]}"


def groups(text: str, size: int = 4) -> list[str]:
    """Text in groups of `size` for people who compare by eye; the last `size` signs stay together, as in `address_short`."""
    head, tail = text[:-size], text[-size:]
    return [*(head[i : i + size] for i in range(0, len(head), size)), tail]


def file_size(octets: int) -> str:
    """`812 B`, `34 KB`, `1.8 MB` (thousands, one decimal from MB on)."""
    if octets < 1000:
        return f"{octets} B"
    if octets < 1_000_000:
        return f"{octets // 1000} KB"
    tenths = octets // 100_000
    return f"{tenths // 10}.{tenths % 10} MB"


def field_state(source: Any, **given: Any) -> SimpleNamespace:
    """One view of a form field for the macros: a WTForms field, or a plain name with value and error given by the page."""
    plain = isinstance(source, str)
    flags = None if plain else getattr(source, "flags", None)
    errors = () if plain else (getattr(source, "errors", None) or ())
    own_error = given.get("error")
    error = own_error if own_error is not None else next((e for e in errors if e), None)
    if isinstance(error, (list, tuple)):
        error = error[0] if error else None
    name = source if plain else source.name
    value = given.get("value")
    if value is None and not plain:
        value = source._value() if hasattr(source, "_value") else source.data
    element_id = given.get("id") or (name if plain else source.id)
    described = [f"{element_id}-{part}" for part, there in (("hint", given.get("hint")), ("error", error)) if there]
    return SimpleNamespace(
        name=name,
        id=element_id,
        value="" if value is None else value,
        error=error,
        label=given.get("label") or (name if plain else source.label.text),
        required=bool(getattr(flags, "required", plain) if given.get("required") is None else given["required"]),
        choices=_choices(source, given.get("choices")),
        described_by=" ".join(described),
    )


def _choices(source: Any, given: Any) -> list[tuple[str, Any]]:
    """(value, label) pairs; a label may be a mapping for the richer radio cards."""
    if given is not None:
        pairs = given.items() if isinstance(given, Mapping) else given
        return [
            pair if isinstance(pair, tuple) else (pair["value"], pair) if isinstance(pair, Mapping) else (pair, pair)
            for pair in pairs
        ]
    if isinstance(source, str) or not hasattr(source, "iter_choices"):
        return []
    return [(str(choice[0]), choice[1]) for choice in source.iter_choices()]


def error_list(errors: Any) -> list[tuple[str, str]]:
    """(field id, message) pairs for an error summary, out of a WTForms form, a mapping of messages, or pairs."""
    if not errors:
        return []
    found = getattr(errors, "errors", errors)
    pairs = found.items() if isinstance(found, Mapping) else found
    return [
        (str(name or ""), message[0] if isinstance(message, (list, tuple)) else message)
        for name, message in pairs
        if message
    ]


def appearance() -> dict[str, str]:
    """The visitor's theme and price colours from their cookies; unknown values are as if absent."""
    cookies: Mapping[str, str] = request.cookies if has_request_context() else {}
    theme, colours = cookies.get("theme"), cookies.get("price_colours")
    return {
        "theme": theme if theme in ("light", "dark") else "",
        "price_colours": colours if colours == "western" else "",
    }


def page_language() -> str:
    """The page's language as HTML writes it: `zh-Hant-TW` or `en`."""
    locale = get_locale()
    return str(locale).replace("_", "-") if locale else "zh-Hant-TW"


def live(url: str, every: int = 3) -> Markup:
    """Attributes that make an element poll its own replacement from `url`; a 304 changes nothing, leaving them out stops it."""
    return Markup('hx-get="{}" hx-trigger="every {}s" hx-swap="morph:outerHTML" data-live').format(url, int(every))


def static_version(folder: Path) -> str:
    """A short mark of all static files' contents: browsers may keep them for long and still get a new one at once."""
    mark = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            mark.update(path.read_bytes())
    return mark.hexdigest()[:10]


def register(app: Flask) -> None:
    """Add the filters and globals of the pages to the app's templates."""
    version = static_version(Path(app.static_folder or "static"))
    sprite = f"{app.static_url_path}/icons.svg?v={version}"

    @app.url_defaults
    def versioned(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("v", version)

    def icon(name: str, label: str | None = None, css_class: str = "icon") -> Markup:
        return figures.icon_markup(sprite, name, label, css_class)

    app.jinja_env.filters.update(
        decimal=Decimal, money=money_text, amount_parts=amount_parts, cents=cents, amount_input=amount_input, price=price, market_price=market_price, percent=percent,
        local_time=local_time, time_text=time_text, duration=duration, mask_account=mask_account, mask_email=mask_email,
        mask_phone=mask_phone, address_short=address_short, groups=groups, file_size=file_size, qr_svg=figures.qr_svg,
        status_label=statuses.label, status_tone=statuses.tone,
    )  # fmt: skip
    app.jinja_env.globals.update(
        icon=icon, live=live, field_state=field_state, error_list=error_list, appearance=appearance,
        page_language=page_language, brand_tokens=brand.tokens, brand_palettes=brand.palettes, sparkline=figures.sparkline, chart_svg=figures.chart_svg,
        status_shape=figures.status_shape,
    )  # fmt: skip
