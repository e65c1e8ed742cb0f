"""A company's colour made into tokens that stay readable.

A company chooses one colour. The pages need five of it, in light and in dark, each with enough contrast (WCAG 2.2 AA)
whatever was chosen: a pale yellow is darkened until white text on it can be read, a navy is lightened for the dark pages.
"""

from __future__ import annotations

import colorsys
import re
from functools import lru_cache

from markupsafe import Markup

DEFAULT_COLOUR = "#0b6b57"
_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")
_LIGHT_CARD, _DARK_CARD = "#faf9f6", "#161e1c"

Rgb = tuple[int, int, int]


def is_colour(text: str | None) -> bool:
    """True for `#rrggbb`, the only form a company's colour may have (it is written into a style sheet)."""
    return bool(text and _HEX.match(text))


def contrast(first: str, second: str) -> float:
    """The WCAG contrast ratio of two `#rrggbb` colours, 1 to 21."""
    high, low = sorted((_luminance(_rgb(first)), _luminance(_rgb(second))), reverse=True)
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=64)
def tokens(colour: str | None) -> Markup:
    """The style rules that set --jade and its relatives for a company's colour; empty for the default colour or a bad one."""
    if colour is None or not is_colour(colour) or colour.lower() == DEFAULT_COLOUR:
        return Markup("")
    light, dark = _rules(_light_palette(colour)), _rules(_dark_palette(colour))
    return Markup(
        f":root{{{light}}}"
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}'
        f':root[data-theme="dark"]{{{dark}}}'
    )


@lru_cache(maxsize=64)
def palettes(colour: str | None) -> dict[str, dict[str, str]]:
    """The tokens of a company's colour by scheme (`light`, `dark`), for mails, which know no custom properties."""
    known = colour if colour is not None and is_colour(colour) else DEFAULT_COLOUR
    return {"light": _light_palette(known), "dark": _dark_palette(known)}


def _light_palette(colour: str) -> dict[str, str]:
    main = _shift_until(colour, _LIGHT_CARD, 5.6, step=-0.01)
    return {
        "jade": main,
        "jade-strong": _mix(main, "#000000", 0.22),
        "jade-ink": "#ffffff",
        "jade-wash": _mix(main, "#ffffff", 0.90),
        "jade-line": _mix(main, "#ffffff", 0.70),
    }


def _dark_palette(colour: str) -> dict[str, str]:
    main = _shift_until(colour, _DARK_CARD, 7.0, step=0.01)
    return {
        "jade": main,
        "jade-strong": _mix(main, "#ffffff", 0.25),
        "jade-ink": _mix(main, "#000000", 0.86),
        "jade-wash": _mix(main, _DARK_CARD, 0.86),
        "jade-line": _mix(main, _DARK_CARD, 0.66),
    }


def _rules(palette: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in palette.items())


def _shift_until(colour: str, ground: str, ratio: float, step: float) -> str:
    """Move the lightness of a colour step by step until it has the wanted contrast with its ground."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in _rgb(colour)))
    shade = colour.lower()
    end = 1.0 if step > 0 else 0.0
    while contrast(shade, ground) < ratio and lightness != end:
        lightness = min(1.0, max(0.0, lightness + step))
        shade = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return shade


def _mix(first: str, second: str, share_of_second: float) -> str:
    pairs = zip(_rgb(first), _rgb(second), strict=True)
    return _hex(tuple((a + (b - a) * share_of_second) / 255 for a, b in pairs))


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(parts: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
