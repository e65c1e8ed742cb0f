"""Bank files: what is read to the last cent, and what is refused with the line that is wrong."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import Refusal
from portal.money import parse_units
from portal.services import bank_files
from portal.services.bank_files import PRESETS, mapping_from
from portal.services.bank_files.parsed import amount, day
from tests.support import statement_files
from tests.support.statement_files import Movement

KGI = PRESETS["809 凱基銀行"]
DAY = date(2026, 11, 20)


def refused(what: str, content: bytes, mapping: Any = KGI) -> Refusal:
    with pytest.raises(Refusal) as caught:
        bank_files.read(content, mapping)
    assert (caught.value.name, caught.value.facts["what"]) == ("statement_unreadable", what)
    return caught.value


def test_a_big5_file_with_years_of_the_republic_is_read() -> None:
    made = statement_files.csv_809(
        [
            Movement(DAY, "12345.5", "跨行轉入", "K1", "9180712345678903", "00412345678901", "林小明"),
            Movement(date(2026, 11, 21), "-1000", "轉帳支出", "K2", account="8090000000001"),
        ],
        opening="500",
    )
    found = bank_files.read(made, KGI)
    assert (found.account, found.kind) == (statement_files.HOUSE, "statement")
    assert (found.opening_units, found.closing_units) == (parse_units("500", "TWD"), parse_units("11845.5", "TWD"))
    first, second = found.lines
    assert (first.day, first.amount_units, first.reference) == (DAY, parse_units("12345.5", "TWD"), "K1")
    assert (first.virtual_account, first.other_account, first.other_name) == (
        "9180712345678903",
        "00412345678901",
        "林小明",
    )
    assert second.amount_units == -parse_units("1000", "TWD")


def test_a_file_with_one_amount_column_and_a_direction_is_read() -> None:
    text = (
        "帳號,交易日期,交易時間,借貸別,交易金額,餘額,交易說明,對方帳號,對方戶名,虛擬帳號,交易序號\n"
        "0808940012345,20261120,090000,貸,3000,3000,ATM轉帳,00412345678901,王小美,,E1\n"
        "0808940012345,20261120,100000,借,15,2985,手續費,,,,E2\n"
    )
    found = bank_files.read(text.encode("utf-8-sig"), PRESETS["808 玉山銀行"])
    assert [line.amount_units for line in found.lines] == [30_000_000, -150_000]
    assert (found.account, found.opening_units, found.closing_units) == ("0808940012345", 0, 29_850_000)


def test_a_file_with_the_newest_line_first_is_turned_around() -> None:
    text = (
        "中國信託商業銀行,,,,,\n帳號,901540012345,,,,\n日期,摘要,支出,存入,結餘,備註\n"
        "2026/11/21,轉帳,,200.00,1,300.00,\n2026/11/20,現金,,100.00,1,\n"
    )
    text = text.replace("1,300.00", '"1,300.00"').replace("100.00,1,", '100.00,"1,100.00",')
    found = bank_files.read(text.encode("cp950"), PRESETS["822 中國信託"])
    assert [line.day.day for line in found.lines] == [20, 21]
    assert (found.opening_units, found.closing_units) == (parse_units("1000", "TWD"), parse_units("1300", "TWD"))


@pytest.mark.parametrize("version", ["02", "08"])
def test_camt_053_is_read_in_its_versions(version: str) -> None:
    made = statement_files.camt053(
        [
            Movement(DAY, "700", "deposit 9180712345678903", "C1", "9180712345678903", "00412345678901", "A & B"),
            Movement(DAY, "-0.5", "fee", "C2"),
        ],
        opening="-10",
        version=version,
    )
    found = bank_files.read(made, None)
    assert (found.account, found.format, found.kind) == (statement_files.SECOND, "camt.053", "statement")
    assert (found.opening_units, found.closing_units) == (-100_000, parse_units("689.5", "TWD"))
    assert (found.lines[0].other_name, found.lines[0].virtual_account) == ("A & B", "9180712345678903")
    assert found.lines[1].amount_units == -5_000


def test_camt_054_splits_a_collected_entry_into_its_payments() -> None:
    single = statement_files.camt054([Movement(DAY, "300", reference="B1", name="x")]).decode()
    parts = "".join(
        f'<TxDtls><AmtDtls><TxAmt><Amt Ccy="TWD">{units}</Amt></TxAmt></AmtDtls></TxDtls>' for units in ("100", "200")
    )
    start, end = single.index("<TxDtls>"), single.index("</NtryDtls>")
    found = bank_files.read((single[:start] + parts + single[end:]).encode(), None)
    assert [(line.amount_units, line.reference) for line in found.lines] == [(1_000_000, "B1/1"), (2_000_000, "B1/2")]
    assert (found.kind, found.closing_units) == ("notice", None)


def test_entries_that_are_not_booked_yet_are_left_out() -> None:
    made = statement_files.camt054([Movement(DAY, "300", reference="B1"), Movement(DAY, "5", reference="B2")]).decode()
    found = bank_files.read(made.replace("<Cd>BOOK</Cd>", "<Cd>PDNG</Cd>", 1).encode(), None)
    assert [line.reference for line in found.lines] == ["B2"]


def test_what_cannot_be_read_says_what_and_where() -> None:
    good = statement_files.csv_809([Movement(DAY, "1", "a"), Movement(DAY, "2", "b")]).decode("cp950")
    assert (
        refused("date", good.replace(statement_files.republic(DAY), "115/13/40", 3).encode("cp950")).facts["line"] == 6
    )
    assert refused("amount", good.replace('"2.00"', "two", 1).encode("cp950")).facts["line"] == 7
    refused("unbalanced", good.replace('"3.00"', '"4.00"', 1).encode("cp950"))
    refused("header", good.replace("交易日期", "日子").encode("cp950"))
    refused("column", good.replace("支出金額", "支出").encode("cp950"))
    refused(
        "account",
        good.replace("帳號：", "戶名：").replace("虛擬帳號", "虛號").replace("轉出入帳號", "轉號").encode("cp950"),
    )
    refused("encoding", b"\xff\xfe\x81\x00" * 50)
    refused("mapping_missing", b"a,b", None)
    refused("too_large", b"x" * (bank_files.MAX_BYTES + 1))


def test_hostile_xml_is_refused() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;">]><Document>&y;</Document>'
    outside = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>'
    for content in (bomb, outside, b"<Document", b"<a/>", b"<Document><BkToCstmrStmt/></Document>"):
        with pytest.raises(Refusal):
            bank_files.read(content, None)
    made = statement_files.camt053([Movement(DAY, "1")])
    refused("currency", made.replace(b'Ccy="TWD"', b'Ccy="USD"'), None)
    refused(
        "unbalanced",
        made.replace(b">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>", b">2</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>"),
        None,
    )


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("1,234.50", 12_345_000),
        ("NT$ 7", 70_000),
        ("-3", -30_000),
        ("(3)", -30_000),
        ("", 0),
        ("--", 0),
        ("+5.0001", 50_001),
    ],
)
def test_amounts_as_banks_write_them(text: str, units: int) -> None:
    assert amount(text) == units


@pytest.mark.parametrize("text", ["1,23", "1.00001", "1e5", "１２", "1 2x", "NaN", "1,234,56", "9" * 40])
def test_amounts_that_are_none(text: str) -> None:
    with pytest.raises(Refusal):
        amount(text)


@pytest.mark.parametrize(
    "text", ["2026-11-20", "2026/11/20", "20261120", "115/11/20", "1151120", "115.11.20", "2026-11-20 10:00"]
)
def test_days_as_banks_write_them(text: str) -> None:
    assert day(text) == DAY


@given(st.binary(max_size=400))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    for mapping in (None, KGI):
        try:
            bank_files.read(content, mapping)
        except Refusal as refusal:
            assert refusal.name == "statement_unreadable"


@given(st.text(max_size=300))
def test_no_table_breaks_the_reader(text: str) -> None:
    table = "帳號,123456\n交易日期,支出金額,存入金額,帳戶餘額,摘要\n" + text
    try:
        bank_files.read(table.encode("utf-8"), KGI)
    except Refusal as refusal:
        assert refusal.name == "statement_unreadable"


@pytest.mark.parametrize(
    "values", [{}, {"name": "x"}, {"name": "x", "date": "d"}, {"name": "x", "date": "d", "money_in": "i"}]
)
def test_a_mapping_needs_its_columns(values: dict[str, str]) -> None:
    with pytest.raises(Refusal):
        mapping_from(values)
