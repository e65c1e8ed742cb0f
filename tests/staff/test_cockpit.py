"""The bank cockpit: three real-format files are imported, matched, queued and reconciled until nothing is unexplained."""

import io
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.models.bank import BankClose, StatementLine
from portal.models.vouchers import BuyOrder
from portal.models.wallet import BankCredit, Withdrawal
from portal.money import parse_units
from portal.services import (
    bank_booking,
    bank_deposits,
    bank_reconciliation,
    parameters,
    payout_files,
    voucher_orders,
    withdrawals,
)
from portal.services.activity import TAIPEI
from portal.services.voucher_orders import Wanted
from portal.services.withdrawals import Request
from tests.support import desk, people, statement_files, vouchers
from tests.support.market import open_market
from tests.support.outside import code_for, run_worker
from tests.support.statement_files import Movement

TWD = "TWD"


def units(amount: str) -> int:
    return statement_files.signed(amount)


@pytest.fixture
def today(portal: Any) -> date:
    return portal.clock.now().astimezone(TAIPEI).date()


@pytest.fixture
def amy(app: Flask, portal: Any) -> people.Person:
    open_market(portal)
    vouchers.open_companies(portal)
    return people.customer(portal, "amelia")


def virtual(portal: Any, person: people.Person) -> str:
    return str(portal.db.transact(bank_deposits.way_in, person.id).account.account)


def order(app: Flask, person: people.Person, quantity: int, **more: Any) -> Any:
    portal = app.extensions["portal"]
    wanted = Wanted(
        **{"quantity": quantity, "payment_type": "atm", "payout_account": vouchers.PAYOUT["tungkai"], **more}
    )
    made = portal.db.transact(voucher_orders.create, person.id, wanted)
    return portal.db.transact(voucher_orders.verify, person.id, made.order.public_id, vouchers.code(app, person.phone))


def payout(app: Flask, person: people.Person, amount: str, *, send: bool = True) -> Withdrawal:
    """A confirmed withdrawal of TWD; with `send` the bank has paid it."""
    portal = app.extensions["portal"]
    wanted = Request(
        owner_kind="customer", owner_id=person.id, family="brokerage", kind="fiat", asset=TWD, network="BANK",
        amount_units=units(amount), bank_account_id=person.bank_account_id,
    )  # fmt: skip
    with app.app_context():
        made = portal.db.transact(withdrawals.request, wanted)
        run_worker(portal)
        code = code_for(portal, person.email)

        def confirm(session: Any) -> Withdrawal:
            return withdrawals.confirm(session, session.get(Withdrawal, made.id), code, f"customer:{person.id}")

        portal.db.transact(confirm)
        if send:
            run_worker(portal)
            run_worker(portal)
    found: Withdrawal = portal.db.read(lambda session: session.get(Withdrawal, made.id))
    return found


def upload(who: desk.Desk, content: bytes, name: str, mapping: str = "", status: int | None = None) -> Any:
    return who.submit(
        "/staff/bank",
        "/staff/bank/statements",
        mapping=mapping,
        status=status,
        files={"file": (io.BytesIO(content), name)},
    )


def lines(portal: Any, **by: Any) -> list[StatementLine]:
    def find(session: Any) -> list[StatementLine]:
        return list(session.scalars(sa.select(StatementLine).filter_by(**by).order_by(StatementLine.id)))

    found: list[StatementLine] = portal.db.read(find)
    return found


def reconciled(portal: Any) -> Any:
    return portal.db.read(bank_reconciliation.against_bank)


