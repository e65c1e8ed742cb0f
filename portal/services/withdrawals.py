"""Money on its way out: asked for, proven by a code, held, and handed to the worker or settled inside.

Crypto, fiat, redemption, voucher and settlement are one life cycle (machines/withdrawals.py). Nothing is held before
the code is confirmed (brokerage status 17). The second factor is asked for by the door, before `request`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import now
from portal.errors import N_, Refusal, declare
from portal.machines.withdrawals import WITHDRAWAL
from portal.models.columns import new_public_id
from portal.models.customers import Customer
from portal.models.wallet import Withdrawal
from portal.services import (
    activity,
    codes,
    limits,
    offering,
    parameters,
    references,
    travel_rule,
    withdrawal_rules,
    withdrawal_settling,
)
from portal.services import withdrawal_destinations as destinations
from portal.services.networks import BANK
from portal.services.withdrawal_messages import send_code

declare(
    {
        "withdrawal_unknown": N_("There is no such withdrawal."),
        "withdrawal_not_waiting": N_("This withdrawal is not waiting for a code any more."),
        "withdrawal_too_late": N_("This withdrawal is on its way and can no longer be cancelled."),
    }
)

PURPOSE = "withdrawal"

#: States in which the owner may still call it off; from `otp_pending` nothing was held.
CANCELLABLE = ("otp_pending", "awaiting_approval", "in_review", "approved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for.

    `owner_kind` is customer or store. `amount_units` is what leaves the owner's balance, the fee inside. Give `address`
    for kinds crypto and voucher, `bank_account_id` for the others (`network` is then BANK). `contact_id` is the customer
    who gets the code: the owner, or for a store's takings the member who asks. `replaces_pending` ends an older one of
    the same kind that still waits for its code (voucher reading V9). `party` says whose wallet receives (Travel Rule).
    """

    owner_kind: str
    owner_id: int
    family: str
    kind: str
    asset: str
    network: str
    amount_units: int
    address: str | None = None
    bank_account_id: int | None = None
    contact_id: int | None = None
    replaces_pending: bool = False
    party: travel_rule.Party | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a withdrawal would come to, in ledger units of its asset; `approvals` is how many people must look at it.

    `asks_whose` is whether it is large enough to be asked whose wallet receives.
    """

    fee_units: int
    arrives_units: int
    approvals: int
    asks_whose: bool = False


def request(session: Session, wanted: Request, code_channel: str = "mail") -> Withdrawal:
    """Makes a withdrawal that waits for its code and sends the code; nothing is held yet.

    Raises Refusal `currency_unknown`, `withdrawals_paused`, `withdrawals_not_allowed`, `withdrawals_held` (fact data.until in ms),
    `amount_out_of_range`, `amount_not_whole`, `address_invalid`, `address_own`, `address_not_known`,
    `bank_account_unknown`, `limit_exceeded`, `insufficient_balance`, `travel_wallet_missing`, `travel_name_missing`, `code_too_soon`.
    """
    contact, rule, found = _examine(session, wanted)
    told = travel_rule.check(session, wanted, found.internal_owner_kind is not None)
    if wanted.replaces_pending:
        _end_pending(session, wanted)
    made = _insert(session, wanted, rule, found, contact, code_channel)
    if told:
        travel_rule.keep(session, made, contact, wanted.party)
    _send(session, made, contact, throttle=False)
    return made


def preview(session: Session, wanted: Request) -> Preview:
    """What a withdrawal would come to; refuses as `request` does and writes nothing."""
    _, rule, found = _examine(session, wanted)
    large = travel_rule.applies(session, wanted.kind, wanted.network, wanted.asset, wanted.amount_units)
    return Preview(
        fee_units=rule.fee_units,
        arrives_units=wanted.amount_units - rule.fee_units,
        approvals=withdrawal_rules.approvals_needed(session, wanted.asset, wanted.amount_units),
        asks_whose=large and found.internal_owner_kind is None,
    )


def _examine(session: Session, wanted: Request) -> tuple[Customer, withdrawal_rules.Rule, destinations.Destination]:
    contact = _contact(session, wanted)
    rule = withdrawal_rules.rule(session, wanted.kind, wanted.asset, wanted.network, contact.kyc_level)
    if wanted.network != BANK:  # what the bank pays out has a switch of its own (services/payout_switch.py)
        offering.check(session, offering.WITHDRAWALS, wanted.asset, wanted.network, field="paymentWay")
    destinations.check_allowed(session, contact, rule)
    withdrawal_rules.check_amount(rule, wanted.amount_units)
    found = destinations.find(session, wanted.owner_kind, wanted.owner_id, wanted, contact)
    limits.check(withdrawal_rules.left(session, wanted.owner_kind, wanted.owner_id, rule), wanted.amount_units)
    _check_balance(session, wanted)
    return contact, rule, found


def resend(session: Session, withdrawal: Withdrawal) -> None:
    """Sends a new code; the older one ends. Raises Refusal `withdrawal_not_waiting` or `code_too_soon`."""
    _check_waiting(session, withdrawal)
    _send(session, withdrawal, contact_of(session, withdrawal), throttle=True)


def confirm(session: Session, withdrawal: Withdrawal, code: str, actor: str) -> Withdrawal:
    """Proves the code, counts the limits, holds the money and moves on; an address of the portal's own settles at once.

    Raises Refusal `withdrawal_not_waiting`, `code_wrong` (kept), `code_expired`, and everything `request` refuses that
    may have changed since.
    """
    ledger.lock_owner(session, withdrawal.owner_kind, withdrawal.owner_id, withdrawal.asset)
    _check_waiting(session, withdrawal)
    contact = contact_of(session, withdrawal)
    codes.verify(session, PURPOSE, _subject(withdrawal), _target(withdrawal, contact), code)
    rule = withdrawal_rules.rule(session, withdrawal.kind, withdrawal.asset, withdrawal.network, contact.kyc_level)
    destinations.check_allowed(session, contact, rule)
    limits.check_and_use(
        session, withdrawal.owner_kind, withdrawal.owner_id, rule.limit_name, withdrawal.amount_units,
        rule.per_day_units, rule.per_month_units,
    )  # fmt: skip
    moment = now(session)
    counted = {**(withdrawal.details or {}), "counted_on": activity.taipei_day(moment), "limit": rule.limit_name}
    states.advance(
        session, WITHDRAWAL, withdrawal, "otp_verified", actor, verified_at=moment, updated_at=moment, held=True,
        details=counted,
    )  # fmt: skip
    withdrawal_settling.hold(session, withdrawal, actor)
    if withdrawal.internal_owner_kind is not None:
        withdrawal_settling.settle(session, withdrawal, actor)
        return withdrawal
    needed = withdrawal_rules.approvals_needed(session, withdrawal.asset, withdrawal.amount_units)
    needed = travel_rule.start(session, withdrawal, needed)
    # Even one that needs nobody's yes waits for the worker's look: brokerage status 3, then 4 (reading B17).
    withdrawal_settling.move(session, withdrawal, "awaiting_approval", actor, needs_approvals=needed)
    return withdrawal


def cancel(session: Session, withdrawal: Withdrawal, actor: str, why: str | None = None) -> Withdrawal:
    """Calls a withdrawal off and gives back what was held. Raises Refusal `withdrawal_too_late` once it is being sent."""
    ledger.lock_owner(session, withdrawal.owner_kind, withdrawal.owner_id, withdrawal.asset)
    session.refresh(withdrawal)
    if withdrawal.status not in CANCELLABLE:
        raise Refusal("withdrawal_too_late")
    try:
        withdrawal_settling.give_up(session, withdrawal, "cancelled", actor, why)
    except Refusal as refusal:
        if refusal.name == "state_conflict":
            raise Refusal("withdrawal_too_late") from refusal
        raise
    codes.end(session, PURPOSE, _subject(withdrawal))
    return withdrawal


def cancel_open(session: Session, owner_kind: str, owner_id: int, actor: str, why: str) -> int:
    """Calls off everything of an owner that can still be called off; how many."""
    query = sa.select(Withdrawal).where(
        Withdrawal.owner_kind == owner_kind, Withdrawal.owner_id == owner_id, Withdrawal.status.in_(CANCELLABLE)
    )
    found = list(session.scalars(query.order_by(Withdrawal.id)))
    stopped = 0
    for withdrawal in found:
        try:
            cancel(session, withdrawal, actor, why)
            stopped += 1
        except Refusal as refusal:
            if refusal.name != "withdrawal_too_late":
                raise
    return stopped


def expire(session: Session, withdrawal_id: int) -> None:
    """Ends a withdrawal whose code was never given; harmless when it was given after all."""
    withdrawal = withdrawal_settling.lock_again(session, withdrawal_id)
    if withdrawal is not None and withdrawal.status == "otp_pending":
        withdrawal_settling.give_up(session, withdrawal, "expired", "system", "no code in time")
        codes.end(session, PURPOSE, _subject(withdrawal))


def due_to_expire(session: Session, count: int = 100) -> list[Withdrawal]:
    """Withdrawals whose time for the code is over."""
    query = sa.select(Withdrawal).where(Withdrawal.status == "otp_pending", Withdrawal.expires_at <= now(session))
    return list(session.scalars(query.order_by(Withdrawal.id).limit(count)))


def find(session: Session, owner_kind: str, owner_id: int, public_id: str) -> Withdrawal:
    """An owner's withdrawal by its id outside. Raises Refusal `withdrawal_unknown`, for a foreign one alike."""
    found = session.scalar(
        sa.select(Withdrawal).where(
            Withdrawal.public_id == public_id,
            Withdrawal.owner_kind == owner_kind,
            Withdrawal.owner_id == owner_id,
        )
    )
    if found is None:
        raise Refusal("withdrawal_unknown")
    return found


