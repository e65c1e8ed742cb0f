"""A customer's own second factors: set up and taken off, written into the log, and told to the owner by mail."""

from typing import Any

from sqlalchemy.orm import Session

from portal.db import context
from portal.services import accounts, devices, passkeys, second_factor
from portal.services.devices import Visit
from portal.services.second_factor import Pending


def begin_totp(session: Session, customer_id: int) -> Pending:
    """Gives out a secret to bind; the label names the account as the contract's example does (`<user>@<issuer>`)."""
    person = accounts.customer(session, customer_id)
    return second_factor.begin_totp(
        session, "customer", customer_id, f"{person.display_name}@{context(session).settings.brand_name}"
    )


def bind_totp(session: Session, customer_id: int, code: str, secret: str | None, visit: Visit) -> None:
    """Binds the authenticator; raises what `second_factor.bind_totp` raises."""
    second_factor.bind_totp(session, "customer", customer_id, code, secret)
    _note(session, customer_id, "totp_on", visit, devices.AUTHENTICATOR_BOUND)


def unbind_totp(session: Session, customer_id: int, code: str, visit: Visit) -> None:
    """Takes the authenticator off; raises what `second_factor.check_totp` raises."""
    second_factor.unbind_totp(session, "customer", customer_id, code)
    _note(session, customer_id, "totp_off", visit, devices.AUTHENTICATOR_CHANGED)


def unbind_by_recovery_code(session: Session, customer_id: int, code: str, visit: Visit) -> None:
    """Takes a lost authenticator off, proved by a recovery code; raises what `use_recovery_code` raises."""
    second_factor.use_recovery_code(session, "customer", customer_id, code[:40])
    second_factor.remove_totp(session, "customer", customer_id)
    _note(session, customer_id, "totp_off", visit, devices.AUTHENTICATOR_CHANGED)


def renew_recovery_codes(session: Session, customer_id: int, visit: Visit) -> list[str]:
    """Ten new recovery codes, for showing once."""
    made = second_factor.renew_recovery_codes(session, "customer", customer_id)
    _note(session, customer_id, "recovery_codes", visit)
    return made


def add_passkey(session: Session, customer_id: int, credential: Any, name: str, visit: Visit) -> None:
    """Keeps a passkey that the browser made; raises what `passkeys.finish_registration` raises."""
    passkeys.finish_registration(session, "customer", customer_id, credential, name)
    _note(session, customer_id, "passkey_on", visit, devices.AUTHENTICATOR_BOUND)


def remove_passkey(session: Session, customer_id: int, passkey_id: int, visit: Visit) -> str:
    """Takes a passkey off and answers its name. Raises Refusal `not_found`."""
    name = passkeys.remove(session, "customer", customer_id, passkey_id)
    _note(session, customer_id, "passkey_off", visit, devices.AUTHENTICATOR_CHANGED)
    return name


def _note(session: Session, customer_id: int, event: str, visit: Visit, operation_code: int | None = None) -> None:
    if operation_code is not None:
        devices.log(session, customer_id, operation_code, visit)
    accounts.tell(session, accounts.customer(session, customer_id), event)