def test_three_files_are_matched_queued_and_reconciled_to_nothing_unexplained(
    app: Flask, portal: Any, today: date, amy: people.Person
) -> None:
    ben = people.customer(portal, "benjamin", twd="5000")
    own, account = virtual(portal, amy), vouchers.own_account(amy)
    exact, short, twice = (order(app, amy, quantity) for quantity in (500, 600, 700))
    vouchers.bank_brings(portal, twice.virtual.account, "700", payer_account=account, reference="K-HEARD")
    paid = payout(app, ben, "1015")
    assert paid.status == "confirmed"
    csv, notice, statement = statement_files.three_files(
        today, payer=account, own=own, exact=exact.virtual.account, short=short.virtual.account, twice=twice.virtual.account,
        payee=vouchers.own_account(ben), paid=paid.reference,
    )  # fmt: skip
    who = desk.desk(app, "finance")
    page = upload(who, csv, "kgi.csv", "809 凱基銀行")
    assert "10 new lines, 0 known before" in page.text
    upload(who, notice, "notice.xml")
    page = upload(who, statement, "statement.xml")
    assert "2 new lines, 1 known before" in page.text
    page = upload(who, csv, "again.csv", "809 凱基銀行", 422)
    assert "This very file was imported already." in page.text

    page = who.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    assert amy.balance(TWD) == units("1400")
    assert amy.balance("TWIP") == parse_units("1200", "TWIP")
    left = {line.reference: line for line in lines(portal, status="open")}
    assert set(left) == {"K3", "K4", "K5", "K9"}
    assert {line.match_kind for line in lines(portal, status="booked")} == {
        "credit",
        "payout",
        "fee",
        "own",
        "interest",
    }
    for line in left.values():
        who.submit(f"/staff/bank/lines/{line.id}", "/book", having="csrf_token")
    queues = {
        queue: who.page(f"/staff/bank/suspense?queue={queue}").text
        for queue in ("short", "duplicate", "third_party", "other")
    }
    assert (
        "K3" in queues["short"],
        "K4" in queues["duplicate"],
        "K5" in queues["third_party"],
        "K9" in queues["other"],
    ) == (True,) * 4

    result = reconciled(portal)
    assert result.unexplained_units == 0
    assert {term.name: term.units for term in result.terms} == {
        "opening_not_booked": units("100000"),
        "own_under_way": 0,
        "by_hand_without_line": -units("5000"),
    }
    assert who.submit("/staff/bank", "/staff/bank/close", day=today.isoformat(), status=422).errors
    who.submit("/staff/bank", "/staff/bank/opening", account=statement_files.HOUSE, reason="our own money")
    other = desk.desk(app, "treasury")
    other.submit(str(other.page("/staff/approvals").one("#list td a")["href"]), "/approve")
    result = reconciled(portal)
    assert (result.clean, result.unexplained_units) == (True, 0)
    page = who.submit("/staff/bank", "/staff/bank/close", day=today.isoformat())
    assert "The day is closed." in page.text
    assert who.submit("/staff/bank", "/staff/bank/close", day=today.isoformat(), status=422).errors
    with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
        connection.execute(sa.update(BankClose).values(closed_by="nobody"))


def test_a_file_that_tells_the_same_again_books_nothing_twice(
    app: Flask, portal: Any, today: date, amy: people.Person
) -> None:
    own, account = virtual(portal, amy), vouchers.own_account(amy)
    line = Movement(today, "1000", "網銀轉帳", "K1", own, account, "林小明")
    who = desk.desk(app, "finance")
    upload(who, statement_files.csv_809([line]), "one.csv", "809 凱基銀行")
    page = upload(who, statement_files.csv_809([line, Movement(today, "1", "利息", "K2")]), "two.csv", "809 凱基銀行")
    assert "1 new lines, 1 known before" in page.text
    for _ in range(2):
        who.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    assert amy.balance(TWD) == units("1000")
    assert reconciled(portal).unexplained_units == 0


def test_the_same_money_under_another_reference_is_told_twice(
    app: Flask, portal: Any, today: date, amy: people.Person
) -> None:
    own, account = virtual(portal, amy), vouchers.own_account(amy)
    who = desk.desk(app, "finance")
    notice = Movement(today, "250", "deposit", "", own, account, "林小明")
    upload(who, statement_files.camt054([notice]), "notice.xml")
    who.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    upload(
        who, statement_files.camt053([Movement(today, "250", "deposit", "C9", own, account, "林小明")]), "statement.xml"
    )
    who.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    twin = lines(portal)[1]
    assert (twin.status, twin.match_kind) == ("open", "known")
    who.submit(f"/staff/bank/lines/{twin.id}", "/book", having="csrf_token")
    assert [line.match_kind for line in lines(portal)] == ["credit", "known"]
    assert amy.balance(TWD) == units("250")
    assert reconciled(portal).unexplained_units == 0


def test_a_payment_into_the_companys_account_pays_the_order_of_its_remitter(
    app: Flask, portal: Any, today: date, amy: people.Person
) -> None:
    found = order(app, amy, 300, payment_type="remittance", remittance_name="林小明")
    house = vouchers.PAYOUT["tungkai"].partition("-")[2]
    who = desk.desk(app, "finance")
    upload(who, statement_files.camt053([Movement(today, "300", "匯款", "R1", name="林小明")], account=house), "r.xml")
    who.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    assert portal.db.read(lambda session: session.get(BuyOrder, found.order.id).status) == "token"


