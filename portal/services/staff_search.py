"""Finding a customer by whatever staff have in hand: a name, mail, phone, identity number, address, hash or reference."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import context
from portal.errors import N_, Refusal
from portal.models.customers import Customer
from portal.models.kyc import KycIdentity
from portal.models.staff import Approval
from portal.models.system import Activity
from portal.models.vouchers import BuyOrder, Card
from portal.models.wallet import (
    BankAccount,
    BankCredit,
    CommonAddress,
    Deposit,
    DepositAddress,
    Transfer,
    VirtualAccount,
    Withdrawal,
)
from portal.services import addresses, identifiers

MOST = 50

#: A name or mail is searched for by how it begins, from this many signs on.
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """A customer that was found and by what (an English word for the reader's language)."""

    customer: Customer
    by: str


Ids = list[int]


def search(session: Session, typed: str) -> list[Hit]:
    """Customers that the text leads to, the surest first, at most MOST."""
    text = typed.strip()
    if len(text) < SHORTEST:
        return []
    found: dict[int, str] = {}
    for by, find in _WAYS:
        for customer_id in find(session, text):
            found.setdefault(customer_id, by)
        if len(found) >= MOST:
            break
    ids = list(found)[:MOST]
    rows = {row.id: row for row in session.scalars(sa.select(Customer).where(Customer.id.in_(ids)))} if ids else {}
    return [Hit(rows[number], found[number]) for number in ids if number in rows]


def _ids(session: Session, query: sa.Select[int]) -> Ids:
    return list(session.scalars(query.limit(MOST)))


def _number(session: Session, text: str) -> Ids:
    if not re.fullmatch(r"#?[0-9]{1,12}", text, re.ASCII):
        return []
    return _ids(session, sa.select(Customer.id).where(Customer.id == int(text.removeprefix("#"))))


def _name(session: Session, text: str) -> Ids:
    lowered = text.lower()
    starts = sa.or_(
        Customer.username.startswith(lowered, autoescape=True), Customer.email.startswith(lowered, autoescape=True)
    )
    return _ids(session, sa.select(Customer.id).where(starts).order_by(Customer.username))


def _public_id(session: Session, text: str) -> Ids:
    return _ids(session, sa.select(Customer.id).where(Customer.public_id == text.lower()))


def _phone(session: Session, text: str) -> Ids:
    try:
        number = identifiers.canonical_phone(text)
    except Refusal:
        return []
    return _ids(session, sa.select(Customer.id).where(Customer.phone == number))


def _identity(session: Session, text: str) -> Ids:
    if not re.fullmatch(r"[A-Za-z][0-9A-Za-z][0-9]{8}", text, re.ASCII):
        return []
    index = context(session).vault.index(text.upper(), "identity number")
    return _ids(session, sa.select(KycIdentity.customer_id).where(KycIdentity.number_index == index))


def _bank(session: Session, text: str) -> Ids:
    digits = text.replace("-", "").replace(" ", "")
    if not re.fullmatch(r"[0-9]{6,20}", digits, re.ASCII):
        return []
    virtual = sa.select(VirtualAccount.purpose, VirtualAccount.subject_id).where(VirtualAccount.account == digits)
    found: Ids = []
    for purpose, subject_id in session.execute(virtual):
        if purpose == "customer":
            found.append(subject_id)
        elif purpose == "order":
            found += _ids(session, sa.select(BuyOrder.customer_id).where(BuyOrder.id == subject_id))
    code, _, account = text.replace(" ", "").partition("-")
    if account:
        index = context(session).vault.index(f"{code}-{account.replace('-', '')}", "bank account")
        found += _ids(
            session,
            sa.select(BankAccount.owner_id).where(
                BankAccount.account_index == index, BankAccount.owner_kind == "customer"
            ),
        )
    return found


def _address(session: Session, text: str) -> Ids:
    found: Ids = []
    for network in ("TRON", "ETHEREUM"):
        canonical = addresses.canonical_form(network, text)
        if canonical is None:
            continue
        owner = sa.select(DepositAddress.owner_id).where(
            DepositAddress.owner_kind == "customer",
            DepositAddress.network == network,
            DepositAddress.address == canonical,
        )
        paid = sa.select(Withdrawal.owner_id).where(
            Withdrawal.owner_kind == "customer", Withdrawal.network == network, Withdrawal.address == canonical
        )
        named = sa.select(CommonAddress.customer_id).where(
            CommonAddress.network == network, CommonAddress.address == canonical
        )
        for query in (owner, named, paid.distinct()):
            found += _ids(session, query)
    return found


def _hash(session: Session, text: str) -> Ids:
    if not re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text, re.ASCII):
        return []
    forms = {text, text.lower(), text.lower().removeprefix("0x"), f"0x{text.lower().removeprefix('0x')}"}
    found: Ids = []
    for model in (Deposit, Withdrawal):
        query = sa.select(model.owner_id).where(model.owner_kind == "customer", model.tx_hash.in_(forms))
        found += _ids(session, query)
    return found


def _reference(session: Session, text: str) -> Ids:
    if not re.fullmatch(r"[0-9A-Za-z:_-]{6,64}", text, re.ASCII):
        return []
    found = _ids(session, sa.select(Activity.customer_id).where(Activity.public_id == text.lower()))
    paid = sa.select(Withdrawal.owner_id).where(
        Withdrawal.owner_kind == "customer", sa.or_(Withdrawal.reference == text, Withdrawal.public_id == text.lower())
    )
    found += _ids(session, paid)
    found += _ids(session, sa.select(Transfer.sender_id).where(Transfer.reference == text))
    credit = (
        sa.select(Deposit.owner_id)
        .join(BankCredit, BankCredit.id == Deposit.bank_credit_id)
        .where(BankCredit.bank_reference == text, Deposit.owner_kind == "customer")
    )
    found += _ids(session, credit)
    found += _ids(session, sa.select(BuyOrder.customer_id).where(BuyOrder.public_id == text.lower()))
    return found + _approval(session, text)


def _approval(session: Session, text: str) -> Ids:
    subject = session.scalar(sa.select(Approval.subject).where(Approval.public_id == text.lower()))
    kind, _, number = (subject or "").partition(":")
    return [int(number)] if kind == "customer" and number.isdigit() else []


def _card(session: Session, text: str) -> Ids:
    return _ids(session, sa.select(Card.customer_id).where(Card.claimed_no == text)) if len(text) <= 20 else []


_WAYS: tuple[tuple[str, Callable[[Session, str], Ids]], ...] = (
    (N_("Number"), _number),
    (N_("Identifier"), _public_id),
    (N_("Phone"), _phone),
    (N_("Identity number"), _identity),
    (N_("Bank account"), _bank),
    (N_("Address"), _address),
    (N_("Transaction hash"), _hash),
    (N_("Reference"), _reference),
    (N_("Card"), _card),
    (N_("Name or e-mail"), _name),
)
