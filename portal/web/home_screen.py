"""The portal on a phone's home screen: the web app manifest, and the icon that browsers ask for by habit."""

from flask import Response, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.api.rendering import dumps
from portal.http import portal
from portal.web import blueprint

_AN_HOUR = "public, max-age=3600"
_PAPER = "#faf9f6"


@blueprint.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """Name, colours and icons, as W3C's Web Application Manifest has them; it opens at the wallet."""
    icons = [
        ("icon-192.png", "192x192", "any"),
        ("icon-512.png", "512x512", "any"),
        ("icon-512.png", "512x512", "maskable"),
    ]
    content = {
        "name": portal().settings.brand_name,
        "short_name": portal().settings.brand_name,
        "id": "/",
        "start_url": "/wallet",
        "scope": "/",
        "display": "minimal-ui",
        "lang": "zh-Hant-TW",
        "background_color": _PAPER,
        "theme_color": _PAPER,
        "icons": [
            {"src": url_for("static", filename=f"art/{name}"), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in icons
        ],
    }
    return Response(dumps(content), mimetype="application/manifest+json", headers={"Cache-Control": _AN_HOUR})


@blueprint.get("/favicon.ico")
def favicon() -> ResponseReturnValue:
    """For whoever asks without having read a page."""
    answer = redirect(url_for("static", filename="art/icon-192.png"), 302)
    answer.headers["Cache-Control"] = _AN_HOUR
    return answer