def test_a_line_that_fits_nothing_is_booked_by_two(app: Flask, portal: Any, today: date) -> None:
    who = desk.desk(app, "finance")
    upload(who, statement_files.camt053([Movement(today, "-777", "稅款", "T1")], opening="1000"), "tax.xml")
    (line,) = lines(portal)
    assert line.score == 0
    who.submit(f"/staff/bank/lines/{line.id}", "/propose", bucket="fees", reason="a tax")
    other = desk.desk(app, "treasury")
    other.submit(str(other.page("/staff/approvals").one("#list td a")["href"]), "/approve")
    assert lines(portal)[0].match_kind == "other"
    assert portal.db.read(ledger.balance, ledger.house("fees", TWD)) == -units("777")
    assert reconciled(portal).unexplained_units == 0


def test_a_gap_between_statements_is_named(app: Flask, portal: Any, today: date) -> None:
    who = desk.desk(app, "finance")
    upload(
        who, statement_files.camt053([Movement(today - timedelta(days=3), "5", "利息", "G1")], opening="10"), "a.xml"
    )
    upload(who, statement_files.camt053([Movement(today, "5", "利息", "G2")], opening="20"), "b.xml")
    who.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    result = reconciled(portal)
    assert {term.name: term.units for term in result.terms} == {"opening_not_booked": units("10"), "gaps": units("5")}
    assert result.unexplained_units == 0


def test_one_thing_is_on_one_line_only_and_the_database_says_so(
    app: Flask, portal: Any, today: date, amy: people.Person
) -> None:
    credit = vouchers.bank_brings(
        portal, virtual(portal, amy), "40", payer_account=vouchers.own_account(amy), reference="A"
    )
    who = desk.desk(app, "finance")
    upload(who, statement_files.camt053([Movement(today, "40", "x", "A"), Movement(today, "40", "y", "B")]), "two.xml")
    who.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    first, second = lines(portal)
    assert (first.match_id, first.status, second.status) == (credit.id, "booked", "open")
    page = who.submit(
        f"/staff/bank/lines/{second.id}", "/book", having="kind", kind="credit", match_id=str(credit.id), status=422
    )
    assert "Another line is booked as this already." in page.text
    with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE statement_lines SET status = 'booked', match_kind = 'credit', match_id = :c WHERE id = :i"
            ).bindparams(c=credit.id, i=second.id)
        )


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("fee", ""),
        ("payout", "1"),
        ("refund", "1"),
        ("credit", "999"),
        ("known", "999"),
        ("journal", "1"),
        ("nonsense", ""),
    ],
)
def test_a_line_is_not_booked_as_what_it_cannot_be(app: Flask, portal: Any, today: date, kind: str, match: str) -> None:
    who = desk.desk(app, "finance")
    upload(who, statement_files.camt053([Movement(today, "40", "x", "A")]), "one.xml")
    (line,) = lines(portal)
    page = who.submit(f"/staff/bank/lines/{line.id}", "/book", having="kind", kind=kind, match_id=match, status=422)
    assert page.errors
    assert lines(portal)[0].status == "open"


def test_capital_that_was_booked_by_hand_is_met_by_its_line(app: Flask, portal: Any, today: date) -> None:
    from portal.ledger import Line

    capital = [Line(ledger.house("inventory", TWD), units("900")), Line(ledger.house("bank", TWD), -units("900"))]
    portal.db.transact(ledger.post, "capital", "capital:1", capital, actor="system")
    who = desk.desk(app, "finance")
    upload(who, statement_files.camt053([Movement(today, "900", "capital", "Q1")]), "capital.xml")
    (line,) = lines(portal)
    assert (line.match_kind, line.score) == ("journal", 70)
    who.submit(f"/staff/bank/lines/{line.id}", "/book", having="csrf_token")
    assert reconciled(portal).clean


