"""Withdrawal addresses a customer has named. A new one counts for `known addresses only` after a day."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.customers import Customer
from portal.models.wallet import CommonAddress
from portal.services import addresses, audit, networks, notifications
from portal.services.notifications import Event

COUNTS_AFTER = timedelta(hours=24)
#: Taking the protection off holds withdrawals as long, so that whoever stole a session gains nothing by it.
HOLD_AFTER_LOOSENING = timedelta(hours=24)
MOST = 100

declare(
    {
        "address_known_already": N_("This address is in your list already."),
        "address_name_missing": N_("Give the address a name of up to 40 characters."),
        "addresses_too_many": N_("Your list is full. Please remove an address first."),
    }
)

notifications.declare(
    {
        "address_added": Event(
            "security",
            N_("A withdrawal address was added"),
            N_("%(name)s (%(address)s) counts as a known address from %(at)s on. Was this not you? Change your password now."),
            icon="shield-check",
        ),
        "known_only_off": Event(
            "security",
            N_("Withdrawals may go to new addresses again"),
            N_("The protection was switched off. Withdrawals are on hold until %(at)s."),
            icon="shield-check",
        ),
    }
)  # fmt: skip


def named(
    session: Session, customer_id: int, *, asset: str | None = None, network: str | None = None
) -> list[CommonAddress]:
    """A customer's addresses by name, of one asset and network if wanted."""
    query = sa.select(CommonAddress).where(CommonAddress.customer_id == customer_id)
    if asset is not None:
        query = query.where(CommonAddress.asset == asset)
    if network is not None:
        query = query.where(CommonAddress.network == network)
    return list(session.scalars(query.order_by(CommonAddress.name, CommonAddress.id)))


def add(session: Session, customer_id: int, asset: str, network: str, address: str, name: str) -> CommonAddress:
    """Names an address; the door has asked for the second factor.

    Raises Refusal `currency_unknown`, `address_invalid`, `address_name_missing`, `address_known_already`,
    `addresses_too_many`.
    """
    if asset not in networks.ASSETS.get(network, ()):
        raise Refusal("currency_unknown", field="network")
    canonical = addresses.canonical_form(network, address.strip())
    if canonical is None:
        raise Refusal("address_invalid", field="address")
    shown = " ".join(name.split())
    if not 0 < len(shown) <= 40 or not shown.isprintable():
        raise Refusal("address_name_missing", field="name")
    session.scalar(sa.select(Customer.id).where(Customer.id == customer_id).with_for_update())
    if len(named(session, customer_id)) >= MOST:
        raise Refusal("addresses_too_many")
    moment = now(session)
    row = {
        "customer_id": customer_id,
        "network": network,
        "asset": asset,
        "address": canonical,
        "name": shown,
        "active_at": moment + COUNTS_AFTER,
        "created_at": moment,
    }
    if not insert_if_absent(session, CommonAddress.__table__, row):
        raise Refusal("address_known_already", field="address")
    facts = {"name": shown, "address": canonical, "at": notifications.moment(moment + COUNTS_AFTER)}
    notifications.tell(session, customer_id, "address_added", facts, "/wallet/addresses")
    return next(one for one in named(session, customer_id) if one.address == canonical and one.network == network)


def remove(session: Session, customer_id: int, address: str) -> None:
    """Takes an address off the list, on every network that has it. Raises Refusal `not_found`."""
    spellings = {address} | {
        canonical for network in networks.ASSETS if (canonical := addresses.canonical_form(network, address))
    }
    gone = session.execute(
        sa.delete(CommonAddress).where(
            CommonAddress.customer_id == customer_id, CommonAddress.address.in_(sorted(spellings))
        )
    )
    if not affected(gone):
        raise Refusal("not_found", field="address")


def known_only(session: Session, customer_id: int, wanted: bool) -> None:
    """Switches `known addresses only`; switched off, withdrawals are held for a day. The door asked for the second factor."""
    customer = session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    assert customer is not None
    if customer.known_addresses_only == wanted:
        return
    customer.known_addresses_only = wanted
    audit.write(
        session, f"customer:{customer_id}", "account.known_addresses_only", f"customer:{customer_id}",
        details={"on": wanted},
    )  # fmt: skip
    if not wanted:
        until = now(session) + HOLD_AFTER_LOOSENING
        customer.withdrawals_held_until = max(customer.withdrawals_held_until or until, until)
        facts = {"at": notifications.moment(customer.withdrawals_held_until)}
        notifications.tell(session, customer_id, "known_only_off", facts, "/wallet/addresses")
    session.flush()
