"""Money coming in. A chain deposit is seen, waits until its block can no longer change, and is credited once.

A TWD deposit is a bank credit to a customer's virtual account. Customers, stores and institutions are owners alike.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.clock import to_ms
from portal.db import context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.ledger import AccountKey, Line
from portal.machines.deposits import DEPOSIT
from portal.models.columns import new_public_id
from portal.models.wallet import BankCredit, ChainCursor, Deposit, DepositAddress
from portal.ports import ChainHead, ChainTransfer
from portal.services import activity, addresses, audit, bank_credits, networks, notifications, parameters, references
from portal.services.notifications import Event

declare({"deposit_not_cancellable": N_("This deposit cannot be cancelled.")})

notifications.declare(
    {
        "deposited": Event(
            "money", N_("Deposit received"), N_("%(amount)s arrived in your wallet."), icon="arrow-down-left"
        )
    }
)

#: An announced TWD deposit waits this long for the money.
ANNOUNCED_FOR = timedelta(days=3)

parameters.declare("deposit.watch", {"look_back_blocks": 1000, "blocks_at_once": 2000})


def account_of(owner_kind: str, owner_id: int, asset: str) -> AccountKey:
    """The ledger account a deposit of an owner goes to."""
    if owner_kind == "institution":
        return ledger.institution_float(owner_id, asset)
    return (
        ledger.store_available(owner_id, asset) if owner_kind == "store" else ledger.customer_available(owner_id, asset)
    )


# --- chains ---


def cursor(session: Session, network: str) -> int | None:
    """The newest block of a network that was read and can no longer change; None before the first look."""
    return session.scalar(sa.select(ChainCursor.block_number).where(ChainCursor.network == network))


def record(session: Session, network: str, transfers: Sequence[ChainTransfer], head: ChainHead, read_to: int) -> int:
    """Takes note of what a network's blocks hold up to `read_to`; how many deposits are new or came back.

    A transfer counts when it succeeded, came from the asset's own contract and went to an address of ours. It is noted
    once per (network, transaction, log index); one that a reorganisation put into another block follows it.
    """
    settings = context(session).settings
    ours = [
        (canonical, transfer)
        for transfer in transfers
        if transfer.succeeded
        and transfer.amount_units > 0
        and networks.is_real(settings, network, transfer.asset, transfer.contract)
        and (canonical := addresses.canonical_form(network, transfer.to)) is not None
    ]
    owners = addresses.owners_of(session, network, [to for to, _ in ours]) if ours else {}
    new = sum(_note(session, owners[to], transfer, head) for to, transfer in ours if to in owners)
    _move_cursor(session, network, min(read_to, head.solid_number))
    session.execute(
        sa.update(Deposit)
        .where(Deposit.status == "seen", Deposit.network == network, Deposit.block_number <= head.number)
        .values(confirmations=head.number - Deposit.block_number + 1)
        .execution_options(synchronize_session=False)
    )
    return new


def _note(session: Session, owner: DepositAddress, transfer: ChainTransfer, head: ChainHead) -> int:
    row = {
        "public_id": new_public_id(),
        "owner_kind": owner.owner_kind,
        "owner_id": owner.owner_id,
        "asset": transfer.asset,
        "network": transfer.network,
        "amount_units": transfer.amount_units,
        "fee_units": 0,
        "status": "seen",
        "address": owner.address,
        "tx_hash": transfer.tx_hash,
        "log_index": transfer.log_index,
        "block_number": transfer.block_number,
        "block_hash": transfer.block_hash,
        "confirmations": head.number - transfer.block_number + 1,
        "confirmations_needed": head.number - head.solid_number + 1,
        "details": {"sender": transfer.sender},
        "seen_at": now(session),
    }
    fresh = insert_if_absent(session, Deposit.__table__, row)
    query = sa.select(Deposit).where(
        Deposit.network == transfer.network,
        Deposit.tx_hash == transfer.tx_hash,
        Deposit.log_index == transfer.log_index,
    )
    deposit = session.scalars(query).one()
    if fresh:
        states.begin(session, DEPOSIT, deposit, "system")
        _history(session, deposit, "seen")
        return 1
    where = {"block_number": transfer.block_number, "block_hash": transfer.block_hash}
    if deposit.status == "dropped":
        states.advance(session, DEPOSIT, deposit, "seen", "system", "in the chain again", **where)
        activity.update(session, "deposit", deposit.id, status="seen")
        return 1
    if deposit.status == "seen" and deposit.block_hash != transfer.block_hash:
        deposit.block_number, deposit.block_hash = transfer.block_number, transfer.block_hash
        session.flush()
    return 0


def _move_cursor(session: Session, network: str, block_number: int) -> None:
    if insert_if_absent(session, ChainCursor.__table__, {"network": network, "block_number": block_number}):
        return
    session.execute(
        sa.update(ChainCursor)
        .where(ChainCursor.network == network, ChainCursor.block_number < block_number)
        .values(block_number=block_number)
    )


def waiting(session: Session, network: str, limit: int = 500) -> list[Deposit]:
    """Seen deposits of a network that are not credited yet, oldest first."""
    query = sa.select(Deposit).where(Deposit.status == "seen", Deposit.network == network)
    return list(session.scalars(query.order_by(Deposit.id).limit(limit)))


def confirm(session: Session, deposit_id: int, block_hash: str) -> bool:
    """Credits a seen deposit whose block, still of this hash, is solid; False when another hand was first."""
    deposit = session.scalars(sa.select(Deposit).where(Deposit.id == deposit_id).with_for_update()).one()
    if deposit.status != "seen" or deposit.block_hash != block_hash:
        return False
    states.advance(session, DEPOSIT, deposit, "confirmed", "system", confirmed_at=now(session))
    _credit(session, deposit, ledger.house("chain", deposit.asset), "system")
    activity.update(session, "deposit", deposit.id, status="confirmed")
    _tell(session, deposit)
    return True


def drop(session: Session, deposit_id: int, block_hash: str) -> bool:
    """Takes back a seen deposit whose block is no longer in the chain; nothing was credited yet."""
    deposit = session.scalars(sa.select(Deposit).where(Deposit.id == deposit_id).with_for_update()).one()
    if deposit.status != "seen" or deposit.block_hash != block_hash:
        return False
    states.advance(session, DEPOSIT, deposit, "dropped", "system", "its block left the chain", confirmations=0)
    activity.update(session, "deposit", deposit.id, status="dropped")
    return True


# --- TWD by announcement ---


def announce(session: Session, customer_id: int, amount_units: int, to_bank: dict[str, Any]) -> Deposit:
    """Opens a TWD deposit that the customer says is coming; a credit of this very amount completes it."""
    if amount_units <= 0:
        raise Refusal("amount_out_of_range", field="amount")
    expires_at = now(session) + ANNOUNCED_FOR
    deposit = Deposit(
        public_id=new_public_id(),
        owner_id=customer_id,
        asset="TWD",
        network=networks.BANK,
        amount_units=amount_units,
        status="open",
        details={"to_bank": {**to_bank, "expires_at_ms": to_ms(expires_at)}},
        seen_at=now(session),
        expires_at=expires_at,
    )
    session.add(deposit)
    states.begin(session, DEPOSIT, deposit, f"customer:{customer_id}")
    _history(session, deposit, "open")
    return deposit


def cancel(session: Session, deposit: Deposit, actor: str) -> None:
    """Cancels an announced deposit. Raises Refusal `deposit_not_cancellable` when it is past that."""
    if deposit.status != "open":
        raise Refusal("deposit_not_cancellable")
    states.advance(session, DEPOSIT, deposit, "cancelled", actor)
    activity.update(session, "deposit", deposit.id, status="cancelled")


def expire(session: Session, limit: int = 200) -> int:
    """Ends announced deposits whose money did not come in time; how many."""
    query = sa.select(Deposit).where(
        Deposit.status == "open", Deposit.network == networks.BANK, Deposit.expires_at <= now(session)
    )
    late = list(session.scalars(query.order_by(Deposit.id).limit(limit).with_for_update(skip_locked=True)))
    for deposit in late:
        states.advance(session, DEPOSIT, deposit, "expired", "system")
        activity.update(session, "deposit", deposit.id, status="expired")
    return len(late)


def credit_from_bank(
    session: Session, customer_id: int, credit: BankCredit, source: AccountKey, actor: str, banks: dict[str, Any]
) -> Deposit:
    """Credits a customer with a bank credit out of `source` (the bank, or suspense), once per credit.

    An announced deposit of the same amount is completed by it; otherwise a new one is made.
    """
    announced = (
        sa.select(Deposit)
        .where(
            Deposit.owner_kind == "customer",
            Deposit.owner_id == customer_id,
            Deposit.status == "open",
            Deposit.amount_units == credit.amount_units,
            Deposit.expires_at > now(session),
        )
        .order_by(Deposit.id)
        .with_for_update()
    )
    deposit = session.scalars(announced.limit(1)).first()
    moment = now(session)
    if deposit is None:
        deposit = Deposit(
            public_id=new_public_id(),
            owner_id=customer_id,
            asset=credit.asset,
            network=networks.BANK,
            amount_units=credit.amount_units,
            status="confirmed",
            bank_credit_id=credit.id,
            details=banks,
            seen_at=moment,
            confirmed_at=moment,
        )
        session.add(deposit)
        states.begin(session, DEPOSIT, deposit, actor)
        _history(session, deposit, "confirmed")
    else:
        states.advance(
            session, DEPOSIT, deposit, "confirmed", actor, bank_credit_id=credit.id, details=banks, confirmed_at=moment
        )
        activity.update(session, "deposit", deposit.id, status="confirmed", details=_told(deposit))
    _credit(session, deposit, source, actor)
    _tell(session, deposit)
    return deposit


def assign(session: Session, credit_id: int, customer_id: int, actor: str, why: str) -> Deposit:
    """Staff find out whose a credit in suspense is. Raises Refusal `credit_not_waiting`."""
    credit = bank_credits.leave_suspense(session, credit_id, "deposit", None)
    tail = f"****{credit.payer_account[-4:]}" if credit.payer_account else None
    banks = {"from_bank": {"name": credit.payer_name, "account": tail}}
    source = ledger.house("suspense", credit.asset)
    deposit = credit_from_bank(session, customer_id, credit, source, actor, banks)
    credit.matched_kind, credit.matched_id = "deposit", deposit.id
    audit.write(
        session, actor, "bank_credit.assign", f"bank_credit:{credit.id}", details={"to": customer_id, "why": why}
    )
    return deposit


def _credit(session: Session, deposit: Deposit, source: AccountKey, actor: str) -> None:
    account = account_of(deposit.owner_kind, deposit.owner_id, deposit.asset)
    lines = [Line(account, deposit.amount_units), Line(source, -deposit.amount_units)]
    ledger.post(session, "deposit", f"deposit:{deposit.id}", lines, actor=actor)


def _tell(session: Session, deposit: Deposit) -> None:
    if deposit.owner_kind == "customer":
        facts = {"amount": notifications.amount(deposit.amount_units, deposit.asset)}
        notifications.tell(session, deposit.owner_id, "deposited", facts, f"/wallet/history/{deposit.public_id}")


def _history(session: Session, deposit: Deposit, status: str) -> None:
    if deposit.owner_kind != "customer":
        return
    activity.record(
        session,
        deposit.owner_id,
        "deposit",
        direction="in",
        asset=deposit.asset,
        amount_units=deposit.amount_units,
        status=status,
        reference=references.of_row("deposit", deposit.seen_at, deposit.id),
        subject_kind="deposit",
        subject_id=deposit.id,
        details=_told(deposit),
        public_id=deposit.public_id,
    )


def _told(deposit: Deposit) -> dict[str, Any]:
    told: dict[str, Any] = {"network": deposit.network, **(deposit.details or {})}
    if deposit.tx_hash:
        told |= {"tx_hash": deposit.tx_hash, "log_index": deposit.log_index, "address": deposit.address}
    return told


def recent(session: Session, customer_id: int, limit: int = 5) -> list[Deposit]:
    """A customer's newest deposits, for the page that shows an arrival as it happens."""
    query = sa.select(Deposit).where(Deposit.owner_kind == "customer", Deposit.owner_id == customer_id)
    return list(session.scalars(query.order_by(Deposit.id.desc()).limit(limit)))


def named(session: Session, customer_id: int, public_id: str) -> Deposit:
    """A customer's deposit. Raises Refusal `not_found` for a missing or foreign one."""
    found = session.scalar(sa.select(Deposit).where(Deposit.public_id == public_id))
    if found is None or (found.owner_kind, found.owner_id) != ("customer", customer_id):
        raise Refusal("not_found")
    return found
