"""Mail and SMS to people: enqueued with what causes them, rendered and sent by the worker."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.services import jobs


def mail(
    session: Session,
    to: str,
    template: str,
    locale: str,
    facts: dict[str, Any],
    *,
    code: str | None = None,
    expires_at: datetime | None = None,
    unique_key: str | None = None,
) -> None:
    """Queues a mail made from `templates/email/<template>.html` and `.txt`; `facts` are JSON-able.

    A mail with a code passes the code's `expires_at`: after it, it is never delivered. Sealed at rest.
    """
    payload = {"to": to, "template": template, "locale": locale, "facts": facts, "code": code}
    jobs.enqueue(session, "mail", payload, expires_at=expires_at, unique_key=unique_key, secret=True)


def sms(
    session: Session,
    to: str,
    template: str,
    locale: str,
    facts: dict[str, Any],
    *,
    code: str | None = None,
    expires_at: datetime | None = None,
    unique_key: str | None = None,
) -> None:
    """Queues a text message made from `templates/sms/<template>.txt` to an E.164 number. Sealed at rest."""
    payload = {"to": to, "template": template, "locale": locale, "facts": facts, "code": code}
    jobs.enqueue(session, "sms", payload, expires_at=expires_at, unique_key=unique_key, secret=True)
