"""How lines of history read: the word and the sign of each kind, for every page that lists them."""

from flask_babel import gettext

from portal.errors import N_
from portal.web import blueprint

#: Kind of activity → (word, icon).
WORDS: dict[str, tuple[str, str]] = {
    "deposit": (N_("Deposit"), "arrow-down-left"),
    "withdrawal": (N_("Withdrawal"), "arrow-up-right"),
    "buy": (N_("Purchase"), "arrow-down"),
    "sell": (N_("Sale"), "arrow-up"),
    "convert": (N_("Conversion"), "refresh-cw"),
    "transfer_in": (N_("Transfer received"), "arrow-down-left"),
    "transfer_out": (N_("Transfer sent"), "send"),
    "payment": (N_("Payment"), "store"),
    "refund": (N_("Refund"), "rotate-ccw"),
    "voucher_buy": (N_("Voucher purchase"), "ticket"),
    "swap": (N_("Voucher swap"), "arrow-left-right"),
    "adjustment": (N_("Correction"), "pencil"),
}


@blueprint.app_template_global("activity_title")
def title(kind: str) -> str:
    """The kind's word in the reader's language; an unknown kind is shown readably as it is."""
    return gettext(WORDS[kind][0]) if kind in WORDS else kind.replace("_", " ").capitalize()


@blueprint.app_template_global("activity_icon")
def icon_of(kind: str) -> str:
    """The sign beside it."""
    return WORDS[kind][1] if kind in WORDS else "circle-dot"
