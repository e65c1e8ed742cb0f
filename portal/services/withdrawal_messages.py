"""What people hear about a withdrawal: the code with what it is for, and how it ended."""

from typing import Any

from sqlalchemy.orm import Session

from portal.db import now
from portal.errors import N_
from portal.models.customers import Customer
from portal.models.wallet import Deposit, Withdrawal
from portal.services import bank_accounts, codes, devices, messages, notifications
from portal.services.notifications import Event

notifications.declare(
    {
        "withdrawal_confirmed": Event(
            "money", N_("Withdrawal completed"), N_("%(amount)s arrived at %(destination)s."), icon="circle-check"
        ),
        "withdrawal_failed": Event(
            "money",
            N_("Withdrawal failed"),
            N_("%(amount)s to %(destination)s could not be sent. The money is back in your wallet."),
            icon="circle-alert",
        ),
        "withdrawal_rejected": Event(
            "money",
            N_("Withdrawal not approved"),
            N_("%(amount)s to %(destination)s was not approved. The money is back in your wallet."),
            icon="circle-alert",
        ),
        "withdrawal_cancelled": Event(
            "money",
            N_("Withdrawal stopped"),
            N_("%(amount)s to %(destination)s was stopped. The money is in your wallet."),
            icon="circle-alert",
        ),
        "received_inside": Event(
            "money", N_("Deposit received"), N_("%(amount)s arrived in your wallet."), icon="circle-check"
        ),
    }
)


def send_code(
    session: Session, withdrawal: Withdrawal, contact: Customer, channel: str, target: str, code: str
) -> None:
    """Sends the code; the message names asset, amount and the destination's ends, the mail the whole address and the freeze link."""
    facts: dict[str, Any] = {
        "units": withdrawal.amount_units,
        "fee_units": withdrawal.fee_units,
        "asset": withdrawal.asset,
        "kind": withdrawal.kind,
        "network": withdrawal.network,
        "destination": destination_text(session, withdrawal),
        "address": withdrawal.address or "",
        "person": contact.display_name,
    }
    expires_at = now(session) + codes.LIFE
    if channel == "sms":
        messages.sms(session, target, "withdrawal_code", contact.locale, facts, code=code, expires_at=expires_at)
        return
    facts["freeze_link"] = devices.lock_link(session, contact.id)
    messages.mail(session, target, "withdrawal_code", contact.locale, facts, code=code, expires_at=expires_at)


def tell(session: Session, withdrawal: Withdrawal, event: str) -> None:
    """Tells whoever asked for the withdrawal how it ended."""
    contact_id = (withdrawal.details or {}).get("contact_id", withdrawal.owner_id)
    facts = {
        "amount": notifications.amount(withdrawal.amount_units, withdrawal.asset),
        "destination": destination_text(session, withdrawal),
    }
    own = withdrawal.owner_kind == "customer"
    link = f"/wallet/withdraw/{withdrawal.public_id}" if own else "/merchant"
    notifications.tell(session, contact_id, event, facts, link)


def tell_receiver(session: Session, deposit: Deposit) -> None:
    """Tells a customer of money that came from inside the portal."""
    facts = {"amount": notifications.amount(deposit.amount_units, deposit.asset)}
    notifications.tell(session, deposit.owner_id, "received_inside", facts, "/wallet/history")


def destination_text(session: Session, withdrawal: Withdrawal) -> str:
    """Where it goes, by the ends people compare: `T…Dfg4`, or bank code and the account's last four."""
    if withdrawal.address:
        head = 6 if withdrawal.address.startswith("0x") else 4
        return f"{withdrawal.address[:head]}…{withdrawal.address[-6:]}"
    if withdrawal.bank_account_id is None:
        return ""
    account = bank_accounts.by_ids(session, [withdrawal.bank_account_id])[withdrawal.bank_account_id]
    return f"{account.bank_code} …{account.tail}"
