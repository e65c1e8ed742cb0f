"""Files of pay-outs for a bank that takes orders by file: each payment is in one file at most, and leaves only so.

How each payment ended is told by the bank's statement (services/bank_booking.py).
"""

import csv
import hashlib
import io
from dataclasses import dataclass
from xml.etree import ElementTree

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import affected, context, insert_if_absent, now
from portal.errors import N_, Refusal, declare
from portal.models.bank import BankRefund, PayoutFile, PayoutFilePart
from portal.models.wallet import Withdrawal
from portal.money import plain_text
from portal.services import (
    activity,
    audit,
    bank_refunds,
    parameters,
    payout_switch,
    withdrawal_sending,
    withdrawal_settling,
)
from portal.services.networks import BANK

CSV, PAIN = "csv", "pain.001"
FORMATS = (CSV, PAIN)
MOST = 500
PURPOSE = "payout file"

#: The house's account that pay-outs leave from.
parameters.declare(
    "bank.payout_account",
    {"bank_code": "809", "branch_code": "0094", "account": "8090094123456", "holder": "太魯閣數位資產股份有限公司"},
)

declare(
    {
        "payout_files_off": N_("Pay-outs are ordered by the worker now; files would pay twice."),
        "nothing_to_pay": N_("Nothing waits to be paid out."),
    }
)


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of a file; whole dollars, `reference` is what the statement will tell it by."""

    kind: str
    thing_id: int
    reference: str
    bank_code: str
    branch_code: str
    account: str
    holder: str
    amount_units: int


def waiting(session: Session) -> list[Payment]:
    """What would be in a file made now, oldest first."""
    return [*_withdrawals(session), *_refunds(session)][:MOST]


def _withdrawals(session: Session) -> list[Payment]:
    query = sa.select(Withdrawal).where(
        Withdrawal.network == BANK, Withdrawal.status == "approved", Withdrawal.internal_owner_kind.is_(None)
    )
    found = []
    for row in session.scalars(query.order_by(Withdrawal.id).limit(MOST)):
        payout = withdrawal_sending.payout_of(session, row.id)
        if payout is not None:
            found.append(
                Payment(
                    "withdrawal", row.id, payout.key, payout.bank_code, payout.branch_code, payout.account, payout.holder,
                    payout.amount_units,
                )
            )  # fmt: skip
    return found


def _refunds(session: Session) -> list[Payment]:
    query = sa.select(BankRefund).where(
        BankRefund.status == "ordered", BankRefund.payout_file_id.is_(None), BankRefund.ordered_at.is_(None)
    )
    found = []
    for row in session.scalars(query.order_by(BankRefund.id).limit(MOST)):
        account, holder = bank_refunds.opened(session, row.id)
        found.append(
            Payment("refund", row.id, row.reference, row.bank_code, row.branch_code, account, holder, row.amount_units)
        )
    return found


def make(session: Session, form: str, actor: str) -> PayoutFile:
    """Makes a file of what waits and takes it out of the worker's hands.

    Raises Refusal `input_invalid`, `payout_files_off`, `payouts_stopped`, `nothing_to_pay`, `state_conflict`.
    """
    if form not in FORMATS:
        raise Refusal("input_invalid", field="format")
    switch = payout_switch.state(session)
    if switch.stopped:
        raise Refusal("payouts_stopped")
    if switch.bank_by != "file":
        raise Refusal("payout_files_off")
    payments = waiting(session)
    if not payments:
        raise Refusal("nothing_to_pay")
    made = PayoutFile(
        format=form, payments=len(payments), total_units=sum(payment.amount_units for payment in payments),
        content_sealed=b"", content_digest="", made_by=actor, made_at=now(session),
    )  # fmt: skip
    session.add(made)
    session.flush()
    for payment in payments:
        _claim(session, made, payment)
    content = _csv(session, payments) if form == CSV else _pain(session, made, payments)
    made.content_sealed = context(session).vault.seal(content, PURPOSE)
    made.content_digest = hashlib.sha256(content).hexdigest()
    session.flush()
    audit.write(
        session, actor, "payout_file.make", f"payout_file:{made.id}",
        details={"payments": made.payments, "units": made.total_units, "digest": made.content_digest},
    )  # fmt: skip
    return made


def _claim(session: Session, made: PayoutFile, payment: Payment) -> None:
    part = {"kind": payment.kind, "thing_id": payment.thing_id, "file_id": made.id}
    if not insert_if_absent(session, PayoutFilePart.__table__, part):
        raise Refusal("state_conflict")
    if payment.kind == "refund":
        claimed = session.execute(
            sa.update(BankRefund)
            .where(BankRefund.id == payment.thing_id, BankRefund.ordered_at.is_(None), BankRefund.status == "ordered")
            .values(payout_file_id=made.id, ordered_at=now(session))
            .execution_options(synchronize_session=False)
        )
        if affected(claimed) != 1:
            raise Refusal("state_conflict")
        bank_refunds.mark_sent(session, payment.thing_id)
        return
    row = withdrawal_settling.lock_again(session, payment.thing_id)
    if row is None or row.status != "approved":
        raise Refusal("state_conflict")
    details = {**(row.details or {}), "payout_file": made.public_id}
    withdrawal_settling.move(
        session, row, "processing", "system", why="in a pay-out file", bank_reference=row.reference, details=details
    )


def content(session: Session, public_id: str, actor: str) -> tuple[PayoutFile, bytes]:
    """A file's content, for handing it to the bank; written down. Raises Refusal `not_found`."""
    found = session.scalar(sa.select(PayoutFile).where(PayoutFile.public_id == public_id))
    if found is None:
        raise Refusal("not_found")
    audit.write(session, actor, "payout_file.open", f"payout_file:{found.id}")
    return found, context(session).vault.open(found.content_sealed, PURPOSE)


