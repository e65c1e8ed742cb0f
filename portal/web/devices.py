"""How a browser is known again: a secret of its own in a cookie, kept over signing out."""

import secrets

from flask import g, request

from portal.http import DEVICE_COOKIE


def device_secret() -> str:
    """This browser's secret; a new one for a browser that has none yet (hand it out with `know_device`)."""
    if "device_secret" not in g:
        kept = request.cookies.get(DEVICE_COOKIE, "")
        g.device_secret = kept if len(kept) == 64 and kept.isalnum() else secrets.token_hex(32)
    secret: str = g.device_secret
    return secret