def test_pay_outs_by_file_leave_once_and_the_statement_settles_them(
    app: Flask, portal: Any, today: date, amy: people.Person
) -> None:
    ben = people.customer(portal, "benjamin", twd="5000")
    portal.db.transact(parameters.change, "payouts", {"bank_by": "file"}, "staff:0")
    made = payout(app, ben, "1015")
    assert made.status == "approved"
    who = desk.desk(app, "treasury")
    page = who.submit("/staff/bank/payouts", "/staff/bank/payouts", format="pain.001")
    assert "The file is made." in page.text
    assert not portal.db.read(payout_files.waiting)
    page = who.page("/staff/bank/payouts")
    form = page.form("/file")
    answer = who.raw.post(form.action, data=form.values)
    assert answer.mimetype == "application/xml"
    assert f"<EndToEndId>{made.reference}</EndToEndId>" in answer.text
    assert '<InstdAmt Ccy="TWD">1000</InstdAmt>' in answer.text
    with app.app_context():
        run_worker(portal)
    assert portal.world.rows("SELECT 1 FROM payouts") == []
    finance = desk.desk(app, "finance")
    upload(
        finance, statement_files.camt053([Movement(today, "-1000", made.reference, "P1")], opening="5000"), "out.xml"
    )
    finance.submit("/staff/bank/lines", "/staff/bank/lines/certain")
    assert portal.db.read(lambda session: session.get(Withdrawal, made.id).status) == "confirmed"
    assert ben.balance(TWD) == units("3985")
    assert reconciled(portal).unexplained_units == 0


def test_no_file_is_made_while_the_worker_pays(app: Flask, portal: Any, amy: people.Person) -> None:
    who = desk.desk(app, "treasury")
    token = str(who.page("/staff").one("meta[name=csrf-token]")["content"])
    answer = who.raw.post("/staff/bank/payouts", data={"csrf_token": token, "format": "csv"})
    assert answer.status_code == 422
    assert "files would pay twice" in answer.text


def test_staff_make_a_mapping_of_their_own(app: Flask, portal: Any, today: date) -> None:
    who = desk.desk(app, "finance")
    assert who.submit("/staff/bank/mappings", "/staff/bank/mappings", name="mine", date="", status=422).errors
    page = who.submit(
        "/staff/bank/mappings", "/staff/bank/mappings", name="mine", date="D", amount="A", account_number="123456"
    )
    assert "mine" in page.text
    page = upload(who, f"D,A\n{today},5\n".encode(), "mine.csv", "mine")
    assert "1 new lines" in page.text


@pytest.mark.parametrize(
    ("content", "mapping", "said"),
    [
        (b"", "", "Please fill this in."),
        (b"<a", "", "The file is no well-formed XML."),
        (b"a,b\n1,2\n", "", "Choose how the columns of this file are to be read."),
        (b"a,b\n1,2\n", "700 中華郵政", "The line with the column names was not found."),
        (b"a", "nothing of the kind", "There is no such mapping."),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(
    app: Flask, portal: Any, content: bytes, mapping: str, said: str
) -> None:
    page = upload(desk.desk(app, "finance"), content, "x", mapping, 422)
    assert said in page.text
    assert lines(portal) == []


@pytest.mark.parametrize("path", ["bank", "bank/lines", "bank/mappings", "bank/payouts"])
@pytest.mark.parametrize("role", ["compliance", "admin"])
def test_other_roles_see_no_bank(app: Flask, role: str, path: str) -> None:
    desk.desk(app, role).page(f"/staff/{path}", 403)


def test_support_looks_and_books_nothing(app: Flask, portal: Any, today: date) -> None:
    upload(desk.desk(app, "finance"), statement_files.camt053([Movement(today, "40", "x", "A")]), "one.xml")
    who = desk.desk(app, "support")
    token = str(who.page("/staff/bank").one("meta[name=csrf-token]")["content"])
    (line,) = lines(portal)
    for path in (
        "bank/statements",
        "bank/lines/certain",
        f"bank/lines/{line.id}/book",
        f"bank/lines/{line.id}/propose",
        "bank/close",
        "bank/mappings",
        "bank/payouts",
    ):
        answer = who.raw.post(f"/staff/{path}", data={"csrf_token": token, "reason": "because"})
        assert answer.status_code == 403, path
    assert portal.db.read(lambda session: session.scalars(sa.select(BankCredit)).all()) == []


def test_bulk_booking_twice_at_once_books_once(portal: Any, app: Flask, today: date, amy: people.Person) -> None:
    from tests.support.outside import at_once

    own, account = virtual(portal, amy), vouchers.own_account(amy)
    rows = [Movement(today, "10", "x", f"M{number}", own, account, "林小明") for number in range(8)]
    upload(desk.desk(app, "finance"), statement_files.camt053(rows), "many.xml")
    at_once(*[lambda: bank_booking.book_certain(portal.db, "staff:1")] * 3)
    assert amy.balance(TWD) == units("80")
    assert reconciled(portal).unexplained_units == 0
