"""Demo people of the demo stores: amy owns the first, ben works at its counter, amy looks at the second; bank accounts."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.models.customers import Customer
from portal.models.stores import Store
from portal.services import store_bank_accounts, store_members, stores

#: Who works where (the place of the store in the list of demo stores), and as what.
MEMBERS = (("amy", 0, "owner"), ("ben", 0, "cashier"), ("ben", 1, "owner"), ("amy", 1, "viewer"))

#: The PIN of every demo member who signs refunds; the sandbox's own page shows it.
PIN = "4826"


def load(portal: Portal) -> None:
    """Gives the stores their bank accounts and the first two their people."""
    signing = portal.db.transact(_make)
    for member_id in signing:
        store_members.set_pin(portal.db, member_id, PIN)


def _make(session: Session) -> list[int]:
    found = stores.page(session, count=200)
    for number, store in enumerate(found, 1):
        holder = f"{store.name.split()[0]}有限公司"
        store_bank_accounts.propose(session, store, holder, "812", "0012", f"28881234{number:06d}", "system")
        store_bank_accounts.decide(session, store, True, "system")
    signing = []
    for username, place, role in MEMBERS:
        customer_id = session.scalars(sa.select(Customer.id).where(Customer.username == username)).one()
        member = store_members.add(session, found[place], customer_id, role, "system")
        if role != store_members.VIEWER:
            signing.append(member.id)
    return signing


def shown(session: Session) -> list[tuple[Store, list[tuple[str, str]]]]:
    """The stores with people, and who they are: what the sandbox's page tells."""
    found = stores.page(session, count=2)
    return [
        (store, [(customer.display_name, member.role) for member, customer in store_members.members(session, store.id)])
        for store in found
    ]
