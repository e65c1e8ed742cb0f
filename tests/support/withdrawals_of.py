"""Withdrawals of a customer for tests: asked for, confirmed by the mail's code."""

from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from portal.models.wallet import Withdrawal
from portal.money import parse_units
from portal.services import withdrawals
from portal.services.withdrawals import Request
from tests.support import people
from tests.support.outside import code_for, run_worker

ADDRESS = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


def requested(app: Flask, person: people.Person, amount: str, address: str = ADDRESS, **also: Any) -> Withdrawal:
    """A withdrawal of USDT over TRON that waits for its code."""
    portal = app.extensions["portal"]
    wanted = Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", kind="crypto", asset="USDT", network="TRON",
        amount_units=parse_units(amount, "USDT"), address=address, **also,
    )  # fmt: skip
    made: Withdrawal = portal.db.transact(withdrawals.request, wanted)
    return made


def confirmed(app: Flask, person: people.Person, made: Withdrawal) -> Withdrawal:
    """Confirms it with the code of its mail."""
    portal = app.extensions["portal"]
    with app.app_context():
        run_worker(portal)
        code = code_for(portal, person.email)

        def confirm(session: Session) -> Withdrawal:
            found = session.get_one(Withdrawal, made.id)
            return withdrawals.confirm(session, found, code, f"customer:{person.id}")

        answer: Withdrawal = portal.db.transact(confirm)
        return answer
