"""The double-entry ledger: `post` moves money, `balances` looks, `check` proves."""

from portal.ledger.chart import (
    AccountKey,
    card_balance,
    customer_available,
    customer_frozen,
    house,
    institution_float,
    store_available,
    store_frozen,
)
from portal.ledger.posting import (
    Line,
    Posting,
    balance,
    balances,
    foreseen,
    journal_id,
    lock,
    lock_owner,
    post,
    post_seen,
    reverse,
)

__all__ = [
    "AccountKey",
    "Line",
    "Posting",
    "balance",
    "balances",
    "card_balance",
    "customer_available",
    "customer_frozen",
    "foreseen",
    "house",
    "institution_float",
    "journal_id",
    "lock",
    "lock_owner",
    "post",
    "post_seen",
    "reverse",
    "store_available",
    "store_frozen",
]
