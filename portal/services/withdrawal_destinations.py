"""Where a withdrawal may go: a checked address, an address of the portal's own, or a verified bank account."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.clock import to_ms
from portal.db import now
from portal.errors import Refusal
from portal.models.customers import Customer
from portal.models.wallet import CommonAddress
from portal.services import addresses, bank_accounts
from portal.services.networks import BANK
from portal.services.withdrawal_rules import CRYPTO, Rule

if TYPE_CHECKING:
    from portal.services.withdrawals import Request


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination that was found good. `shown` is what the history line keeps of it."""

    address: str | None = None
    address_name: str = ""
    bank_account_id: int | None = None
    internal_owner_kind: str | None = None
    internal_owner_id: int | None = None
    shown: dict[str, Any] = field(default_factory=dict)


def check_allowed(session: Session, customer: Customer, rule: Rule) -> None:
    """Whether this customer may move money out now.

    Raises Refusal `withdrawals_not_allowed` for a standing or KYC level that does not allow it, `withdrawals_held`
    (fact `data.until`, ms) after a reset password.
    """
    if customer.standing != "normal" or customer.kyc_level < rule.level_needed:
        raise Refusal("withdrawals_not_allowed", level_needed=rule.level_needed)
    check_not_held(session, customer)


def check_not_held(session: Session, customer: Customer) -> None:
    """Raises Refusal `withdrawals_held` (facts: data.until in ms, until) while the customer's money may not leave."""
    until = customer.withdrawals_held_until
    if until is not None and until > now(session):
        raise Refusal("withdrawals_held", data={"until": to_ms(until)}, until=until)


def find(session: Session, owner_kind: str, owner_id: int, wanted: "Request", contact: Customer) -> Destination:
    """Checks the destination.

    Raises Refusal `address_invalid`, `address_own`, `address_not_known` or `bank_account_unknown`.
    """
    if wanted.network == BANK:
        account = bank_accounts.one_verified(session, owner_kind, owner_id, wanted.bank_account_id)
        shown = {
            "network": BANK,
            "bank_account_id": account.id,
            "bank_code": account.bank_code,
            "bank_name": account.full_name,
            "account_tail": account.tail,
        }
        return Destination(bank_account_id=account.id, shown=shown)
    address = addresses.canonical_form(wanted.network, wanted.address or "")
    if address is None:
        raise Refusal("address_invalid", field="address")
    name = _known_name(session, owner_kind, contact, wanted.network, address)
    shown = {"network": wanted.network, "address": address, "address_name": name}
    own = addresses.owner_of(session, wanted.network, address)
    if own is None:
        return Destination(address=address, address_name=name, shown=shown)
    if wanted.kind == CRYPTO and (own.owner_kind, own.owner_id) == (owner_kind, owner_id):
        raise Refusal("address_own", field="address")
    return Destination(address, name, None, own.owner_kind, own.owner_id, {**shown, "internal": True})


def _known_name(session: Session, owner_kind: str, contact: Customer, network: str, address: str) -> str:
    """The name the customer gave the address, empty when it has none; refuses it when only known ones count."""
    if owner_kind != "customer":
        return ""
    known = session.scalar(
        sa.select(CommonAddress).where(
            CommonAddress.customer_id == contact.id,
            CommonAddress.network == network,
            CommonAddress.address == address,
        )
    )
    if contact.known_addresses_only and (known is None or known.active_at > now(session)):
        until = {"until": to_ms(known.active_at)} if known else None
        raise Refusal("address_not_known", field="address", data=until)
    return known.name if known else ""
