"""How the voucher family writes things: times, amounts, orders, payments, withdrawals.

Amounts are numbers where something is created, in assets and payments; elsewhere text with 10 places (vouchers), 4
(fees and unit price) or none (TWD), as each example of the contract shows (reading V2).
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portal.http import portal
from portal.models.stores import Store
from portal.models.vouchers import Card, CompanyBankAccount, SwapOrder
from portal.models.wallet import Deposit
from portal.money import places_text, to_decimal
from portal.services import networks
from portal.services.foreseen import Paid
from portal.services.payments import Payment
from portal.services.voucher_orders import REMITTANCE, Payable
from portal.services.voucher_profiles import Holding, Profile
from portal.services.voucher_withdrawals import Outgoing
from portal.services.withdrawal_settling import payout_units

#: Voucher words of the withdrawals' life cycle; every state between the code and the chain is `confirming`.
WITHDRAWAL_STATUS = {
    "created": "created",
    "otp_pending": "otp_pending",
    "confirmed": "confirmed",
    "failed": "failed",
    "rejected": "failed",
    "cancelled": "failed",
    "expired": "expired",
}


def moment(at: datetime | None) -> str | None:
    """UTC, whole seconds, written with microseconds and Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z") if at is not None else None


def number(units: int, asset: str) -> Decimal:
    """An amount as an exact JSON number."""
    return to_decimal(units, asset)


def rate_text(value: Decimal) -> str:
    """A price or rate with four places."""
    return f"{value:.4f}"


def holding(found: Holding) -> dict[str, Any]:
    """One row of `me/assets`."""
    return {
        "asset": found.asset,
        "free": number(found.free_units, found.asset),
        "locked": number(found.locked_units, found.asset),
    }


def created_order(made: Payable) -> dict[str, Any]:
    """The answer of `orders/buy`: numbers, and `created` although its code is on the way."""
    order = made.order
    return {
        "id": order.public_id,
        "quantity": number(order.quantity_units, "TWIP"),
        "unit_price": order.unit_price,
        "total_amount": number(order.total_units, "TWD"),
        "payout_account": made.payout.spelled,
        "payment_type": order.payment_type,
        "status": "created",
    }


def verified_order(found: Payable) -> dict[str, Any]:
    """The answer of `orders/{order}/verify`."""
    order = found.order
    return {
        "id": order.public_id,
        "quantity": places_text(order.quantity_units, "TWIP", 10),
        "unit_price": rate_text(order.unit_price),
        "total_amount": places_text(order.total_units, "TWD", 0),
        "payout_account": found.payout.spelled,
        "payment_type": order.payment_type,
        "status": order.status,
    }


def order(found: Payable) -> dict[str, Any]:
    """One row of `orders`: while unpaid with the account to pay to, for a remittance with its bank."""
    row = {**verified_order(found), "created_at": moment(found.order.created_at)}
    if found.order.status == "unpaid":
        row["payer_account"] = found.virtual_spelled
        if found.order.payment_type == REMITTANCE:
            row["payout_bank"] = {
                "bank_name": found.payout.bank_name,
                "branch_name": found.payout.branch_name,
                "account_name": found.payout.account_name,
            }
    return row


def created_swap(made: SwapOrder) -> dict[str, Any]:
    """The answer of `orders/swap`."""
    return {
        "id": made.public_id,
        "from_asset": made.from_asset,
        "to_asset": made.to_asset,
        "quantity": number(made.quantity_units, made.from_asset),
        "rate": made.rate,
        "received": number(made.received_units, made.to_asset),
        "status": "created",
        "created_at": moment(made.created_at),
    }


def swap(found: SwapOrder) -> dict[str, Any]:
    """A swap once it is there."""
    return {
        **created_swap(found),
        "quantity": places_text(found.quantity_units, found.from_asset, 10),
        "rate": rate_text(found.rate),
        "received": places_text(found.received_units, found.to_asset, 10),
        "status": found.status,
    }


def payout_account(found: CompanyBankAccount) -> dict[str, Any]:
    """One row of `payout_accounts`."""
    return {
        "bank_name": found.bank_name,
        "branch_name": found.branch_name,
        "account_name": found.account_name,
        "bank_account": found.spelled,
    }


def store(found: Store) -> dict[str, Any]:
    """A store in the public lists."""
    return {
        "id": found.public_id,
        "name": found.name,
        "address": found.address,
        "discount_type": found.discount_type,
        "discount_value": f"{found.discount_value:.2f}",
    }


