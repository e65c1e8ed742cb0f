"""Money from one customer to another: asked for with the second factor, proven by a mail, confirmed in the portal.

Nothing is held on the way (brokerage status 17: funds not yet frozen). The mail's link only marks that it was opened in the
payer's own session (25); the confirm in the portal moves the money, in one posting.
"""

import secrets
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.db import context, now
from portal.errors import N_, Refusal, declare
from portal.ledger import Line
from portal.machines.transfers import TRANSFER
from portal.models.columns import new_public_id
from portal.models.customers import Customer
from portal.models.system import Activity
from portal.models.wallet import Transfer
from portal.money import parse_units
from portal.services import activity, devices, identifiers, limits, messages, notifications, parameters, references
from portal.services.notifications import Event
from portal.services.withdrawal_destinations import check_not_held

declare(
    {
        "receiver_unknown": N_("There is no customer with this user name and e-mail address."),
        "transfer_to_oneself": N_("You cannot send to yourself."),
        "transfer_not_allowed": N_("Your account may not send money yet."),
        "transfer_unknown": N_("There is no such transfer, or it has ended."),
        "transfer_link_invalid": N_("This link has expired or was replaced by a newer one."),
        "transfer_not_confirmed": N_("Please open the link in the mail first."),
    }
)

#: Amounts in plain decimal text; `level` is the KYC level that both sides need (reading B56).
ASSETS = ("TWD", "USDT", "ETH")
parameters.declare(
    "transfer",
    {
        "level": 2,
        "life_hours": 24,
        "link_minutes": 30,
        "TWD": {"min": "1", "max": "500000", "per_day": "500000", "per_month": "1000000"},
        "USDT": {"min": "0.01", "max": "50000", "per_day": "100000", "per_month": "200000"},
        "ETH": {"min": "0.0001", "max": "30", "per_day": "60", "per_month": "120"},
    },
)

RESEND_AFTER = timedelta(seconds=60)
_PURPOSE = "transfer link"
_OPEN = ("pending", "email_confirmed")

notifications.declare(
    {
        "transfer_sent": Event(
            "money", N_("Transfer sent"), N_("%(amount)s went to %(person)s."), icon="send"
        ),
        "transfer_received": Event(
            "money", N_("Money received"), N_("%(person)s sent you %(amount)s."), icon="circle-check"
        ),
    }
)  # fmt: skip


def request(
    session: Session, sender_id: int, receiver: str, receiver_email: str, asset: str, amount_units: int,
    note: str | None = None,
) -> Transfer:  # fmt: skip
    """Makes a transfer and mails the payer the link. The second factor was checked by the door.

    `receiver` is the user name (the e-mail for a customer without one). Raises Refusal `currency_unknown`,
    `transfer_not_allowed`, `withdrawals_held`, `amount_out_of_range`, `receiver_unknown`, `transfer_to_oneself`,
    `limit_exceeded`, `insufficient_balance`.
    """
    sender = session.get(Customer, sender_id, populate_existing=True)
    assert sender is not None
    rule = _rule(session, asset)
    _check_sender(session, sender)
    if not rule["min"] <= amount_units <= rule["max"]:
        raise Refusal("amount_out_of_range", field="amount", min_units=rule["min"], max_units=rule["max"])
    found = _receiver(session, sender, receiver, receiver_email)
    limits.check(remaining(session, sender_id, asset), amount_units)
    available = ledger.balance(session, ledger.customer_available(sender_id, asset))
    if available < amount_units:
        raise Refusal("insufficient_balance", field="amount", asset=asset, available_units=available)
    made = _insert(session, sender, found, asset, amount_units, note)
    _mail(session, made, sender, found)
    return made


