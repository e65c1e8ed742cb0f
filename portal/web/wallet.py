"""The wallet: what one has, what it is worth, and what happened last."""

from typing import Any

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.http import portal
from portal.models.customers import Customer
from portal.services import history, kyc, prices, second_factor, wallet
from portal.web import blueprint, rendering
from portal.web.access import customer_id, login_required

#: Lines of history on the wallet's page.
RECENT = 6


@blueprint.get("/wallet")
@login_required
def wallet_page() -> ResponseReturnValue:
    """Balances and the newest lines of history."""
    return rendering.page("wallet/wallet.html", **portal().db.read(_facts, customer_id()))


@blueprint.get("/wallet/balances")
@login_required
def wallet_balances() -> ResponseReturnValue:
    """The live block."""
    facts = portal().db.read(_facts, customer_id())
    return rendering.polled(rendering.render_block("wallet/wallet.html", "balances", **facts))


def _facts(session: Session, customer: int) -> dict[str, Any]:
    overview = wallet.overview(session, customer)
    shown = [holding for holding in overview.holdings if holding.total or holding.asset in wallet.BROKERAGE]
    level = session.get_one(Customer, customer).kyc_level
    return {
        "overview": overview,
        "holdings": shown,
        "tickers": {ticker.base: ticker for ticker in prices.tickers(session)},
        "rows": history.page(session, customer, limit=RECENT).rows,
        "kyc_level": level,
        "reviewing": level < 3 and kyc.VERIFYING in kyc.standing(session, customer).levels.values(),
        "has_second": second_factor.is_bound(session, "customer", customer),
    }