def payment(found: Payment, *, status: str | None = None) -> dict[str, Any]:
    """A payment; `amount` is what is taken after the store's discount."""
    order, store = found.order, found.store
    shown = Paid(order.public_id, store.public_id, store.name, store.address, order.amount_units, order.created_at)
    return paid(shown, status or order.status)


def paid(found: Paid, status: str = "paid") -> dict[str, Any]:
    """A payment by its facts alone."""
    return {
        "id": found.id,
        "store": {"id": found.store, "name": found.name, "address": found.address},
        "amount": number(found.amount_units, "TWIP"),
        "status": status,
        "created_at": moment(found.created_at),
    }


def profile(found: Profile) -> dict[str, Any]:
    """The answer of `profile`."""
    bank = found.bank
    return {
        "email": found.email,
        "phone": found.phone,
        "bank_info": bank and {"name": bank.holder, "bank_code": bank.bank_code, "card_no": bank.masked_number},
        "status": found.status,
        "is_activated": found.is_activated,
        "created_at": moment(found.created_at),
    }


def withdrawal(found: Outgoing) -> dict[str, Any]:
    """A withdrawal in lists and after its code."""
    row = found.withdrawal
    return {
        "id": row.public_id,
        "recipient_address": row.address,
        "currency": row.asset.lower(),
        "amount": places_text(row.amount_units, row.asset, 10),
        "fee": places_text(row.fee_units, row.asset, 4),
        "fee_currency": row.asset.lower(),
        "status": WITHDRAWAL_STATUS.get(row.status, "confirming"),
        "is_external": 1 if row.internal_owner_kind is None else 0,
        "transaction_hash": row.tx_hash,
        "transaction_url": transaction_url(row.network, row.tx_hash),
        "created_at": moment(row.created_at),
        "confirmed_at": moment(row.confirmed_at),
    }


def created_withdrawal(made: Outgoing) -> dict[str, Any]:
    """The answer of `POST withdrawals`: numbers, a boolean, and `created` although its code is on the way."""
    row = made.withdrawal
    return {
        **withdrawal(made),
        "amount": number(row.amount_units, row.asset),
        "fee": number(row.fee_units, row.asset),
        "status": "created",
        "is_external": row.internal_owner_kind is None,
    }


def redemption(found: Outgoing, *, fee_places: int = 0) -> dict[str, Any]:
    """A redemption: asked for in TWIP, answered in TWD 1 to 1 (reading V22). The list writes its fee with 4 places."""
    row = found.withdrawal
    proven = row.verified_at is not None and found.bank is not None
    return {
        "id": row.public_id,
        "recipient_address": f"{found.bank.bank_code}-{found.bank.account}" if proven and found.bank else "-",
        "currency": row.payout_asset.lower(),
        "amount": places_text(payout_units(row), row.payout_asset, 0),
        "fee": places_text(row.fee_units, row.asset, fee_places),
        "fee_currency": row.payout_asset.lower(),
        "status": WITHDRAWAL_STATUS.get(row.status, "confirming"),
        "created_at": moment(row.created_at),
        "confirmed_at": moment(row.confirmed_at),
    }


def created_redemption(made: Outgoing) -> dict[str, Any]:
    """The answer of `POST redemptions`: numbers, and no bank account before the code."""
    row = made.withdrawal
    return {
        **redemption(made),
        "amount": number(payout_units(row), row.payout_asset),
        "fee": number(row.fee_units, row.asset),
        "status": "created",
    }


def deposit(found: Deposit) -> dict[str, Any]:
    """A deposit; `received_at` is UTC without a zone (reading V21)."""
    return {
        "id": found.public_id,
        "network": found.network,
        "currency": found.asset.lower(),
        "amount": places_text(found.amount_units, found.asset, 10),
        "fee": places_text(found.fee_units, found.asset, 4),
        "transaction_hash": found.tx_hash,
        "transaction_url": transaction_url(found.network, found.tx_hash),
        "status": "confirmed" if found.status == "confirmed" else "confirming",
        "received_at": found.seen_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def card(found: Card) -> dict[str, Any]:
    """One row of `cards`."""
    return {"id": found.public_id, "card_no": found.card_no, "created_at": moment(found.created_at)}


def transaction_url(network: str, tx_hash: str | None) -> str | None:
    """Where a transaction can be seen; none for what was settled inside."""
    if not tx_hash or tx_hash.startswith("internal:"):
        return None
    return networks.transaction_url(portal().settings, network, tx_hash)
