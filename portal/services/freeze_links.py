"""The link in a mail that freezes an account at once: for whoever reads of a withdrawal that is not theirs.

The token names the customer and is sealed; it serves as often as it is opened, for freezing twice does no harm. Opening
it only shows a page; its POST freezes (freezing.py).
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.vault import VaultError

LIFE = timedelta(days=7)
_PURPOSE = "freeze link"
_CONTENT = re.compile(r"([0-9]+)\.([0-9]+)", re.ASCII)

declare(
    {
        "freeze_link_invalid": N_(
            "This link is not valid any more. Please contact us, or sign in and change your password."
        )
    }
)


def token(session: Session, customer_id: int) -> str:
    """A token for the path `/freeze/<token>`, good for LIFE."""
    until = int((now(session) + LIFE).timestamp())
    sealed = context(session).vault.seal_text(f"{customer_id}.{until}", _PURPOSE)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def link(session: Session, customer_id: int) -> str:
    """The whole address for a mail, under the configured public one."""
    return f"{context(session).settings.public_url}/freeze/{token(session, customer_id)}"


def customer_of(session: Session, text: str) -> Customer:
    """Whose account a token freezes. Raises Refusal `freeze_link_invalid`."""
    try:
        sealed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        content = _CONTENT.fullmatch(context(session).vault.open_text(sealed, _PURPOSE))
    except (VaultError, UnicodeError, binascii.Error, ValueError):
        content = None
    if content is None or datetime.fromtimestamp(int(content[2]), UTC) <= now(session):
        raise Refusal("freeze_link_invalid")
    found = session.get(Customer, int(content[1]))
    if found is None:
        raise Refusal("freeze_link_invalid")
    return found
