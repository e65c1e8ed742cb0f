"""The chart of accounts: who may own a balance and in which buckets."""

from typing import NamedTuple

#: House accounts are split into this many slots, so that concurrent postings do not queue for one row.
HOUSE_SLOTS = 32

AVAILABLE = "available"
FROZEN = "frozen"
FLOAT = "float"
BALANCE = "balance"

#: House buckets. `inventory` is what the house trades from; `bank` and `chain` mirror what is held outside (negative:
#: held for others); `fees`, `spread` and `rounding` are income; `suspense` is money of unknown owners; `issuance`
#: stands against vouchers in circulation; `clearing` is what left and is not yet proven to have arrived;
#: `card_network` mirrors what the card network holds; `adjustments` takes manual corrections.
HOUSE_BUCKETS = (
    "inventory",
    "bank",
    "chain",
    "fees",
    "spread",
    "rounding",
    "suspense",
    "issuance",
    "clearing",
    "card_network",
    "adjustments",
)


class AccountKey(NamedTuple):
    """Names one account: who owns it, in which asset, in which bucket."""

    owner_kind: str
    owner_id: int
    asset: str
    bucket: str


def customer_available(customer_id: int, asset: str) -> AccountKey:
    """What a customer may spend now."""
    return AccountKey("customer", customer_id, asset, AVAILABLE)


def customer_frozen(customer_id: int, asset: str) -> AccountKey:
    """What is held of a customer's money for something under way."""
    return AccountKey("customer", customer_id, asset, FROZEN)


def store_available(store_id: int, asset: str) -> AccountKey:
    """A store's takings that may be settled or refunded."""
    return AccountKey("store", store_id, asset, AVAILABLE)


def store_frozen(store_id: int, asset: str) -> AccountKey:
    """A store's takings held for a settlement under way."""
    return AccountKey("store", store_id, asset, FROZEN)


def institution_float(institution_id: int, asset: str) -> AccountKey:
    """What an institution has deposited to open and load cards."""
    return AccountKey("institution", institution_id, asset, FLOAT)


def card_balance(card_id: int, asset: str) -> AccountKey:
    """What was loaded onto a partner card and not spent."""
    return AccountKey("card", card_id, asset, BALANCE)


def house(bucket: str, asset: str) -> AccountKey:
    """A house account. Raises ValueError for a bucket the chart does not know."""
    if bucket not in HOUSE_BUCKETS:
        raise ValueError(f"no house account {bucket!r}")
    return AccountKey("house", 0, asset, bucket)
