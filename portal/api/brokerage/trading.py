"""Trading in the brokerage family: trade/quote and trade/accept, the portal's hot path."""

from decimal import Decimal
from typing import Any

from pydantic import Field

from portal.api import parsing
from portal.api.brokerage.family import family
from portal.api.family import Call
from portal.clock import to_ms
from portal.errors import Refusal
from portal.money import to_decimal
from portal.services import foreseen, quotes
from portal.services.pricing import ORDER_ASSET
from portal.services.quotes import Held
from portal.services.sessions import SignedIn

#: Enum quote_status: what became of a quote, in data.status.
STATUS = {"quoted": 30001, "executed": 30007, "expired": 30008, "unfunded": 8}


class QuoteBody(parsing.Model):
    """What to trade: exactly one of the two amounts."""

    side: str
    quoteAmountInBase: Any = Field(default=None, json_schema_extra={"type": "number"})
    quoteAmountInOrder: Any = Field(default=None, json_schema_extra={"type": "number"})
    quoteBaseCurrency: str = "USDT"


class AcceptBody(parsing.Model):
    """The quote to execute."""

    quoteId: str


@family.route(
    "POST", "/trade/quote", "otc_quote", auth="session", summary="Hold a price", body=QuoteBody, quick=True,
    errors=("side_invalid", "one_amount", "amount_invalid", "amount_too_precise", "amount_out_of_range",
            "currency_unknown", "trading_paused", "trading_not_allowed", "stock_short", "price_unknown", "price_stale"),
)  # fmt: skip
def otc_quote(call: Call[SignedIn]) -> Any:
    """A price held for the caller."""
    body: QuoteBody = call.body
    if body.quoteBaseCurrency not in ("USDT", "ETH"):
        raise Refusal("currency_unknown", field="quoteBaseCurrency")
    given, units = quotes.amount(body.quoteBaseCurrency, body.quoteAmountInBase, body.quoteAmountInOrder)
    return call.change(_quoted, quotes.offer, call.caller.customer_id, body.side, body.quoteBaseCurrency, given, units)


@family.route(
    "POST", "/trade/accept", "otc_accept", auth="session", summary="Execute a held price", body=AcceptBody, quick=True,
    errors=("trading_not_allowed", "not_found"),
)  # fmt: skip
def otc_accept(call: Call[SignedIn]) -> Any:
    """What became of the quote: executed, expired or unfunded is told in data.status with code 1 (reading B37)."""
    customer_id, quote_id = call.caller.customer_id, call.body.quoteId
    done = call.at_once(foreseen.accept, customer_id, quote_id)
    if done is not None:
        return _accepted(done)

    def again(kept: dict[str, Any]) -> dict[str, Any]:
        return _accepted(call.look(quotes.of_customer, customer_id, kept["quote"]))

    return call.change(_accepted, quotes.accept, customer_id, quote_id, again=again)


def _common(quote: Held) -> dict[str, Any]:
    return {
        "quoteId": quote.public_id,
        "side": quote.side,
        "quoteBaseCurrency": quote.base_asset,
        "quoteOrderCurrency": ORDER_ASSET,
        "quoteAmountInBase": to_decimal(quote.base_units, quote.base_asset),
        "quoteAmountInOrder": to_decimal(quote.order_units, ORDER_ASSET),
        "quoteValidDurationMs": quote.valid_ms,
        "unitPrice": quote.unit_price,
        "status": STATUS[quote.status],
    }


def _quoted(quote: Held) -> dict[str, Any]:
    original: Decimal = quote.market_price
    return {**_common(quote), "originalUnitPrice": original, "quoteTimestamp": to_ms(quote.created_at)}


def _accepted(quote: Held) -> dict[str, Any]:
    return {**_common(quote), "transactionTimestamp": to_ms(quote.closed_at or quote.created_at)}
