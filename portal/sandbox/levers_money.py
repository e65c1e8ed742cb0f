"""Levers that play the bank and the chains: money arrives, blocks go by, a chain changes its mind."""

import secrets
from typing import Any

from flask.typing import ResponseReturnValue

from portal.api.parsing import decimal_of
from portal.errors import Refusal
from portal.http import portal
from portal.money import SCALES, AmountError, parse_units
from portal.sandbox import levers
from portal.sandbox.levers_world import body, text, whole, world
from portal.services import bank_credits, networks
from portal.worker import deposits as watching

#: A token nobody knows has this many places on its chain.
_USUAL_PLACES = 6
_LONGEST = {
    "tx_hash": 100,
    "asset": 8,
    "to": 64,
    "contract": 64,
    "payer_account": 64,
    "payer_name": 200,
    "reference": 200,
}


def optional(values: dict[str, Any], name: str) -> str | None:
    """A text that may be missing or null. Raises Refusal `input_invalid`."""
    if values.get(name) is None:
        return None
    found = text(values, name)
    if len(found) > _LONGEST.get(name, 200):
        raise Refusal("input_invalid", field=name)
    return found


def amount_units(values: dict[str, Any], asset: str) -> int:
    """The lever's amount in ledger units, more than zero. Raises Refusal `amount_invalid` or another of its kind."""
    if "amount" not in values:
        raise Refusal("input_missing", field="amount")
    number = decimal_of(values["amount"], "amount")
    try:
        if asset in SCALES:
            units = parse_units(number, asset)
        else:
            units = int(number.scaleb(_USUAL_PLACES))
    except AmountError as error:
        names = {"too_precise": "amount_too_precise", "too_large": "amount_out_of_range"}
        raise Refusal(names.get(error.reason, "amount_invalid"), field="amount") from error
    if not 0 < units < 2**62:
        raise Refusal("amount_out_of_range", field="amount")
    return units


@levers.post("/bank/credits")
def bank_credit() -> ResponseReturnValue:
    """Money arrives on a virtual or company account; answers what it matched, or `suspense` with the reason."""
    values = body()
    account = text(values, "account")
    if len(account) > 64:
        raise Refusal("input_invalid", field="account")
    credit = portal().db.transact(
        bank_credits.receive,
        account=account,
        amount_units=amount_units(values, "TWD"),
        payer_account=optional(values, "payer_account"),
        payer_name=optional(values, "payer_name"),
        reference=optional(values, "reference"),
    )
    return {
        "id": credit.public_id,
        "matched": credit.outcome,
        "outcome": credit.outcome,
        "reason": credit.reason,
        "reference": credit.bank_reference,
    }


@levers.post("/chain/transfers")
def chain_transfer() -> ResponseReturnValue:
    """A transfer lands in the next block and the portal looks at it; what is not for the portal, nobody sees.

    `contract` makes a token of the same name from elsewhere, `succeeded` false a transaction that was reverted.
    """
    values = body()
    network = networks.network_of(text(values, "network"))
    asset, to = optional(values, "asset") or text(values, "asset"), optional(values, "to") or text(values, "to")
    succeeded = values.get("succeeded", True)
    if not isinstance(succeeded, bool):
        raise Refusal("input_invalid", field="succeeded")
    tx_hash = optional(values, "tx_hash") or ("0x" if network == networks.ETHEREUM else "") + secrets.token_hex(32)
    log_index = whole(values, "log_index", least=0, most=10**6) if values.get("log_index") is not None else 0
    chain: Any = portal().ports.chains[network]  # the sandbox's twin, which takes transfers by hand
    chain.add_transfer(
        asset, to, amount_units(values, asset), tx_hash, log_index, sender="sandbox", contract=optional(values, "contract"),
        succeeded=succeeded,
    )  # fmt: skip
    look()
    query = "SELECT block_number FROM chain_transfers WHERE network = ? AND tx_hash = ? AND log_index = ?"
    block = world().rows(query, network, tx_hash, log_index)[0]["block_number"]
    return {"network": network, "tx_hash": tx_hash, "log_index": log_index, "block_number": block}


@levers.post("/chain/blocks")
def chain_blocks() -> ResponseReturnValue:
    """Blocks go by, on every network when none is named, and the portal looks at them."""
    values = body()
    count = whole(values, "count", least=1, most=100_000)
    chosen = optional(values, "network")
    heads = {}
    for network in [networks.network_of(chosen)] if chosen else list(portal().ports.chains):
        chain: Any = portal().ports.chains[network]
        heads[network] = chain.mine(count)
    look()
    return {"heads": heads}


@levers.post("/chain/reorganise")
def chain_reorganise() -> ResponseReturnValue:
    """The newest blocks give way to others; their transfers are mined again in the newest one, or lost (`again` false)."""
    values = body()
    network = networks.network_of(text(values, "network"))
    depth = whole(values, "depth", least=1, most=1000)
    again = values.get("again", True)
    if not isinstance(again, bool):
        raise Refusal("input_invalid", field="again")
    chain: Any = portal().ports.chains[network]
    touched = chain.reorganise(depth, again=again)
    look()
    return {"network": network, "depth": depth, "transfers": touched}


def look() -> None:
    """Lets the portal read the chains until there is nothing new; a chain with a fault is read at a later turn."""
    for _ in range(50):
        if not watching.watch(portal()):
            return
