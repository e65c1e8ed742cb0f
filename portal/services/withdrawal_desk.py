"""Everything a customer's withdrawal page shows before anything is asked for."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal import ledger
from portal.db import now
from portal.errors import N_
from portal.models.customers import Customer
from portal.models.wallet import CommonAddress, Withdrawal
from portal.services import (
    bank_accounts,
    common_addresses,
    limits,
    networks,
    offering,
    second_factor,
    travel_rule,
    withdrawal_rules,
)
from portal.services.bank_accounts import BankAccountView

ASSETS = ("TWD", "USDT", "ETH")


@dataclass(frozen=True, slots=True)
class Desk:
    """What may leave, where to, and what stands in the way. Amounts in ledger units of the asset."""

    asset: str
    kind: str
    rules: list[withdrawal_rules.Rule]
    available_units: int
    remaining: limits.Remaining
    accounts: list[BankAccountView]
    addresses: list[CommonAddress]
    has_totp: bool
    kyc_level: int
    standing: str
    known_only: bool
    held_until: datetime | None
    travel_from_units: int = 0
    paused: tuple[str, ...] = ()

    @property
    def level_needed(self) -> int:
        """The KYC level that opens this asset's withdrawals."""
        return self.rules[0].level_needed

    @property
    def open_rules(self) -> list[withdrawal_rules.Rule]:
        """The rules of the networks on which a withdrawal may begin at present; `paused` has the others."""
        return [rule for rule in self.rules if rule.network not in self.paused]

    @property
    def most_units(self) -> int:
        """The largest amount that could be asked for now."""
        return max(0, min(self.available_units, self.remaining.units, self.rules[0].max_units))

    @property
    def open(self) -> bool:
        """Whether the form is of any use to this customer now."""
        return (
            self.standing == "normal" and self.kyc_level >= self.level_needed and self.has_totp
            and self.held_until is None and bool(self.open_rules) and (self.kind != withdrawal_rules.FIAT or bool(self.accounts))
        )  # fmt: skip


def desk(session: Session, customer_id: int, asset: str) -> Desk:
    """The page's facts for one asset. Raises Refusal `currency_unknown`."""
    kind = withdrawal_rules.FIAT if asset == "TWD" else withdrawal_rules.CRYPTO
    customer = session.get_one(Customer, customer_id)
    rules = withdrawal_rules.rules(session, kind, asset, customer.kyc_level)
    until = customer.withdrawals_held_until
    return Desk(
        asset=asset,
        kind=kind,
        rules=rules,
        available_units=ledger.balance(session, ledger.customer_available(customer_id, asset)),
        remaining=withdrawal_rules.left(session, "customer", customer_id, rules[0]),
        accounts=bank_accounts.verified(session, "customer", customer_id) if kind == withdrawal_rules.FIAT else [],
        addresses=common_addresses.named(session, customer_id, asset=asset) if kind != withdrawal_rules.FIAT else [],
        has_totp=second_factor.is_bound(session, "customer", customer_id),
        kyc_level=customer.kyc_level,
        standing=customer.standing,
        known_only=customer.known_addresses_only,
        held_until=until if until is not None and until > now(session) else None,
        travel_from_units=travel_rule.from_units(session),
        paused=tuple(
            rule.network
            for rule in rules
            if rule.network != networks.BANK
            and not offering.is_open(session, offering.WITHDRAWALS, asset, rule.network)
        ),
    )


def network_names(asset: str = "USDT") -> dict[str, str]:
    """The networks as people know them; a network's own coin is no token of it."""
    ethereum = N_("Ethereum") if asset == "ETH" else N_("Ethereum (ERC20)")
    return {networks.TRON: N_("TRON (TRC20)"), networks.ETHEREUM: ethereum}


def account_of(session: Session, withdrawal: Withdrawal) -> BankAccountView | None:
    """The bank account a withdrawal goes to."""
    if withdrawal.bank_account_id is None:
        return None
    return bank_accounts.by_ids(session, [withdrawal.bank_account_id])[withdrawal.bank_account_id]
