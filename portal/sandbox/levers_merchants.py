"""The lever that plays the staff who look at a store's bank account."""

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.http import portal
from portal.sandbox import levers
from portal.sandbox.levers_world import body, text
from portal.services import store_bank_accounts, stores

DECISIONS = ("approve", "reject")


@levers.post("/stores/bank-accounts")
def store_bank_account_decisions() -> ResponseReturnValue:
    """Approves or rejects the account that waits: `{store, decision, reason?}`; `store` is the store's id."""
    values = body()
    decision = text(values, "decision")
    if decision not in DECISIONS:
        raise Refusal("input_invalid", field="decision")
    reason = text(values, "reason") if values.get("reason") is not None else "Please enter the account again."
    return portal().db.transact(_decide, text(values, "store"), decision == "approve", reason)


def _decide(session: Session, store: str, approve: bool, reason: str) -> ResponseReturnValue:
    found = store_bank_accounts.decide(session, stores.find(session, store), approve, "system", reason)
    return {"store": store, "status": found.status, "account_tail": found.account_tail}
