"""Taiwan's banks: the list a portal starts with, and putting the official one in force."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.services import banks

OFFICIAL = (
    "銀行代號/總機構代碼,分支機構代號,金融機構名稱,分支機構名稱,地址\n"
    '004,,臺灣銀行,,"台北市中正區重慶南路一段１２０號"\n'
    '004,0037,臺灣銀行,營業部,"台北市中正區重慶南路一段１２０號"\n'
    "004,0040048,臺灣銀行,新開分行,somewhere\n"
    "007,,第一銀行,,x\n"
)


def test_a_new_portal_knows_the_banks(read: Callable[..., Any]) -> None:
    known = {bank.code: bank for bank in read(banks.every_bank)}
    assert len(known) >= 100
    for code, name in {"000": "中央銀行國庫局", "004": "臺灣銀行", "021": "花旗（台灣）商業銀行", "700": "中華郵政股份有限公司",
                       "823": "將來商業銀行", "824": "連線商業銀行", "826": "樂天國際商業銀行"}.items():  # fmt: skip
        assert known[code].name == name
        assert known[code].name_en
    assert list(known) == sorted(known)


def test_branches_are_the_contracts(read: Callable[..., Any]) -> None:
    found = [(branch.code, branch.name) for branch in read(banks.branches, "021")]
    assert found == [("0018", "營業部"), ("0030", "高雄分行"), ("0041", "台中分行"), ("0650", "土城分行")]
    assert read(banks.branches, "999") == []


def test_a_place_has_its_full_name_or_its_codes(read: Callable[..., Any]) -> None:
    assert read(banks.full_name, "005", "0027") == "臺灣土地銀行　基隆分行"
    assert read(banks.full_name, "005", "9999") == "臺灣土地銀行　9999"
    assert read(banks.full_name, "998", "0001") == "998　0001"


@pytest.mark.parametrize("code", ["", "4", "04", "0044", "００４", "00a", "998"])
def test_what_is_no_bank_code_names_no_bank(read: Callable[..., Any], code: str) -> None:
    assert not read(banks.is_bank, code)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp950"])
def test_the_official_list_is_imported(app: Flask, read: Callable[..., Any], tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "banks.csv"
    path.write_text(OFFICIAL, encoding=encoding)
    answer = app.test_cli_runner().invoke(args=["banks", "import", str(path)])
    assert (answer.exit_code, answer.output) == (0, "2 banks, 2 branches\n")
    assert [(row.code, row.name) for row in read(banks.branches, "004")] == [("0037", "營業部"), ("0048", "新開分行")]
    known = {bank.code: bank for bank in read(banks.every_bank)}
    assert known["007"].name == "第一銀行"
    assert known["007"].name_en == "First Commercial Bank"
    assert read(banks.branches, "021")


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", OFFICIAL + "4,,臺灣銀行,,\n", OFFICIAL + "004,12,臺灣銀行,x,\n",
                                     OFFICIAL.splitlines()[0] + "\n"])  # fmt: skip
def test_a_file_that_is_no_list_changes_nothing(sqlite_app: Flask, tmp_path: Path, content: str) -> None:
    portal = sqlite_app.extensions["portal"]
    before = len(portal.db.read(banks.branches, "004"))
    path = tmp_path / "banks.csv"
    path.write_text(content, encoding="utf-8")
    answer = sqlite_app.test_cli_runner().invoke(args=["banks", "import", str(path)])
    assert answer.exit_code == 1
    assert len(portal.db.read(banks.branches, "004")) == before
