"""Freezing an account from a mail's link (devices.lock_token): locked, signed out everywhere, payments stopped."""

from sqlalchemy.orm import Session

from portal.models.customers import Customer
from portal.services import api_keys, devices, transfers, withdrawals


def freeze(session: Session, token: str, ip: str) -> Customer:
    """Locks the account, signs every device out, ends all API keys and calls off what can still be called off.

    Raises Refusal `lock_link_dead`. An account that is locked already stays as it is.
    """
    customer = devices.lockable(session, token)
    withdrawals.cancel_open(session, "customer", customer.id, "system", "account locked by its owner")
    transfers.cancel_open(session, customer.id, "system")
    api_keys.revoke_all(session, customer.id)
    devices.lock(session, token, ip)
    return customer