def page(session: Session, before_id: int | None = None, count: int = 25) -> list[PayoutFile]:
    """Files, newest first, below a number (keyset)."""
    query = sa.select(PayoutFile)
    if before_id is not None:
        query = query.where(PayoutFile.id < before_id)
    return list(session.scalars(query.order_by(PayoutFile.id.desc()).limit(count)))


def _csv(session: Session, payments: list[Payment]) -> bytes:
    """Payee's bank and account, name, whole dollars, reference; by the columns that Taiwanese banks' uploads ask for."""
    house = parameters.get(session, "bank.payout_account")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["付款帳號", "收款行", "收款分行", "收款帳號", "收款戶名", "金額", "附言"])
    for payment in payments:
        writer.writerow(
            [
                house["account"], payment.bank_code, payment.branch_code, payment.account, _plain(payment.holder),
                plain_text(payment.amount_units, "TWD"), payment.reference,
            ]
        )  # fmt: skip
    return out.getvalue().encode("utf-8-sig")


def _plain(text: str) -> str:
    """A name as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def _pain(session: Session, made: PayoutFile, payments: list[Payment]) -> bytes:
    """ISO 20022 pain.001.001.03, one payment information block."""
    house = parameters.get(session, "bank.payout_account")
    root = ElementTree.Element("Document", xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03")
    body = ElementTree.SubElement(root, "CstmrCdtTrfInitn")
    total = plain_text(made.total_units, "TWD")
    _fill(body, ("GrpHdr",), MsgId=f"P{made.id}", CreDtTm=now(session).strftime("%Y-%m-%dT%H:%M:%SZ"))
    header = body[0]
    _fill(header, (), NbOfTxs=str(made.payments), CtrlSum=total)
    _fill(header, ("InitgPty",), Nm=house["holder"])
    info = ElementTree.SubElement(body, "PmtInf")
    _fill(info, (), PmtInfId=f"P{made.id}", PmtMtd="TRF", NbOfTxs=str(made.payments), CtrlSum=total)
    _fill(info, (), ReqdExctnDt=activity.taipei_day(now(session)))
    _fill(info, ("Dbtr",), Nm=house["holder"])
    _fill(info, ("DbtrAcct", "Id", "Othr"), Id=house["account"])
    _fill(info, ("DbtrAgt", "FinInstnId", "ClrSysMmbId"), MmbId=f"{house['bank_code']}{house['branch_code']}")
    for payment in payments:
        one = ElementTree.SubElement(info, "CdtTrfTxInf")
        _fill(one, ("PmtId",), EndToEndId=payment.reference)
        amount = ElementTree.SubElement(ElementTree.SubElement(one, "Amt"), "InstdAmt", Ccy="TWD")
        amount.text = plain_text(payment.amount_units, "TWD")
        _fill(one, ("CdtrAgt", "FinInstnId", "ClrSysMmbId"), MmbId=f"{payment.bank_code}{payment.branch_code}")
        _fill(one, ("Cdtr",), Nm=payment.holder)
        _fill(one, ("CdtrAcct", "Id", "Othr"), Id=payment.account)
        _fill(one, ("RmtInf",), Ustrd=payment.reference)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _fill(parent: ElementTree.Element, path: tuple[str, ...], **values: str) -> None:
    for name in path:
        parent = ElementTree.SubElement(parent, name)
    for name, value in values.items():
        ElementTree.SubElement(parent, name).text = value
