"""Price alerts: marks a customer sets, watched by the worker, told once."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, now
from portal.errors import N_, Refusal, declare
from portal.models.alerts import PriceAlert
from portal.models.customers import Customer
from portal.services import notifications, prices
from portal.services.notifications import Event

ABOVE, BELOW = "above", "below"
MOST = 20
_MICRO = 6
_AT_ONCE = 200

declare(
    {
        "alert_price_invalid": N_("Enter a price in TWD with at most six decimal places."),
        "alert_passed_already": N_("The price is past that mark already."),
        "alerts_too_many": N_("You have as many alerts as an account may have. Please remove one first."),
        "alert_direction_invalid": N_("Choose above or below."),
    }
)

notifications.declare(
    {
        "price_above": Event("alerts", N_("Price alert"), N_("%(asset)s has risen to %(price)s TWD or more."), icon="chart-line"),
        "price_below": Event("alerts", N_("Price alert"), N_("%(asset)s has fallen to %(price)s TWD or less."), icon="chart-line"),
    }
)  # fmt: skip


def watched(session: Session, customer_id: int) -> list[PriceAlert]:
    """A customer's alerts that were not told or removed yet, newest first."""
    query = sa.select(PriceAlert).where(
        PriceAlert.customer_id == customer_id, PriceAlert.fired_at.is_(None), PriceAlert.removed_at.is_(None)
    )
    return list(session.scalars(query.order_by(PriceAlert.id.desc())))


def add(session: Session, customer_id: int, asset: str, direction: str, price: Decimal) -> PriceAlert:
    """Sets a mark.

    Raises Refusal `currency_unknown`, `alert_direction_invalid`, `alert_price_invalid`, `alert_passed_already`,
    `alerts_too_many`.
    """
    symbol = prices.symbol_of(asset)
    if direction not in (ABOVE, BELOW):
        raise Refusal("alert_direction_invalid", field="direction")
    micro = price.scaleb(_MICRO)
    if micro != micro.to_integral_value() or not 0 < micro < 10**17:
        raise Refusal("alert_price_invalid", field="price")
    present = prices.last(session, symbol)
    if (direction == ABOVE and present >= price) or (direction == BELOW and present <= price):
        raise Refusal("alert_passed_already", field="price")
    session.scalar(sa.select(Customer.id).where(Customer.id == customer_id).with_for_update())
    if len(watched(session, customer_id)) >= MOST:
        raise Refusal("alerts_too_many")
    made = PriceAlert(
        customer_id=customer_id, asset=asset, direction=direction, price_micro=int(micro), created_at=now(session)
    )
    session.add(made)
    session.flush()
    return made


def remove(session: Session, customer_id: int, alert_id: int) -> None:
    """Takes a mark back. Raises Refusal `not_found`, for a foreign one alike."""
    gone = session.execute(
        _still(sa.update(PriceAlert))
        .where(PriceAlert.id == alert_id, PriceAlert.customer_id == customer_id)
        .values(removed_at=now(session))
    )
    if affected(gone) != 1:
        raise Refusal("not_found")


def watch(session: Session) -> int:
    """Tells everyone whose mark the prices in force have reached; how many, at most some hundreds at once."""
    told = 0
    for asset in prices.MARKETS:
        try:
            present = int(prices.last(session, prices.symbol_of(asset)).scaleb(_MICRO))
        except Refusal:
            continue
        reached = sa.or_(
            sa.and_(PriceAlert.direction == ABOVE, PriceAlert.price_micro <= present),
            sa.and_(PriceAlert.direction == BELOW, PriceAlert.price_micro >= present),
        )
        query = sa.select(PriceAlert).where(
            PriceAlert.asset == asset, PriceAlert.fired_at.is_(None), PriceAlert.removed_at.is_(None), reached
        )
        for alert in session.scalars(query.order_by(PriceAlert.id).limit(_AT_ONCE)).all():
            told += _fire(session, alert)
    return told


def price_text(alert: PriceAlert) -> str:
    """The mark as plain text."""
    text = format(Decimal(alert.price_micro).scaleb(-_MICRO), "f")
    return text.rstrip("0").rstrip(".")


def _fire(session: Session, alert: PriceAlert) -> int:
    fired = session.execute(
        _still(sa.update(PriceAlert)).where(PriceAlert.id == alert.id).values(fired_at=now(session))
    )
    if affected(fired) != 1:
        return 0
    facts = {"asset": alert.asset, "price": price_text(alert)}
    notifications.tell(session, alert.customer_id, f"price_{alert.direction}", facts, f"/trade?asset={alert.asset}")
    return 1


def _still(change: sa.Update) -> sa.Update:
    return change.where(PriceAlert.fired_at.is_(None), PriceAlert.removed_at.is_(None)).execution_options(
        synchronize_session=False
    )