def open_link(session: Session, code: str, customer_id: int) -> Transfer:
    """Marks that the payer opened the mail's link in their own session; opened again, nothing more happens.

    Raises Refusal `transfer_link_invalid` for an unknown, replaced or expired link, another customer's, and a transfer
    that has ended.
    """
    moment = now(session)
    found = session.scalar(
        sa.select(Transfer).where(Transfer.link_digest == _digest(session, code), Transfer.sender_id == customer_id)
    )
    if found is None or found.status not in _OPEN or found.expires_at <= moment:
        raise Refusal("transfer_link_invalid")
    if found.status == "email_confirmed":
        return found
    if found.link_expires_at is None or found.link_expires_at <= moment:
        raise Refusal("transfer_link_invalid")
    _move(session, found, "email_confirmed", f"customer:{customer_id}")
    return found


def confirm(session: Session, transfer: Transfer, actor: str) -> Transfer:
    """Moves the money, once; a transfer that is done already is answered as it is.

    Raises Refusal `transfer_not_confirmed` before the mail's link was opened, `transfer_unknown` for one that has ended,
    and what `request` refuses that may have changed since.
    """
    keys = [
        ledger.customer_available(transfer.sender_id, transfer.asset),
        ledger.customer_available(transfer.receiver_id, transfer.asset),
    ]
    ledger.lock(session, keys)
    session.refresh(transfer)
    if transfer.status == "completed":
        return transfer
    if transfer.status == "pending":
        raise Refusal("transfer_not_confirmed")
    if transfer.status != "email_confirmed" or transfer.expires_at <= now(session):
        raise Refusal("transfer_unknown")
    sender, receiver = people(session, transfer)
    _check_sender(session, sender)
    if not _may_receive(session, receiver):
        raise Refusal("receiver_unknown")
    rule = _rule(session, transfer.asset)
    limits.check_and_use(
        session, "customer", sender.id, f"transfer:{transfer.asset}", transfer.amount_units,
        rule["per_day"], rule["per_month"],
    )  # fmt: skip
    moment = now(session)
    _move(session, transfer, "completed", actor, completed_at=moment)
    lines = [Line(keys[0], -transfer.amount_units), Line(keys[1], transfer.amount_units)]
    ledger.post(session, "transfer", f"transfer:{transfer.id}", lines, actor=actor)
    _record_arrival(session, transfer, sender, receiver)
    money = notifications.amount(transfer.amount_units, transfer.asset)
    notifications.tell(
        session, sender.id, "transfer_sent", {"amount": money, "person": receiver.display_name}, "/wallet/history"
    )
    notifications.tell(
        session, receiver.id, "transfer_received", {"amount": money, "person": sender.display_name}, "/wallet/history"
    )
    return transfer


def cancel(session: Session, transfer: Transfer, actor: str) -> Transfer:
    """Calls a transfer off before it is confirmed; called off already, nothing more happens. Raises `transfer_unknown`."""
    session.refresh(transfer)
    if transfer.status == "cancelled":
        return transfer
    if transfer.status not in _OPEN:
        raise Refusal("transfer_unknown")
    _move(session, transfer, "cancelled", actor)
    return transfer


def resend(session: Session, transfer: Transfer) -> Transfer:
    """Mails a new link; the older one ends. Raises Refusal `transfer_unknown` or `code_too_soon`."""
    session.refresh(transfer, with_for_update=True)
    moment = now(session)
    if transfer.status != "pending" or transfer.expires_at <= moment:
        raise Refusal("transfer_unknown")
    if transfer.link_sent_at is not None and transfer.link_sent_at + RESEND_AFTER > moment:
        wait = int((transfer.link_sent_at + RESEND_AFTER - moment).total_seconds()) + 1
        raise Refusal("code_too_soon", retry_after_seconds=wait)
    _mail(session, transfer, *people(session, transfer))
    return transfer