def latest_pending(session: Session, owner_kind: str, owner_id: int, kinds: Sequence[str]) -> Withdrawal | None:
    """The newest withdrawal of these kinds that still waits for its code."""
    return session.scalar(
        sa.select(Withdrawal)
        .where(
            Withdrawal.owner_kind == owner_kind,
            Withdrawal.owner_id == owner_id,
            Withdrawal.kind.in_(kinds),
            Withdrawal.status == "otp_pending",
        )
        .order_by(Withdrawal.id.desc())
        .limit(1)
    )


def page(
    session: Session, owner_kind: str, owner_id: int, kinds: Sequence[str], *, count: int, before_id: int | None = None
) -> list[Withdrawal]:
    """An owner's withdrawals of these kinds, newest first, below `before_id` (keyset)."""
    query = sa.select(Withdrawal).where(
        Withdrawal.owner_kind == owner_kind, Withdrawal.owner_id == owner_id, Withdrawal.kind.in_(kinds)
    )
    if before_id is not None:
        query = query.where(Withdrawal.id < before_id)
    return list(session.scalars(query.order_by(Withdrawal.id.desc()).limit(count)))


def contact_of(session: Session, withdrawal: Withdrawal) -> Customer:
    """The customer who gets the code and the messages of a withdrawal."""
    found = session.get(Customer, (withdrawal.details or {}).get("contact_id", withdrawal.owner_id))
    assert found is not None
    return found


