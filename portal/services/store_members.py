"""The people of a store: who may do what, and the PIN by which a person answers for a refund at the counter."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import Database, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.security import FailureCounter
from portal.models.stores import Store, StoreMember
from portal.services import audit, failures, notifications, passwords, webhooks
from portal.services.notifications import Event

OWNER, CASHIER, VIEWER = "owner", "cashier", "viewer"
ROLES = (OWNER, CASHIER, VIEWER)

VIEW, CHARGE, REFUND, SETTLE, DISCOUNT, PEOPLE, DEVELOP = (
    "view", "charge", "refund", "settle", "discount", "people", "develop",
)  # fmt: skip

#: What each role may do: look, ask for payments, give back, pay out, set discounts, manage people, keys and webhooks.
PERMISSIONS: dict[str, frozenset[str]] = {
    OWNER: frozenset({VIEW, CHARGE, REFUND, SETTLE, DISCOUNT, PEOPLE, DEVELOP}),
    CASHIER: frozenset({VIEW, CHARGE, REFUND}),
    VIEWER: frozenset({VIEW}),
}

#: Wrong PINs in a row that lock it, for how long, and how many altogether lock it until it is set anew.
PIN_TRIES, PIN_LOCK, PIN_TRIES_IN_ALL = 5, timedelta(minutes=30), 20

declare(
    {
        "pin_invalid": N_("Choose a PIN of 4 to 8 digits that is not a plain row such as 1234 or 0000."),
        "pin_missing": N_("Set your PIN for the counter first."),
        "pin_wrong": N_("This PIN is not right."),
        "pin_locked": N_("Too many wrong PINs. Please wait, or set a new PIN."),
        "member_last_owner": N_("A store needs at least one owner."),
        "store_closed": N_("This store is closed."),
    }
)

notifications.declare(
    {
        "store_joined": Event(
            "account", N_("You work for %(store)s now"), N_("Open the merchant console to see its payments."), icon="store"
        ),
        "store_left": Event(
            "account", N_("You no longer work for %(store)s"), N_("The merchant console of this store is closed to you."),
            icon="store",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seat:
    """A person's place in a store."""

    store: Store
    member: StoreMember

    @property
    def role(self) -> str:
        """owner, cashier or viewer."""
        return self.member.role

    @property
    def actor(self) -> str:
        """The person as the journal and the audit log name them."""
        return f"customer:{self.member.customer_id}"

    def may(self, permission: str) -> bool:
        """Whether the role has a permission."""
        return permission in PERMISSIONS[self.member.role]


@dataclass(frozen=True, slots=True)
class Signature:
    """A member proved the PIN a moment ago: what a refund is signed with. Only `prove_pin` makes one."""

    member_id: int


def seats(session: Session, customer_id: int) -> list[Seat]:
    """The stores a customer works for, oldest membership first."""
    query = (
        sa.select(Store, StoreMember)
        .join(StoreMember, StoreMember.store_id == Store.id)
        .where(StoreMember.customer_id == customer_id, StoreMember.removed_at.is_(None))
        .order_by(StoreMember.id)
    )
    return [Seat(*row) for row in session.execute(query)]


def seat(session: Session, customer_id: int, store_public_id: str, permission: str = VIEW) -> Seat:
    """The customer's place in a store, if the role has the permission.

    Raises Refusal `not_found` for a store one does not work for, exactly as for none; `forbidden` when the role may not
    do this, `account_restricted` when the person may do nothing but look.
    """
    query = (
        sa.select(Store, StoreMember, Customer.standing)
        .join(StoreMember, StoreMember.store_id == Store.id)
        .join(Customer, Customer.id == StoreMember.customer_id)
        .where(
            Store.public_id == store_public_id,
            StoreMember.customer_id == customer_id,
            StoreMember.removed_at.is_(None),
        )
    )
    row = session.execute(query).first()
    if row is None:
        raise Refusal("not_found")
    found = Seat(row[0], row[1])
    if not found.may(permission):
        raise Refusal("forbidden")
    if permission != VIEW and row[2] != "normal":
        raise Refusal("account_restricted")
    return found


def members(session: Session, store_id: int) -> list[tuple[StoreMember, Customer]]:
    """The people of a store, oldest first."""
    query = (
        sa.select(StoreMember, Customer)
        .join(Customer, Customer.id == StoreMember.customer_id)
        .where(StoreMember.store_id == store_id, StoreMember.removed_at.is_(None))
        .order_by(StoreMember.id)
    )
    return [(member, customer) for member, customer in session.execute(query)]


def owners(session: Session, store_id: int) -> list[int]:
    """The customer ids of a store's owners."""
    query = sa.select(StoreMember.customer_id).where(
        StoreMember.store_id == store_id, StoreMember.role == OWNER, StoreMember.removed_at.is_(None)
    )
    return list(session.scalars(query.order_by(StoreMember.id)))


webhooks.hears_of("store", owners)


def member(session: Session, store_id: int, public_id: str) -> StoreMember:
    """A member of a store. Raises Refusal `not_found`, alike for another store's."""
    found = session.scalar(
        sa.select(StoreMember).where(
            StoreMember.public_id == public_id, StoreMember.store_id == store_id, StoreMember.removed_at.is_(None)
        )
    )
    if found is None:
        raise Refusal("not_found")
    return found