def find(session: Session, sender_id: int, audit_id: str) -> Transfer:
    """The payer's transfer by the number of its line of history, its id outside or its reference.

    Raises Refusal `transfer_unknown`, for a foreign one alike.
    """
    query = (
        sa.select(Transfer)
        .join(Activity, sa.and_(Activity.subject_kind == "transfer", Activity.subject_id == Transfer.id))
        .where(Activity.customer_id == sender_id, Transfer.sender_id == sender_id)
    )
    plain = audit_id.isascii() and audit_id.isdigit()
    if plain and len(audit_id) < 14:
        query = query.where(Activity.id == int(audit_id))
    else:
        query = query.where(Transfer.reference == audit_id if plain else Transfer.public_id == audit_id)
    found = session.scalar(query)
    if found is None:
        raise Refusal("transfer_unknown")
    return found


def under_way(session: Session, sender_id: int) -> list[Transfer]:
    """The payer's transfers that wait for the mail or the confirm, newest first."""
    query = sa.select(Transfer).where(Transfer.sender_id == sender_id, Transfer.status.in_(_OPEN))
    return list(session.scalars(query.order_by(Transfer.id.desc()).limit(10)))


def recent_receivers(session: Session, sender_id: int, count: int = 5) -> list[Customer]:
    """Whom a customer sent to of late, the latest first."""
    latest = (
        sa.select(Transfer.receiver_id, sa.func.max(Transfer.id).label("last"))
        .where(Transfer.sender_id == sender_id, Transfer.status == "completed")
        .group_by(Transfer.receiver_id)
        .order_by(sa.desc("last"))
        .limit(count)
        .subquery()
    )
    query = sa.select(Customer).join(latest, latest.c.receiver_id == Customer.id).order_by(latest.c.last.desc())
    return list(session.scalars(query))


def audit_number(session: Session, customer_id: int, subject_kind: str, subject_id: int) -> int:
    """The number of a customer's line of history about a thing: what the brokerage family calls balance_audit_id."""
    number = session.scalar(
        sa.select(Activity.id).where(
            Activity.customer_id == customer_id,
            Activity.subject_kind == subject_kind,
            Activity.subject_id == subject_id,
        )
    )
    assert number is not None
    return number


def expire(session: Session, count: int = 100) -> int:
    """Ends transfers that were not confirmed in time; how many. Nothing was held, so nothing goes back."""
    query = sa.select(Transfer).where(Transfer.status.in_(_OPEN), Transfer.expires_at <= now(session))
    due = list(session.scalars(query.order_by(Transfer.id).limit(count).with_for_update(skip_locked=True)))
    for transfer in due:
        _move(session, transfer, "expired", "system")
    return len(due)


def cancel_open(session: Session, sender_id: int, actor: str) -> int:
    """Calls off everything a payer has under way; how many."""
    query = sa.select(Transfer).where(Transfer.sender_id == sender_id, Transfer.status.in_(_OPEN))
    found = list(session.scalars(query.with_for_update()))
    for transfer in found:
        _move(session, transfer, "cancelled", actor)
    return len(found)


def remaining(session: Session, customer_id: int, asset: str) -> limits.Remaining:
    """What a customer may still send of an asset today and this month."""
    rule = _rule(session, asset)
    return limits.remaining(session, "customer", customer_id, f"transfer:{asset}", rule["per_day"], rule["per_month"])


def _rule(session: Session, asset: str) -> dict[str, int]:
    if asset not in ASSETS:
        raise Refusal("currency_unknown", field="asset")
    return {name: parse_units(text, asset) for name, text in parameters.get(session, "transfer")[asset].items()}


def _check_sender(session: Session, sender: Customer) -> None:
    level = parameters.get(session, "transfer")["level"]
    if sender.standing != "normal" or sender.kyc_level < level:
        raise Refusal("transfer_not_allowed", level_needed=level)
    check_not_held(session, sender)


def _may_receive(session: Session, receiver: Customer) -> bool:
    return receiver.standing == "normal" and receiver.kyc_level >= parameters.get(session, "transfer")["level"]


