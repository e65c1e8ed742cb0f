"""Transactions: loading cards (partner contract 3.1 to 3.4)."""

from typing import Any

from portal.api.family import Call
from portal.api.partner.authentication import Signed
from portal.api.partner.family import Model, family
from portal.api.partner.lists import ListQuery, listed
from portal.api.rendering import literal
from portal.clock import to_ms
from portal.errors import N_, Refusal
from portal.http import portal
from portal.models.cards import CardLoad
from portal.money import SCALES, AmountError, parse_units, plain_text
from portal.services import idempotency, loads
from portal.services.calculators import COIN

#: Contract numbers of the life cycle (tx_status): 0, 3 and 4 all mean waiting.
STATUS = {"submitted": 0, "loaded": 1, "sent": 3, "processing": 4, "failed": 5}


class LoadBody(Model):
    """How much onto which card, under the institution's own number."""

    card_no: str
    acct_no: str
    amount: str
    coin_type: str
    cust_tx_id: str
    remark: str | None = None


@family.route(
    "POST", "/deposit-transactions", "load_card", auth="loads", summary=N_("Load a card"), body=LoadBody,
    errors=("111001", "111008", "111009", "111011", "111012", "111013", "111015"),
)  # fmt: skip
def load_card(call: Call[Signed]) -> Any:
    """Loads a card from the float, once per cust_tx_id."""
    body: LoadBody = call.body
    if not body.cust_tx_id.strip() or len(body.cust_tx_id) > 128 or not body.cust_tx_id.isprintable():
        raise Refusal("input_invalid", field="cust_tx_id")
    if body.remark is not None and len(body.remark) > 200:
        raise Refusal("input_invalid", field="remark")
    order = loads.Order(
        card_no=body.card_no,
        acct_no=body.acct_no,
        amount_units=positive_units(body.amount, COIN, "amount"),
        asset=body.coin_type.upper()[:16],
        cust_tx_id=body.cust_tx_id,
        remark=body.remark,
        fingerprint=idempotency.fingerprint(call.caller.body_text),
    )
    return call.change(_loaded, loads.load, call.caller.institution_id, order)


def positive_units(text: str, asset: str, field: str, places: int | None = None) -> int:
    """A positive amount in ledger units, of at most `places` decimals. Raises Refusal `amount_invalid`."""
    try:
        units = parse_units(text, asset)
    except AmountError as error:
        raise Refusal("amount_invalid", field=field) from error
    if not units or (places is not None and units % 10 ** (SCALES[asset] - places)):
        raise Refusal("amount_invalid", field=field)
    return units


def _loaded(load: CardLoad) -> dict[str, Any]:
    return {
        "tx_id": load.tx_id,
        "currency_type": load.currency,
        "deposit_usdt": plain_text(load.deposit_units, load.asset),
        "currency_amount": plain_text(load.currency_units, load.currency),
        "exchange_rate": literal(load.exchange_rate),
        "exchange_fee_rate": literal(load.exchange_fee_rate),
        "exchange_fee": plain_text(load.exchange_fee_units, load.asset),
        "loading_fee": plain_text(load.loading_fee_units, load.asset),
    }


@family.route(
    "GET", "/deposit-transactions/<tx_id>/status", "load_status", auth="loads", summary=N_("How a load stands"),
    errors=("111022", "111023"),
)  # fmt: skip
def load_status(call: Call[Signed], tx_id: str) -> Any:
    """How a load stands."""
    return {"tx_status": STATUS[loads.status_of(portal().db, call.caller.institution_id, tx_id)]}


@family.route(
    "GET", "/deposit-transactions", "list_loads", auth="loads", summary=N_("Loads, of all people or of one"),
    query=ListQuery, errors=("111001", "111035", "111036"),
)  # fmt: skip
def list_loads(call: Call[Signed]) -> Any:
    """Loads of all people, or of one with acct_no."""
    return listed(call, loads.page, record)


def record(row: CardLoad) -> dict[str, Any]:
    """A load as the contract shows it."""
    return {
        "currency_type": row.currency,
        "cust_tx_id": row.cust_tx_id,
        "card_no": row.card_no,
        "acct_no": row.acct_no,
        "cust_tx_time": to_ms(row.created_at),
        "loading_fee": plain_text(row.loading_fee_units, row.asset),
        "currency_amount": plain_text(row.currency_units, row.currency),
        "tx_amount": plain_text(row.amount_units, row.asset),
        "exchange_rate": literal(row.exchange_rate),
        "tx_id": row.tx_id,
        "coin_type": row.asset,
        "tx_status": STATUS[row.status],
        "exchange_fee": plain_text(row.exchange_fee_units, row.asset),
    }
