"""A customer's deposits of vouchers from the TRON chain; crediting them is services/deposits.py."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import Refusal
from portal.models.wallet import Deposit
from portal.services.networks import TRON
from portal.services.voucher_profiles import VOUCHERS


def of_customer(customer_id: int) -> sa.Select[Deposit]:
    """The query of a customer's voucher deposits; one whose block left the chain is none."""
    return sa.select(Deposit).where(
        Deposit.owner_kind == "customer",
        Deposit.owner_id == customer_id,
        Deposit.asset.in_(VOUCHERS),
        Deposit.network == TRON,
        Deposit.status != "dropped",
    )


def find(session: Session, customer_id: int, public_id: str) -> Deposit:
    """A customer's voucher deposit by its id outside. Raises Refusal `not_found`, for a foreign one alike."""
    found = session.scalar(of_customer(customer_id).where(Deposit.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    return found


def page(
    session: Session, customer_id: int, *, before_id: int | None = None, after_id: int | None = None, count: int = 10
) -> list[Deposit]:
    """A customer's voucher deposits, newest first, below (or just above) a number: one page by keyset."""
    query = of_customer(customer_id)
    if after_id is not None:
        newer = session.scalars(query.where(Deposit.id > after_id).order_by(Deposit.id).limit(count))
        return list(newer)[::-1]
    if before_id is not None:
        query = query.where(Deposit.id < before_id)
    return list(session.scalars(query.order_by(Deposit.id.desc()).limit(count)))
