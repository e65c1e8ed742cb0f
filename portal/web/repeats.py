"""Forms that move money: sent twice, they act once and get the first answer again."""

from collections.abc import Callable
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from portal.http import portal
from portal.services import idempotency
from portal.web.access import customer_id

#: Fields that differ between two sendings of one form without changing what is asked for.
_ASIDE = {"csrf_token", "idempotency_key", "totp", "code", "pin", "approver_pin"}


def once(name: str, service: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """Runs `service(session, *args)` in one transaction, once per hidden key of the form; its answer is JSON-able."""
    key = request.form.get("idempotency_key") or None
    said = sorted((field, value) for field, value in request.form.items(multi=True) if field not in _ASIDE)
    digest = idempotency.fingerprint(name, *(part for pair in said for part in pair))

    def work(session: Session) -> dict[str, Any]:
        answer, _ = idempotency.once(
            session, f"web:{customer_id()}:{name}", key, digest, lambda: service(session, *args)
        )
        return answer

    return portal().db.transact(work)
