"""The Travel Rule (FATF recommendation 16): with a large transfer goes who sends it and whose wallet receives it.

Asked for when a withdrawal of coins is asked for, kept sealed, and told to the provider that keeps the receiving wallet
before anything leaves. A door that has no field for it (the contracts of the two families) is taken at its word and what
nobody declared is kept as undeclared, for the staff to see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, context, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.wallet import Withdrawal
from portal.models.withdrawals import TravelRecord
from portal.money import parse_units, plain_text
from portal.ports import TravelMessage
from portal.services import jobs, parameters, prices, withdrawal_settling
from portal.services.networks import BANK

if TYPE_CHECKING:
    from portal.services.withdrawals import Request

PURPOSE = "travel rule"
JOB = "travel_rule"

OWN, OTHER, UNDECLARED = "own", "other", "undeclared"
KEPT, DUE, TOLD, REFUSED = "kept", "due", "told", "refused"

#: From this much on (plain decimal, TWD). `undeclared_needs_approval`: staff look at what nobody declared, whatever its size.
parameters.declare("withdrawal.travel_rule", {"from_twd": "30000", "undeclared_needs_approval": False})

declare(
    {
        "travel_wallet_missing": N_("An amount of this size needs to say whose wallet it goes to."),
        "travel_name_missing": N_("Enter the name of the person whose wallet it is."),
    }
)

#: Where a door asks for a declaration and does not go on without it.
_ASKS = ("web",)


@dataclass(frozen=True, slots=True)
class Party:
    """Whose wallet receives: `own` or `other` with a name; `provider` is who keeps it, empty for nobody but its owner."""

    wallet: str
    name: str = ""
    provider: str = ""


def party_of(values: Mapping[str, str]) -> Party | None:
    """What a form or a body declares (`wallet`, `beneficiary`, `provider`); None when it declares nothing.

    Raises Refusal `input_invalid` for a word that is none.
    """
    wallet, name, provider = (" ".join(values.get(key, "").split()) for key in ("wallet", "beneficiary", "provider"))
    if not wallet:
        return None
    if wallet not in (OWN, OTHER):
        raise Refusal("input_invalid", field="wallet")
    for field, text in (("beneficiary", name), ("provider", provider)):
        if len(text) > 100 or not text.isprintable():
            raise Refusal("input_invalid", field=field)
    return Party(wallet, name if wallet == OTHER else "", provider)


def applies(session: Session, kind: str, network: str, asset: str, amount_units: int) -> bool:
    """Whether a withdrawal is large enough; coins without a price are."""
    if network == BANK or kind not in ("crypto", "voucher"):
        return False
    try:
        worth = prices.value_in_twd(session, asset, amount_units)
    except Refusal:
        return True
    return worth >= from_units(session)


def from_units(session: Session) -> int:
    """The threshold in TWD units."""
    return parse_units(parameters.get(session, "withdrawal.travel_rule")["from_twd"], "TWD")


def check(session: Session, wanted: "Request", inside: bool) -> bool:
    """Whether a record has to be kept. Raises Refusal `travel_wallet_missing`, `travel_name_missing`."""
    if inside or not applies(session, wanted.kind, wanted.network, wanted.asset, wanted.amount_units):
        return False
    if wanted.party is None and wanted.family in _ASKS:
        raise Refusal("travel_wallet_missing", field="wallet")
    if wanted.party is not None and wanted.party.wallet == OTHER and len(wanted.party.name) < 2:
        raise Refusal("travel_name_missing", field="beneficiary")
    return True


def keep(session: Session, made: Withdrawal, contact: Customer, party: Party | None) -> TravelRecord:
    """Keeps who sends and who receives, sealed. It is due to be told where a provider keeps the wallet and a way exists."""
    vault = context(session).vault
    name = vault.open_text(contact.real_name_sealed, "real name") if contact.real_name_sealed else ""
    wallet = party.wallet if party else UNDECLARED
    beneficiary = name if wallet == OWN else party.name if party else ""
    facts = {
        "originator": {"name": name, "customer": contact.public_id},
        "beneficiary": {"name": beneficiary, "address": made.address},
    }
    told = party is not None and party.provider and context(session).ports.travel_rule is not None
    record = TravelRecord(
        withdrawal_id=made.id,
        wallet=wallet,
        provider=party.provider if party else "",
        party_sealed=vault.seal(orjson.dumps(facts), PURPOSE),
        status=DUE if told else KEPT,
        created_at=now(session),
    )
    session.add(record)
    session.flush()
    return record


def of_withdrawal(session: Session, withdrawal_id: int) -> TravelRecord | None:
    """A withdrawal's record; None for one that needs none."""
    return session.scalar(sa.select(TravelRecord).where(TravelRecord.withdrawal_id == withdrawal_id))


