"""Demo customers amy and ben: identity checked to level 3, authenticator bound, and a month of real history."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger, states
from portal.bootstrap import Portal
from portal.clock import to_ms
from portal.db import context, now
from portal.ledger import Line
from portal.machines.bank_accounts import BANK_ACCOUNT
from portal.models.customers import Company, Customer
from portal.models.kyc import KycLevel
from portal.models.security import Authenticator
from portal.models.wallet import BankAccount
from portal.money import parse_units
from portal.ports import ChainHead, ChainTransfer
from portal.sandbox.demo_prices import path
from portal.services import (
    addresses,
    bank_credits,
    bank_deposits,
    deposits,
    kyc,
    networks,
    passwords,
    prices,
    quotes,
)

PASSWORD = "taroko-demo-2026"

#: What the house trades from at the start.
INVENTORY = {"USDT": "200000", "ETH": "120", "TWD": "8000000"}


@dataclass(frozen=True)
class Person:
    """A demo customer as everybody may know them; the sandbox's own page shows these."""

    username: str
    name: str
    gender: int
    birthday: date
    identity_number: str
    phone: str
    totp_secret: str
    bank_code: str
    branch_code: str
    account: str

    @property
    def email(self) -> str:
        """The address of the mailbox."""
        return f"{self.username}@example.com"


PEOPLE = (
    Person("amy", "林怡安", 0, date(1990, 5, 14), "U258702462", "+886912000001", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "809", "0094",
           "00153108730001"),
    Person("ben", "陳柏翰", 1, date(1987, 11, 2), "U158702460", "+886912000002", "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU", "005", "0016",
           "00609010000577"),
)  # fmt: skip

#: Days ago, who, what: a bank deposit in TWD, a chain deposit, or a trade (side, asset, amount in the base asset).
HISTORY: tuple[tuple[str, int, str, str, str], ...] = (
    ("amy", 29, "bank", "TWD", "150000"),
    ("amy", 28, "buy", "USDT", "1200"),
    ("ben", 27, "bank", "TWD", "80000"),
    ("amy", 24, "chain", "USDT", "500"),
    ("ben", 23, "buy", "USDT", "800"),
    ("amy", 21, "buy", "ETH", "0.35"),
    ("ben", 18, "chain", "USDT", "250"),
    ("amy", 14, "sell", "USDT", "400"),
    ("ben", 11, "buy", "ETH", "0.2"),
    ("amy", 8, "bank", "TWD", "60000"),
    ("amy", 6, "buy", "USDT", "900"),
    ("ben", 4, "sell", "USDT", "150"),
    ("amy", 2, "chain", "ETH", "0.5"),
    ("amy", 1, "sell", "ETH", "0.1"),
)


