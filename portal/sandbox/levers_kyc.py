"""The lever that plays the KYC reviewer: what staff would decide."""

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.sandbox import levers
from portal.sandbox.levers_world import body, text, whole
from portal.services import accounts, kyc

DECISIONS = (kyc.APPROVE, kyc.REJECT)
REVIEWER = "system"


@levers.post("/kyc/decisions")
def kyc_decisions() -> ResponseReturnValue:
    """Approves or rejects what a customer handed in for a level; what is approved already stays so.

    `documents` may name the rejected kinds with their reasons, such as `{"1": "blurred"}`; without it all are.
    """
    values = body()
    login, decision = text(values, "login"), text(values, "decision")
    level = whole(values, "level", least=1, most=3)
    reason = text(values, "reason") if values.get("reason") is not None else "Please send this again."
    if decision not in DECISIONS:
        raise Refusal("input_invalid", field="decision")
    return portal().db.transact(_decide, login, level, decision, reason, _kinds(values.get("documents")))


def _kinds(given: object) -> dict[int, str]:
    if given is None:
        return {}
    known = {str(kind) for kind in kyc.LEVEL_OF_KIND}
    if not isinstance(given, dict) or not all(key in known and isinstance(why, str) for key, why in given.items()):
        raise Refusal("input_invalid", field="documents")
    return {int(key): why for key, why in given.items()}


def _decide(
    session: Session, login: str, level: int, decision: str, reason: str, documents: dict[int, str]
) -> ResponseReturnValue:
    person = accounts.by_login_name(session, login)
    if person is None:
        raise Refusal("not_found", field="login")
    stand = kyc.standing(session, person.id)
    if not (decision == kyc.APPROVE and stand.levels[level] == kyc.VERIFIED):
        kyc.decide(session, person.id, level, decision, actor=REVIEWER, reason=reason, documents=documents)
        stand = kyc.standing(session, person.id)
    return {"login": login, "level": level, "status": stand.levels[level], "kyc_level": stand.level}