def add(session: Session, store: Store, customer_id: int, role: str, actor: str) -> StoreMember:
    """Makes a customer a member, or changes the role of one who is. Raises Refusal `input_invalid`."""
    if role not in ROLES:
        raise Refusal("input_invalid", field="role")
    found = session.scalar(
        sa.select(StoreMember)
        .where(StoreMember.store_id == store.id, StoreMember.customer_id == customer_id)
        .with_for_update()
    )
    if found is not None and found.removed_at is None:
        change_role(session, store, found, role, actor)
        return found
    if found is None:
        found = StoreMember(store_id=store.id, customer_id=customer_id, role=role, created_at=now(session))
        session.add(found)
    else:
        found.role, found.removed_at, found.pin_hash = role, None, None
    session.flush()
    audit.write(
        session, actor, "store.member_add", f"store:{store.id}", details={"customer_id": customer_id, "role": role}
    )
    notifications.tell(session, customer_id, "store_joined", {"store": store.name}, f"/merchant/{store.public_id}")
    return found


def change_role(session: Session, store: Store, found: StoreMember, role: str, actor: str) -> None:
    """Gives a member another role. Raises Refusal `input_invalid` or `member_last_owner`."""
    if role not in ROLES:
        raise Refusal("input_invalid", field="role")
    _hold_people(session, store)
    if found.role == OWNER and role != OWNER:
        _keep_an_owner(session, store, found)
    before, found.role = found.role, role
    session.flush()
    details = {"customer_id": found.customer_id, "before": before, "after": role}
    audit.write(session, actor, "store.member_role", f"store:{store.id}", details=details)


def remove(session: Session, store: Store, found: StoreMember, actor: str) -> None:
    """Takes a membership away; the PIN goes with it. Raises Refusal `member_last_owner`."""
    _hold_people(session, store)
    if found.role == OWNER:
        _keep_an_owner(session, store, found)
    found.removed_at, found.pin_hash = now(session), None
    session.flush()
    audit.write(session, actor, "store.member_remove", f"store:{store.id}", details={"customer_id": found.customer_id})
    notifications.tell(session, found.customer_id, "store_left", {"store": store.name})


def _hold_people(session: Session, store: Store) -> None:
    """Locks the store's row, so that two owners cannot take each other away at once."""
    session.execute(sa.select(Store.id).where(Store.id == store.id).with_for_update(key_share=True))


def _keep_an_owner(session: Session, store: Store, leaving: StoreMember) -> None:
    if not [customer_id for customer_id in owners(session, store.id) if customer_id != leaving.customer_id]:
        raise Refusal("member_last_owner")


def checked_pin(pin: str) -> str:
    """A PIN that may be used. Raises Refusal `pin_invalid`."""
    row = "0123456789" * 2
    plain = pin in row or pin in row[::-1] or len(set(pin)) == 1
    if not (pin.isascii() and pin.isdigit()) or not 4 <= len(pin) <= 8 or plain:
        raise Refusal("pin_invalid", field="pin")
    return pin


def set_pin(db: Database, member_id: int, pin: str) -> None:
    """Sets a member's PIN; the person's password was proven before. The hash is made in no transaction.

    Raises Refusal `pin_invalid`.
    """
    digest = _digest(member_id, checked_pin(pin))
    made = db.read(passwords.make_hash, digest)
    db.transact(_keep_pin, member_id, made)


def _keep_pin(session: Session, member_id: int, made: str | None) -> None:
    found = session.get_one(StoreMember, member_id)
    found.pin_hash = made
    failures.forgive(session, _counter(session, member_id))
    audit.write(
        session,
        f"customer:{found.customer_id}",
        "store.pin_set",
        f"store:{found.store_id}",
        details={"member": found.id},
    )


def clear_pin(session: Session, store: Store, found: StoreMember, actor: str) -> None:
    """Takes a member's PIN away: forgotten or locked, its owner sets a new one."""
    found.pin_hash = None
    failures.forgive(session, _counter(session, found.id))
    audit.write(session, actor, "store.pin_clear", f"store:{store.id}", details={"member": found.id})


def prove_pin(db: Database, member_id: int, pin: str) -> Signature:
    """Checks a member's PIN, in no transaction; every try is counted before it is looked at.

    Raises Refusal `pin_missing`, `pin_wrong` or `pin_locked` (fact: retry_after_seconds).
    """
    kept = db.transact(_take_try, member_id)
    fits = pin.isascii() and pin.isdigit() and len(pin) <= 8
    if not db.read(passwords.matches, kept, _digest(member_id, pin if fits else "")) or not fits:
        raise Refusal("pin_wrong", field="pin")
    db.transact(_forgive, member_id)
    return Signature(member_id)


def _take_try(session: Session, member_id: int) -> str:
    counter = failures.hold(session, _counter(session, member_id))
    moment = now(session)
    kept = session.scalar(
        sa.select(StoreMember.pin_hash).where(StoreMember.id == member_id, StoreMember.removed_at.is_(None))
    )
    if kept is None:
        raise Refusal("pin_missing", field="pin")
    if counter.locked_until is not None and counter.locked_until > moment:
        wait = int((counter.locked_until - moment).total_seconds()) + 1
        raise Refusal("pin_locked", field="pin", retry_after_seconds=wait)
    _count(counter)
    counter.last_at = moment
    if counter.failures >= PIN_TRIES:
        # The last try of a row is still looked at; a right one lifts the lock again.
        counter.failures = 0
        counter.locked_until = moment + (failures.FOR_EVER if counter.total >= PIN_TRIES_IN_ALL else PIN_LOCK)
    session.flush()
    return kept


def _count(counter: FailureCounter) -> None:
    counter.failures += 1
    counter.total += 1


def _forgive(session: Session, member_id: int) -> None:
    failures.forgive(session, _counter(session, member_id))


def _counter(session: Session, member_id: int) -> str:
    return failures.key(session, "store_pin", member_id)


def _digest(member_id: int, pin: str) -> str:
    return passwords.digest_of(f"store pin {member_id} {pin}")
