"""The worker books settlements as arrived: what hears of that is loaded with it."""

from portal.services import settlements, store_payments

#: Declared when imported: they count a store's days and tell its webhooks in the booking's own transaction.
HOOKS = (settlements.note_paid, store_payments.note_paid)
