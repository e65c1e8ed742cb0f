"""People for tests: customers with what they have done so far, made directly so that a test says only what it is about."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import ledger
from portal.db import context, now
from portal.ledger import Line
from portal.models.customers import Company, Customer
from portal.models.security import Authenticator
from portal.models.wallet import BankAccount
from portal.money import parse_units
from portal.services import passwords, sessions

PASSWORD = "correct horse battery"

_numbers = count(1)
_hashes: dict[bytes, str] = {}


@dataclass
class Person:
    """A customer as a test knows them; `token` is a full brokerage session."""

    portal: Any
    id: int
    username: str
    email: str
    phone: str
    token: str
    password: str = PASSWORD
    totp_secret: str | None = None
    bank_account_id: int | None = None
    _steps: set[int] = field(default_factory=set)

    @property
    def password_digest(self) -> str:
        """What a brokerage client sends: the password's SHA-256 in hex."""
        return passwords.digest_of(self.password)

    def code(self) -> str:
        """An authenticator code that was not used yet; moves the portal's clock on when the step was."""
        assert self.totp_secret, "this person has no authenticator"
        step = int(self.portal.clock.now().timestamp()) // 30
        while step in self._steps:
            self.portal.clock.advance(30)
            step = int(self.portal.clock.now().timestamp()) // 30
        self._steps.add(step)
        return pyotp.TOTP(self.totp_secret).at(step * 30)

    def balance(self, asset: str, bucket: str = "available") -> int:
        """The balance in ledger units."""
        key = ledger.AccountKey("customer", self.id, asset, bucket)
        return int(self.portal.db.read(ledger.balance, key))

    def voucher_token(self) -> str:
        """A bearer token of the voucher family."""
        return str(self.portal.db.transact(_open, self.id, "voucher"))


def customer(
    portal: Any,
    name: str | None = None,
    *,
    kyc_level: int = 3,
    totp: bool = False,
    bank_account: bool | None = None,
    company: str = "tungkai",
    standing: str = "normal",
    registration: str = "bank_verified",
    **amounts: str,
) -> Person:
    """Makes a customer with a password, both contacts verified, a KYC level, and balances such as `twd="1000.5"`.

    With `totp` an authenticator is bound; `bank_account` defaults to having one at level 3.
    """
    number = next(_numbers)
    name = name or f"person{number}"
    return portal.db.transact(
        _make, portal, name, number, kyc_level, totp, kyc_level == 3 if bank_account is None else bank_account,
        company, standing, registration, amounts,
    )  # fmt: skip


def fund(portal: Any, person: Person, **amounts: str) -> None:
    """Gives a person money from the house, such as `usdt="12.5"`."""
    portal.db.transact(_fund, person.id, amounts)


def company_id(session: Session, code: str) -> int:
    """The number of a company, made when the world is empty."""
    found = session.scalar(sa.select(Company.id).where(Company.code == code))
    if found is None:
        made = Company(
            code=code, name=code.title(), sellable_units=parse_units(50_000_000, "TWIP"), created_at=now(session)
        )
        session.add(made)
        session.flush()
        found = made.id
    return int(found)


def _make(
    session: Session, portal: Any, name: str, number: int, kyc_level: int, totp: bool, bank_account: bool,
    company: str, standing: str, registration: str, amounts: dict[str, str],
) -> Person:  # fmt: skip
    pepper = context(session).settings.password_pepper
    if pepper not in _hashes:
        _hashes[pepper] = passwords.make_hash(session, passwords.digest_of(PASSWORD))
    moment = now(session)
    made = Customer(
        company_id=company_id(session, company),
        username=name.lower(),
        username_shown=name,
        email=f"{name.lower()}@example.com",
        phone=f"+8869{number:08d}",
        password_hash=_hashes[pepper],
        standing=standing,
        registration=registration,
        kyc_level=kyc_level,
        real_name_sealed=context(session).vault.seal_text("林小明", "real name"),
        email_verified_at=moment,
        phone_verified_at=moment if kyc_level else None,
        password_changed_at=moment - timedelta(days=30),
        created_at=moment,
    )
    session.add(made)
    session.flush()
    person = Person(portal, made.id, name, made.email or "", made.phone or "", _open(session, made.id, "brokerage"))
    if totp:
        person.totp_secret = pyotp.random_base32()
        sealed = context(session).vault.seal_text(person.totp_secret, "totp")
        session.add(Authenticator(owner_kind="customer", owner_id=made.id, secret_sealed=sealed, bound_at=moment))
    if bank_account:
        person.bank_account_id = _bank_account(session, made.id, f"{number:014d}")
    _fund(session, made.id, amounts)
    return person


def _open(session: Session, customer_id: int, family: str) -> str:
    return sessions.open_session(session, customer_id, family, sessions.FULL, ip="127.0.0.1", user_agent="test")


def _bank_account(session: Session, customer_id: int, account: str) -> int:
    vault = context(session).vault
    made = BankAccount(
        owner_kind="customer",
        owner_id=customer_id,
        bank_code="809",
        branch_code="0094",
        account_sealed=vault.seal_text(account, "bank account"),
        account_index=vault.index(f"809-{account}", "bank account"),
        account_tail=account[-4:],
        holder_sealed=vault.seal_text("林小明", "bank account holder"),
        status="verified",
        verified_at=now(session),
        created_at=now(session),
    )
    session.add(made)
    session.flush()
    return made.id


def _fund(session: Session, customer_id: int, amounts: dict[str, str]) -> None:
    for name, amount in amounts.items():
        asset = name.upper()
        units = parse_units(amount, asset)
        lines = [
            Line(ledger.customer_available(customer_id, asset), units),
            Line(ledger.house("bank" if asset == "TWD" else "chain", asset), -units),
        ]
        ledger.post(session, "test_gift", f"test_gift:{customer_id}:{asset}:{next(_numbers)}", lines, actor="system")
