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