def load(portal: Portal) -> None:
    """Makes the two and lets a month of deposits and trades happen to them, by the real services at past times."""
    today = portal.clock.now()
    start = today - timedelta(days=31)
    people = {person.username: _at(portal, start, _make, person) for person in PEOPLE}
    _at(portal, start, _stock)
    walked = {symbol: path(symbol, price) for symbol, price in portal.ports.rates.prices().items()}
    for number, (name, days, what, asset, amount) in enumerate(HISTORY):
        moment = today - timedelta(days=days, hours=number % 7, minutes=11 * number % 60)
        market = {symbol: prices_back[(today - moment) // timedelta(hours=1)] for symbol, prices_back in walked.items()}
        _at(portal, moment, _happen, people[name], number, what, asset, amount, market)
    portal.db.transact(prices.record, portal.ports.rates.prices(), "sandbox", trusted=True)
    portal.db.transact(_tell_again)


@dataclass(frozen=True)
class _PastClock:
    """Stands still at a moment gone by."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def now_ms(self) -> int:
        return to_ms(self.moment)


def _at(portal: Portal, moment: datetime, work: Callable[..., Any], *arguments: Any) -> Any:
    """Runs `work(session, …)` in one transaction as if it were then."""
    present = portal.db.context
    assert present is not None
    with portal.db.session() as session:
        session.info["context"] = replace(present, clock=_PastClock(moment.astimezone(UTC)), cache={})
        answer = work(session, *arguments)
        session.commit()
    return answer


def _make(session: Session, person: Person) -> int:
    vault, moment = context(session).vault, now(session)
    company = session.scalars(
        sa.select(Company.id).where(Company.code == context(session).settings.default_company)
    ).one()
    customer = Customer(
        company_id=company,
        username=person.username,
        username_shown=person.username,
        email=person.email,
        phone=person.phone,
        password_hash=passwords.make_hash(session, passwords.digest_of(PASSWORD)),
        registration="wallet_generated",
        email_verified_at=moment,
        phone_verified_at=moment,
        password_changed_at=moment,
        notification_settings={"money": False, "trading": False},  # no month of mails on the first day
        created_at=moment,
    )
    session.add(customer)
    session.flush()
    kyc.admit(
        session, customer.id, 3, name=person.name, gender=person.gender, birthday=person.birthday,
        number=person.identity_number, actor="system",
    )  # fmt: skip
    _open_bank_account(session, customer.id, person)
    sealed = vault.seal_text(person.totp_secret, "totp")
    session.add(Authenticator(owner_kind="customer", owner_id=customer.id, secret_sealed=sealed, bound_at=moment))
    for network in (networks.TRON, networks.ETHEREUM):
        addresses.for_owner(session, "customer", customer.id, network)
    return customer.id


def _open_bank_account(session: Session, customer_id: int, person: Person) -> None:
    vault = context(session).vault
    account = BankAccount(
        owner_kind="customer",
        owner_id=customer_id,
        bank_code=person.bank_code,
        branch_code=person.branch_code,
        account_sealed=vault.seal_text(person.account, "bank account"),
        account_index=vault.index(f"{person.bank_code}-{person.account}", "bank account"),
        account_tail=person.account[-4:],
        holder_sealed=vault.seal_text(person.name, "bank account holder"),
        status="verified",
        verified_at=now(session),
        created_at=now(session),
    )
    session.add(account)
    states.begin(session, BANK_ACCOUNT, account, "system")
    session.execute(
        sa.update(KycLevel)
        .where(KycLevel.customer_id == customer_id, KycLevel.level == 3)
        .values(bank_account_id=account.id)
    )


def _stock(session: Session) -> None:
    """The house brings what it trades from: the chain and the bank hold it for nobody but itself."""
    for asset, amount in INVENTORY.items():
        units = parse_units(amount, asset)
        mirror = ledger.house("bank" if asset == "TWD" else "chain", asset)
        lines = [Line(ledger.house("inventory", asset), units), Line(mirror, -units)]
        ledger.post(session, "capital", f"capital:demo:{asset}", lines, actor="system")


def _happen(
    session: Session, customer_id: int, number: int, what: str, asset: str, amount: str, market: dict[str, Decimal]
) -> None:
    prices.record(session, market, "sandbox", trusted=True)
    if what == "bank":
        _bank_deposit(session, customer_id, number, amount)
    elif what == "chain":
        _chain_deposit(session, customer_id, number, asset, amount)
    else:
        held = quotes.offer(session, customer_id, what, asset, "base", parse_units(amount, asset))
        done = quotes.accept(session, customer_id, held.public_id)
        assert done.status == "executed", f"demo trade {number}: {done.status}"


def _bank_deposit(session: Session, customer_id: int, number: int, amount: str) -> None:
    way = bank_deposits.way_in(session, customer_id)
    credit = bank_credits.receive(
        session,
        account=way.account.account,
        amount_units=parse_units(amount, "TWD"),
        payer_account=f"{way.own_banks[0].bank_code}{way.own_banks[0].account}",
        payer_name=way.own_banks[0].holder,
        reference=f"demo-{number}",
    )
    assert credit.outcome == "deposit", f"demo deposit {number}: {credit.reason}"


def _chain_deposit(session: Session, customer_id: int, number: int, asset: str, amount: str) -> None:
    """A deposit of before the sandbox's chain begins: told to the portal as its worker would, block by block."""
    network = networks.ETHEREUM if asset == "ETH" else networks.TRON
    block = number + 1
    transfer = ChainTransfer(
        network=network,
        tx_hash=("0x" if network == networks.ETHEREUM else "") + f"{number + 1:064x}",
        log_index=0,
        asset=asset,
        contract=networks.CONTRACTS[network, asset],
        to=addresses.for_owner(session, "customer", customer_id, network).address,
        sender="",
        amount_units=parse_units(amount, asset),
        block_number=block,
        block_hash=f"demo-{block}",
    )
    deposits.record(session, network, [transfer], ChainHead(block + 19, "", block), 0)
    (waiting,) = [found for found in deposits.waiting(session, network) if found.tx_hash == transfer.tx_hash]
    deposits.confirm(session, waiting.id, transfer.block_hash)


def _tell_again(session: Session) -> None:
    emails = [person.email for person in PEOPLE]
    session.execute(sa.update(Customer).where(Customer.email.in_(emails)).values(notification_settings=None))
