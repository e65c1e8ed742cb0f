"""Codes asked for before signing in, and tidying up after sign-ins."""

from typing import Any

from portal.bootstrap import Portal
from portal.services import captchas, code_requests, failures, passkeys, sign_in
from portal.worker.duties import duty, handles


@handles("code_request")
def grant_code(portal: Portal, payload: dict[str, Any], job_id: int) -> None:
    """Sends the code that was asked for, where it may be sent."""
    portal.db.transact(code_requests.grant, payload)


@duty("tidy-identity", every_seconds=600)
def tidy(portal: Portal) -> int:
    """Forgets captchas, passkey challenges, counters and sessions past their life."""
    for forget in (captchas.forget_old, passkeys.forget_old, failures.forget_old, sign_in.forget_old):
        portal.db.transact(forget)
    return 0
