"""What a withdrawal costs and how much may leave: fees, bounds, limits by KYC level, and when staff must approve."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.errors import N_, Refusal, declare
from portal.money import parse_units, to_decimal
from portal.services import limits, parameters, prices
from portal.services.networks import BANK

#: Kinds of withdrawal: to a chain, to a bank, vouchers for TWD, vouchers to a TRON address, a store's takings for TWD.
CRYPTO, FIAT, REDEMPTION, VOUCHER, SETTLEMENT = "crypto", "fiat", "redemption", "voucher", "settlement"

declare(
    {
        "address_invalid": N_("This is no address of the chosen network. Please check every character."),
        "address_own": N_("This is your own address here: nothing would arrive but the fee would be gone."),
        "address_not_known": N_("Your account pays out to known addresses only, and this one does not count yet."),
        "amount_not_whole": N_("The bank pays whole dollars. Please enter an amount without cents."),
        "withdrawals_not_allowed": N_("Your account may not withdraw this yet."),
        "withdrawals_held": N_("Withdrawals are on hold for the time being."),
    }
)

#: Amounts are plain decimal text. `level` is the KYC level that opens it; `per_day` and `per_month` go by level, the
#: highest entry not above the customer's level counts. Brokerage pre_withdraw shows the same numbers.
parameters.declare(
    "withdrawal.fiat.TWD",
    {
        "min": "100",
        "max": "500000",
        "fees": {BANK: "15"},
        "level": 3,
        "per_day": {"3": "500000"},
        "per_month": {"3": "1000000"},
    },
)
parameters.declare(
    "withdrawal.crypto.USDT",
    {
        "min": "20",
        "max": "50000",
        "fees": {"ETHEREUM": "5", "TRON": "1"},
        "level": 2,
        "per_day": {"2": "50000", "3": "100000"},
        "per_month": {"2": "100000", "3": "200000"},
    },
)
parameters.declare(
    "withdrawal.crypto.ETH",
    {
        "min": "0.01",
        "max": "30",
        "fees": {"ETHEREUM": "0.002"},
        "level": 2,
        "per_day": {"2": "30", "3": "60"},
        "per_month": {"2": "60", "3": "120"},
    },
)
for _asset in ("TWIP", "TWIG"):
    parameters.declare(
        f"withdrawal.voucher.{_asset}",
        {
            "min": "10",
            "max": "10000000",
            "fees": {"TRON": "0"},
            "level": 0,
            "per_day": {"0": "10000000"},
            "per_month": {"0": "50000000"},
        },
    )
for _kind in (REDEMPTION, SETTLEMENT):
    parameters.declare(
        f"withdrawal.{_kind}.TWIP",
        {
            "min": "10" if _kind == REDEMPTION else "1",
            "max": "10000000",
            "fees": {BANK: "0"},
            "level": 0,
            "per_day": {"0": "10000000"},
            "per_month": {"0": "50000000"},
        },
    )

#: From these values in TWD on, one person or two different people of the staff look at a withdrawal before it leaves.
parameters.declare("withdrawal_approval", {"one_above_twd": "300000", "two_above_twd": "3000000"})

#: How long a withdrawal waits for its code.
parameters.declare("withdrawal", {"pending_minutes": 30})


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one kind, asset and network for one KYC level, in ledger units of the asset."""

    kind: str
    asset: str
    network: str
    fee_units: int
    min_units: int
    max_units: int
    per_day_units: int
    per_month_units: int
    level_needed: int

    @property
    def limit_name(self) -> str:
        """The limit that the days count against; one for all networks of an asset."""
        return f"{self.kind}:{self.asset}"


def rules(session: Session, kind: str, asset: str, kyc_level: int) -> list[Rule]:
    """The rules of all networks. Raises Refusal `currency_unknown` when the asset does not leave that way."""
    name = f"withdrawal.{kind}.{asset}"
    if name not in parameters.DEFAULTS:
        raise Refusal("currency_unknown", field="currency")
    value = parameters.get(session, name)
    return [
        Rule(
            kind=kind,
            asset=asset,
            network=network,
            fee_units=parse_units(fee, asset),
            min_units=parse_units(value["min"], asset),
            max_units=parse_units(value["max"], asset),
            per_day_units=parse_units(_of_level(value["per_day"], kyc_level), asset),
            per_month_units=parse_units(_of_level(value["per_month"], kyc_level), asset),
            level_needed=value["level"],
        )
        for network, fee in value["fees"].items()
    ]


def rule(session: Session, kind: str, asset: str, network: str, kyc_level: int) -> Rule:
    """The rule of one network. Raises Refusal `currency_unknown`."""
    for found in rules(session, kind, asset, kyc_level):
        if found.network == network:
            return found
    raise Refusal("currency_unknown", field="paymentWay")


def check_amount(rule: Rule, amount_units: int) -> None:
    """Raises Refusal `amount_out_of_range` (facts: min_units, max_units) or `amount_not_whole` for what a bank pays."""
    if not max(rule.min_units, rule.fee_units + 1) <= amount_units <= rule.max_units:
        raise Refusal("amount_out_of_range", field="amount", min_units=rule.min_units, max_units=rule.max_units)
    if rule.network == BANK and to_decimal(amount_units - rule.fee_units, rule.asset) % 1:
        raise Refusal("amount_not_whole", field="amount")


def left(session: Session, owner_kind: str, owner_id: int, rule: Rule) -> limits.Remaining:
    """What is left of the rule's limits."""
    return limits.remaining(session, owner_kind, owner_id, rule.limit_name, rule.per_day_units, rule.per_month_units)


def approvals_needed(session: Session, asset: str, amount_units: int) -> int:
    """How many different people of the staff must approve: 0, 1 or 2. An asset without a price always needs one."""
    thresholds = parameters.get(session, "withdrawal_approval")
    try:
        value = prices.value_in_twd(session, asset, amount_units)
    except Refusal:
        return 1
    if value > parse_units(thresholds["two_above_twd"], "TWD"):
        return 2
    return 1 if value > parse_units(thresholds["one_above_twd"], "TWD") else 0


def _of_level(table: dict[str, str], kyc_level: int) -> str:
    fitting = [level for level in sorted(table, key=int) if int(level) <= kyc_level]
    return table[fitting[-1]] if fitting else table[min(table, key=int)]
