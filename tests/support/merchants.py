"""A store with its people, for tests: an owner, a cashier and a viewer, PINs, a bank account, and customers who pay."""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from portal import ledger
from portal.models.stores import PaymentRequest, ShoppingOrder, Store, StoreMember
from portal.services import payment_requests, payments, store_bank_accounts, store_members
from portal.services.store_members import Signature
from tests.support import people, vouchers
from tests.support.people import Person

PIN = "4862"


@dataclass
class Shop:
    """A store and its people. `members` are the memberships by role."""

    app: Flask
    portal: Any
    store: Store
    owner: Person
    cashier: Person
    viewer: Person
    members: dict[str, StoreMember]

    @property
    def path(self) -> str:
        """Where the console of this store is."""
        return f"/merchant/{self.store.public_id}"

    def balance(self, bucket: str = "available") -> int:
        """The store's TWIP in ledger units."""
        key = ledger.AccountKey("store", self.store.id, "TWIP", bucket)
        return int(self.portal.db.read(ledger.balance, key))

    def sign(self, role: str = "cashier", pin: str = PIN) -> Signature:
        """The PIN of a member, proved."""
        return store_members.prove_pin(self.portal.db, self.members[role].id, pin)

    def ask(self, amount: str, **more: Any) -> PaymentRequest:
        """A payment request of the cashier's."""
        made_by = f"customer:{self.cashier.id}"
        found: PaymentRequest = self.portal.db.transact(
            payment_requests.create, self.store, amount, made_by=made_by, **more
        )
        return found

    def pay(self, customer: Person, amount: str = "", *, request: PaymentRequest | None = None) -> ShoppingOrder:
        """A customer pays: a request, or a bill of the amount."""
        transact = self.portal.db.transact
        if request is not None:
            begun = transact(payments.checkout_request, customer.id, request.code)
        else:
            begun = transact(payments.checkout, customer.id, self.store.public_id, amount)
        otp = vouchers.code(self.app, customer.phone)
        paid = transact(payments.verify, customer.id, self.store.public_id, begun.order.public_id, otp)
        order: ShoppingOrder = paid.order
        return order

    def newest_code(self, person: Person) -> str:
        """The newest code sent to a person's phone."""
        return vouchers.code(self.app, person.phone)


def shop(
    app: Flask,
    *,
    name: str = "山嵐咖啡",
    discount: str = "0",
    kind: str = "fixed",
    pins: bool = True,
    bank: bool = True,
) -> Shop:
    """A store with an owner, a cashier and a viewer (all customers of their own), and a verified bank account."""
    portal = app.extensions["portal"]
    store = vouchers.open_store(portal, name, discount, kind)
    staff = {role: people.customer(portal, kyc_level=3) for role in store_members.ROLES}
    members = {
        role: portal.db.transact(store_members.add, store, person.id, role, "system") for role, person in staff.items()
    }
    if pins:
        for role in ("owner", "cashier"):
            store_members.set_pin(portal.db, members[role].id, PIN)
    if bank:
        portal.db.transact(give_account, store)
    return Shop(app, portal, store, staff["owner"], staff["cashier"], staff["viewer"], members)


def give_account(session: Session, store: Store, number: str = "00123456789012") -> None:
    """A verified bank account for the takings."""
    store_bank_accounts.propose(session, store, "山嵐咖啡有限公司", "812", "0012", number, "system")
    store_bank_accounts.decide(session, store, True, "system")
