"""What the house offers at present: for every asset and network whether deposits, withdrawals and trades may begin.

A switch closes the door to what is new. What began before goes on: a coin that arrives is credited, a withdrawal that waits
for its code is sent, a price that is held is kept. Two people move a switch; every change is a version of the rule.
An asset is added by a release, since its scale, its contract and its market are code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.models.system import Parameter
from portal.permissions import SETTINGS_APPROVE, SETTINGS_CHANGE
from portal.services import approvals, audit, parameters
from portal.services.networks import networks_of

RULE = "offering"
KIND = "offering.switch"

DEPOSITS, WITHDRAWALS, TRADING = "deposits", "withdrawals", "trading"
ACTS = (DEPOSITS, WITHDRAWALS, TRADING)

#: What each thing can be switched for, by its name, in the order that it is shown.
THINGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("USDT", "ETH", "TWIP", "TWIG"), ACTS),
    **dict.fromkeys(("TRON", "ETHEREUM"), (DEPOSITS, WITHDRAWALS)),
}


def _entry(act: str) -> str:
    """What a switch is called in the rule."""
    return f"{act}_open"


parameters.declare(RULE, {thing: {_entry(act): True for act in acts} for thing, acts in THINGS.items()})
declare(
    {
        "deposits_paused": N_(
            "Deposits of this kind are paused for the moment. Anything already sent is credited as usual."
        ),
        "withdrawals_paused": N_(
            "Withdrawals of this kind are paused for the moment. Those under way are carried out."
        ),
        "trading_paused": N_("Trading in this currency is paused for the moment. Please try again later."),
        "switch_as_before": N_("It stands like this already."),
    }
)


@dataclass(frozen=True, slots=True)
class Switch:
    """How one thing stands: its name, and by act whether it is open."""

    thing: str
    acts: Mapping[str, bool]


def is_open(session: Session, act: str, *things: str) -> bool:
    """Whether an act may begin with all these assets and networks; what has no switch is open."""
    rule = parameters.get(session, RULE)
    return all(rule.get(thing, {}).get(_entry(act), True) for thing in things)


def check(session: Session, act: str, *things: str, field: str | None = None) -> None:
    """Raises Refusal `deposits_paused`, `withdrawals_paused` or `trading_paused` unless the act is open with all things."""
    if not is_open(session, act, *things):
        raise Refusal(f"{act}_paused", field=field)


def open_networks(session: Session, asset: str, *acts: str) -> list[str]:
    """The networks of an asset on which at least one of the acts may begin."""
    return [network for network in networks_of(asset) if any(is_open(session, act, asset, network) for act in acts)]


def switches(session: Session) -> list[Switch]:
    """How everything stands."""
    return [Switch(thing, {act: is_open(session, act, thing) for act in acts}) for thing, acts in THINGS.items()]


def subject(thing: str) -> str:
    """What proposals about a thing are filed under."""
    return f"{RULE}:{thing}"


def proposal(session: Session, thing: str, act: str, wanted: bool) -> tuple[str, dict[str, Any]]:
    """Subject and payload of a proposal to move a switch. Raises Refusal `input_invalid`, `switch_as_before`."""
    if act not in THINGS.get(thing, ()):
        raise Refusal("input_invalid", field="switch")
    present = is_open(session, act, thing)
    if present == wanted:
        raise Refusal("switch_as_before", field="switch")
    return subject(thing), {"thing": thing, "before": {_entry(act): present}, "after": {_entry(act): wanted}}


@approvals.declare_kind(KIND, N_("Switch of an asset or network"), propose=SETTINGS_CHANGE, approve=SETTINGS_APPROVE)
def carry_out(session: Session, payload: Mapping[str, Any], actor: str, reference: str) -> dict[str, Any]:
    """Moves a switch: a new version of the rule. Raises Refusal `approval_overtaken` when it was moved meanwhile."""
    thing = str(payload["thing"])
    ((entry, wanted),) = payload["after"].items()
    switches = parameters.DEFAULTS[RULE].get(thing, {})
    if entry not in switches:
        raise Refusal("not_found")
    query = sa.select(Parameter.version, Parameter.value).where(Parameter.name == RULE)
    newest = session.execute(query.order_by(Parameter.version.desc()).limit(1)).first()
    version, changed = (newest.version, newest.value) if newest else (0, {})
    present = {**switches, **changed.get(thing, {})}
    if {entry: present[entry]} != dict(payload["before"]):
        raise Refusal("approval_overtaken")
    value = {**changed, thing: {**present, entry: bool(wanted)}}
    made = parameters.change(session, RULE, value, actor, after=version)
    audit.write(session, actor, KIND, subject(thing), details=dict(payload))
    return {"version": made}
