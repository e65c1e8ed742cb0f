"""Small vector figures drawn on the server: QR codes, sparklines and status shapes.

Everything is plain SVG with attributes only, because the content security policy admits no inline style.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import qrcode
from markupsafe import Markup, escape

QUIET_ZONE = 4  # modules of white around a QR code, ISO/IEC 18004

_SHAPES = {
    "done": '<path d="M1 5.2 4 8.2 9 2.2" fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>',
    "progress": '<circle cx="5" cy="5" r="3.75" fill="none" stroke-width="1.5"/><path d="M5 1.25a3.75 3.75 0 0 1 0 7.5z"/>',
    "wait": '<path d="M5 .6 9.4 5 5 9.4.6 5z"/>',
    "bad": '<path d="M2 2l6 6M8 2l-6 6" fill="none" stroke-width="2" stroke-linecap="round"/>',
    "off": '<path d="M1.5 5h7" fill="none" stroke-width="2" stroke-linecap="round"/>',
}


def qr_svg(text: str, label: str = "QR code") -> Markup:
    """A QR code of `text` as an inline SVG with a fixed view box; dark modules take the colour of `.qr` in the stylesheet."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    size = len(rows) + 2 * QUIET_ZONE
    path = "".join(_runs(row, y + QUIET_ZONE) for y, row in enumerate(rows))
    return Markup('<svg class="qr" viewBox="0 0 {0} {0}" role="img" aria-label="{1}"><path d="{2}"/></svg>').format(
        size, label, Markup(path)
    )


def _runs(row: Sequence[bool], y: int) -> str:
    """The dark runs of one row as path commands, so that a code of 1,000 modules stays a few kilobytes."""
    out, start = [], None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            out.append(f"M{start + QUIET_ZONE} {y}h{x - start}v1h-{x - start}z")
            start = None
    return "".join(out)


def line_path(values: Sequence[Decimal | int], width: int = 100, height: int = 32) -> tuple[str, str]:
    """The path data of a line through `values` and of the area under it, fitted into width × height."""
    if len(values) < 2:
        return "", ""
    low, high = min(values), max(values)
    span = Decimal(high - low) or Decimal(1)
    step = Decimal(width) / (len(values) - 1)
    points = [(step * i, height - 2 - (Decimal(v - low) / span) * (height - 4)) for i, v in enumerate(values)]
    line = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    return line, f"{line}L{width} {height}L0 {height}z"


def sparkline(values: Sequence[Decimal | int], label: str = "") -> Markup:
    """A tiny line of a price's recent path; its tone is rise, fall or flat by first and last value."""
    line, area = line_path(values)
    if not line:
        return Markup("")
    tone = "rise" if values[-1] > values[0] else "fall" if values[-1] < values[0] else "flat"
    name = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(
        '<svg class="spark {}" viewBox="0 0 100 32" preserveAspectRatio="none" {}><path class="area" d="{}"/><path d="{}"/></svg>'
    ).format(tone, name, area, line)


def chart_svg(values: Sequence[Decimal | int]) -> Markup:
    """The picture of a chart before (or without) JavaScript: a line and its area, stretched over its container."""
    line, area = line_path(values, 600, 200)
    if not line:
        return Markup("")
    return Markup(
        '<svg viewBox="0 0 600 200" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="area" d="{}"/><path class="line" d="{}"/></svg>'
    ).format(area, line)


def status_shape(tone: str) -> Markup:
    """The little shape of a badge, so that a tone is never told by colour alone."""
    inner = _SHAPES.get(tone, _SHAPES["off"])
    return Markup(f'<svg class="shape" viewBox="0 0 10 10" aria-hidden="true">{inner}</svg>')


def icon_markup(sprite_url: str, name: str, label: str | None = None, css_class: str = "icon") -> Markup:
    """A lucide icon out of the sprite; decorative unless it has a label."""
    access = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="{}" {}><use href="{}#{}"/></svg>').format(css_class, access, sprite_url, escape(name))