def _contact(session: Session, wanted: Request) -> Customer:
    contact_id = wanted.contact_id or wanted.owner_id
    if wanted.owner_kind != "customer" and wanted.contact_id is None:
        raise ValueError("only a customer's own withdrawal may leave out contact_id")
    found = session.get(Customer, contact_id, populate_existing=True)
    if found is None:
        raise Refusal("not_found")
    return found


def _check_balance(session: Session, wanted: Request) -> None:
    key = ledger.AccountKey(wanted.owner_kind, wanted.owner_id, wanted.asset, "available")
    available = ledger.balance(session, key)
    if available < wanted.amount_units:
        raise Refusal("insufficient_balance", field="amount", asset=wanted.asset, available_units=available)


def _end_pending(session: Session, wanted: Request) -> None:
    older = latest_pending(session, wanted.owner_kind, wanted.owner_id, [wanted.kind])
    while older is not None:
        withdrawal_settling.give_up(session, older, "expired", "system", "a newer one took its place")
        codes.end(session, PURPOSE, _subject(older))
        older = latest_pending(session, wanted.owner_kind, wanted.owner_id, [wanted.kind])


def _insert(
    session: Session, wanted: Request, rule: withdrawal_rules.Rule, found: destinations.Destination, contact: Customer,
    channel: str,
) -> Withdrawal:  # fmt: skip
    moment = now(session)
    public_id = new_public_id()
    details: dict[str, Any] = {"contact_id": contact.id, "channel": channel, "address_name": found.address_name}
    made = Withdrawal(
        public_id=public_id,
        owner_kind=wanted.owner_kind,
        owner_id=wanted.owner_id,
        family=wanted.family,
        kind=wanted.kind,
        asset=wanted.asset,
        payout_asset="TWD" if wanted.network == BANK else wanted.asset,
        network=wanted.network,
        amount_units=wanted.amount_units,
        fee_units=rule.fee_units,
        address=found.address,
        bank_account_id=found.bank_account_id,
        internal_owner_kind=found.internal_owner_kind,
        internal_owner_id=found.internal_owner_id,
        status="created",
        reference=public_id,
        details=details,
        created_at=moment,
        updated_at=moment,
        expires_at=moment + timedelta(minutes=int(parameters.get(session, "withdrawal")["pending_minutes"])),
    )
    session.add(made)
    states.begin(session, WITHDRAWAL, made, f"customer:{contact.id}")
    made.reference = references.of_row("withdrawal", moment, made.id)
    states.advance(session, WITHDRAWAL, made, "otp_pending", f"customer:{contact.id}")
    if made.owner_kind == "customer":
        activity.record(
            session, made.owner_id, "withdrawal", direction="out", asset=made.asset, amount_units=made.amount_units,
            fee_units=made.fee_units, status=made.status, reference=made.reference, subject_kind="withdrawal",
            subject_id=made.id, details=found.shown, public_id=public_id,
            counterparty=found.address or found.shown.get("bank_name"),
        )  # fmt: skip
    return made


def _check_waiting(session: Session, withdrawal: Withdrawal) -> None:
    session.refresh(withdrawal)
    if withdrawal.status != "otp_pending":
        raise Refusal("withdrawal_not_waiting")
    if withdrawal.expires_at is not None and withdrawal.expires_at <= now(session):
        raise Refusal("code_expired", field="code")


def _send(session: Session, withdrawal: Withdrawal, contact: Customer, *, throttle: bool) -> None:
    channel = (withdrawal.details or {})["channel"]
    target = _target(withdrawal, contact)
    code = codes.issue(session, PURPOSE, _subject(withdrawal), channel, target, throttle=throttle, signed_in=True)
    send_code(session, withdrawal, contact, channel, target, code)


def _target(withdrawal: Withdrawal, contact: Customer) -> str:
    target = contact.phone if (withdrawal.details or {})["channel"] == "sms" else contact.email
    if not target:
        raise Refusal("withdrawals_not_allowed")
    return target


def _subject(withdrawal: Withdrawal) -> str:
    return f"withdrawal:{withdrawal.id}"