def opened(session: Session, record: TravelRecord) -> dict[str, dict[str, str]]:
    """Originator and beneficiary in the clear: for staff, the regulator and the receiving provider alone."""
    facts: dict[str, dict[str, str]] = orjson.loads(context(session).vault.open(record.party_sealed, PURPOSE))
    return facts


def start(session: Session, withdrawal: Withdrawal, needed: int) -> int:
    """Begins to tell once the owner has confirmed; answers how many approvals the withdrawal needs then."""
    record = of_withdrawal(session, withdrawal.id)
    if record is None:
        return needed
    if record.status == DUE:
        jobs.enqueue(session, JOB, {"record": record.id}, unique_key=f"{JOB}:{record.id}")
    strict = parameters.get(session, "withdrawal.travel_rule")["undeclared_needs_approval"]
    return max(needed, 1) if strict and record.wallet == UNDECLARED else needed


def may_leave() -> sa.ColumnElement[bool]:
    """Withdrawals with nothing left to tell."""
    due = sa.exists().where(TravelRecord.withdrawal_id == Withdrawal.id, TravelRecord.status == DUE)
    return ~due


def message(session: Session, record_id: int) -> TravelMessage | None:
    """What is told of a record; None when there is nothing to tell any more."""
    record = session.get(TravelRecord, record_id)
    if record is None or record.status != DUE:
        return None
    withdrawal = session.get_one(Withdrawal, record.withdrawal_id)
    if withdrawal.status not in ("awaiting_approval", "in_review", "approved"):
        return None
    facts = opened(session, record)
    return TravelMessage(
        key=f"travel-{withdrawal.public_id}", provider=record.provider, originator=facts["originator"],
        beneficiary=facts["beneficiary"], network=withdrawal.network, asset=withdrawal.asset,
        amount=plain_text(withdrawal_settling.payout_units(withdrawal), withdrawal.asset),
    )  # fmt: skip


def told(session: Session, record_id: int, reference: str) -> None:
    """The receiving provider has it."""
    _answer(session, record_id, TOLD, reference)


def refused(session: Session, record_id: int, why: str) -> None:
    """The receiving provider does not take it: nothing leaves, and what was held goes back."""
    if not _answer(session, record_id, REFUSED, why):
        return
    record = session.get_one(TravelRecord, record_id, populate_existing=True)
    withdrawal = withdrawal_settling.lock_again(session, record.withdrawal_id)
    if withdrawal is None or withdrawal.status not in ("awaiting_approval", "in_review", "approved"):
        return
    to = "failed" if withdrawal.status == "approved" else "rejected"
    withdrawal_settling.give_up(session, withdrawal, to, "system", "the receiving provider refused it")


def _answer(session: Session, record_id: int, status: str, answer: str) -> bool:
    changed = session.execute(
        sa.update(TravelRecord)
        .where(TravelRecord.id == record_id, TravelRecord.status == DUE)
        .values(status=status, answer=answer[:200], told_at=now(session))
        .execution_options(synchronize_session=False)
    )
    return affected(changed) == 1


def records(session: Session, ids: set[int]) -> dict[int, dict[str, Any]]:
    """Records of withdrawals in the clear, by withdrawal; for the regulator."""
    found: dict[int, dict[str, Any]] = {}
    wanted = sorted(ids)
    for begin in range(0, len(wanted), 1000):
        query = sa.select(TravelRecord).where(TravelRecord.withdrawal_id.in_(wanted[begin : begin + 1000]))
        for record in session.scalars(query):
            facts = opened(session, record)
            found[record.withdrawal_id] = {
                "wallet": record.wallet, "beneficiary": facts["beneficiary"]["name"], "provider": record.provider,
                "travel_rule": record.status,
            }  # fmt: skip
    return found
