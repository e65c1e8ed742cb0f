"""How a customer likes to see the portal."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.models.customers import Customer

LOCALES = ("zh_Hant_TW", "en")
THEMES = ("auto", "light", "dark")
PRICE_COLOURS = ("taiwan", "western")


def choose(
    session: Session,
    customer_id: int,
    *,
    locale: str | None = None,
    theme: str | None = None,
    price_colours: str | None = None,
) -> None:
    """Keeps what was chosen; what is None stays. Raises Refusal `input_invalid` for an unknown choice."""
    chosen = {"locale": (locale, LOCALES), "theme": (theme, THEMES), "price_colours": (price_colours, PRICE_COLOURS)}
    for name, (value, allowed) in chosen.items():
        if value is not None and value not in allowed:
            raise Refusal("input_invalid", field=name)
    changes = {name: value for name, (value, _) in chosen.items() if value is not None}
    if changes:
        session.execute(sa.update(Customer).where(Customer.id == customer_id).values(changes))