def _receiver(session: Session, sender: Customer, name: str, email: str) -> Customer:
    """The customer whom both name and mail mean; whoever may not receive is as unknown as nobody."""
    try:
        address = identifiers.canonical_email(email)
        found = session.scalar(sa.select(Customer).where(Customer.email == address))
        key = identifiers.login_key(name)
    except Refusal as refusal:
        raise Refusal("receiver_unknown", field="receiver") from refusal
    if found is None or key != (found.username or found.email):
        raise Refusal("receiver_unknown", field="receiver")
    if found.id == sender.id:
        raise Refusal("transfer_to_oneself", field="receiver")
    if not _may_receive(session, found):
        raise Refusal("receiver_unknown", field="receiver")
    return found


def _insert(
    session: Session, sender: Customer, receiver: Customer, asset: str, amount_units: int, note: str | None
) -> Transfer:
    moment = now(session)
    public_id = new_public_id()
    made = Transfer(
        public_id=public_id,
        sender_id=sender.id,
        receiver_id=receiver.id,
        asset=asset,
        amount_units=amount_units,
        note=note,
        status="pending",
        reference=public_id,
        created_at=moment,
        updated_at=moment,
        expires_at=moment + timedelta(hours=int(parameters.get(session, "transfer")["life_hours"])),
    )
    session.add(made)
    states.begin(session, TRANSFER, made, f"customer:{sender.id}")
    made.reference = references.of_row("transfer", moment, made.id)
    activity.record(
        session, sender.id, "transfer_out", direction="out", asset=asset, amount_units=amount_units, status="pending",
        reference=made.reference, subject_kind="transfer", subject_id=made.id, counterparty=receiver.display_name,
        details={"person": receiver.display_name, "email": receiver.email, "note": note}, public_id=public_id,
    )  # fmt: skip
    return made


def _record_arrival(session: Session, transfer: Transfer, sender: Customer, receiver: Customer) -> None:
    activity.record(
        session, receiver.id, "transfer_in", direction="in", asset=transfer.asset, amount_units=transfer.amount_units,
        status="completed", reference=transfer.reference, subject_kind="transfer", subject_id=transfer.id,
        counterparty=sender.display_name,
        details={"person": sender.display_name, "email": sender.email, "note": transfer.note},
    )  # fmt: skip


def _move(session: Session, transfer: Transfer, to: str, actor: str, **also: Any) -> None:
    states.advance(session, TRANSFER, transfer, to, actor, updated_at=now(session), **also)
    activity.update(session, "transfer", transfer.id, status=to)


def people(session: Session, transfer: Transfer) -> tuple[Customer, Customer]:
    """Payer and receiver."""
    sender = session.get(Customer, transfer.sender_id, populate_existing=True)
    receiver = session.get(Customer, transfer.receiver_id, populate_existing=True)
    assert sender is not None and receiver is not None
    return sender, receiver


def _mail(session: Session, transfer: Transfer, sender: Customer, receiver: Customer) -> None:
    if not sender.email:
        raise Refusal("transfer_not_allowed")
    moment = now(session)
    code = secrets.token_urlsafe(32)
    transfer.link_digest = _digest(session, code)
    transfer.link_sent_at = moment
    transfer.link_expires_at = moment + timedelta(minutes=int(parameters.get(session, "transfer")["link_minutes"]))
    session.flush()
    facts = {
        "units": transfer.amount_units,
        "asset": transfer.asset,
        "receiver": receiver.display_name,
        "receiver_email": receiver.email,
        "person": sender.display_name,
        "link": f"{context(session).settings.public_url}/v1/validate/emailtransfer?code={code}",
        "minutes": int(parameters.get(session, "transfer")["link_minutes"]),
        "freeze_link": devices.lock_link(session, sender.id),
    }
    messages.mail(
        session, sender.email, "transfer_link", sender.locale, facts, code=code, expires_at=transfer.link_expires_at
    )


def _digest(session: Session, code: str) -> str:
    return context(session).vault.index(code, _PURPOSE)
