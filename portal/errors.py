"""Refusals: what the business says no to, by name. Each API family and the pages translate them once."""

from collections.abc import Mapping
from typing import Any


def N_(text: str) -> str:
    """Marks an English text for translation where it is declared; the page translates it where it is shown."""
    return text


class Refusal(Exception):
    """A named refusal with its facts.

    `name` is one of CATALOGUE. `field` is the input it belongs to, if any. With `keep=True` what the service
    wrote before it refused is committed (a counted try, a lock-out); such a refusal is raised before any other
    write. Everything else is rolled back.
    """

    def __init__(self, name: str, *, field: str | None = None, keep: bool = False, **facts: Any) -> None:
        if name not in CATALOGUE:
            raise KeyError(f"unknown refusal {name!r}")
        super().__init__(name)
        self.name = name
        self.field = field
        self.keep = keep
        self.facts: Mapping[str, Any] = facts

    @property
    def message(self) -> str:
        """The English text, with the facts filled in; pages translate it through the catalogue of texts."""
        return CATALOGUE[self.name]


#: Name of every refusal and its English text (the msgid of the translation). Grouped by subject, sorted inside.
CATALOGUE: dict[str, str] = {
    # input
    "input_invalid": N_("Please check this entry."),
    "input_missing": N_("Please fill this in."),
    "amount_invalid": N_("Enter an amount in plain digits, for example 1000 or 0.5."),
    "amount_too_precise": N_("That is more decimal places than this currency has."),
    "amount_out_of_range": N_("The amount is outside the limits."),
    "currency_unknown": N_("This currency or network is not offered."),
    "not_found": N_("There is no such record."),
    "idempotency_conflict": N_("This request key was used before with other contents."),
    "too_many_requests": N_("Too many requests. Please wait a moment and try again."),
    "illegal_request": N_("This request is not allowed here."),
    "state_conflict": N_("This has moved on in the meantime. Please look at its present state."),
    "unavailable": N_("This service is not available right now. Nothing was changed; please try again."),
    # sign-in and sessions
    "session_required": N_("Please sign in."),
    "second_factor_required": N_("Please enter the code of your authenticator."),
    "forbidden": N_("You may not do this."),
    # money
    "insufficient_balance": N_("The available balance is too low."),
    "already_posted": N_("This was booked already."),
}


def declare(texts: Mapping[str, str]) -> None:
    """Adds a subject's refusals to the catalogue. Raises ValueError when a name is taken with another text."""
    for name, text in texts.items():
        if CATALOGUE.setdefault(name, text) != text:
            raise ValueError(f"refusal {name!r} is declared twice")
