"""Bank files as banks give them out, made for a test: a CSV of a Taiwanese bank (Big5, years of the Republic), camt.053, camt.054."""

from dataclasses import dataclass
from datetime import date
from html import escape

from portal.money import parse_units, plain_text

HOUSE = "00940012345678"
SECOND = "00770098765432"


@dataclass(frozen=True)
class Movement:
    """A line of a file; `amount` is signed."""

    day: date
    amount: str
    remark: str = ""
    reference: str = ""
    virtual: str = ""
    account: str = ""
    name: str = ""

    @property
    def units(self) -> int:
        """TWD units, signed."""
        return signed(self.amount)


def signed(amount: str) -> int:
    """TWD units of an amount that may have a minus."""
    units = parse_units(amount.lstrip("-"), "TWD")
    return -units if amount.startswith("-") else units


def _grouped(units: int) -> str:
    whole, _, cents = plain_text(abs(units), "TWD").partition(".")
    return f"{'-' if units < 0 else ''}{int(whole):,}.{cents or '00'}"


def republic(day: date) -> str:
    """`115/11/20`."""
    return f"{day.year - 1911}/{day.month:02d}/{day.day:02d}"


def csv_809(movements: list[Movement], opening: str = "0", account: str = HOUSE) -> bytes:
    """The online download of bank 809: notes above the table, amounts with commas, leading zeros kept by `="…"`."""
    balance = signed(opening)
    rows = [
        "凱基商業銀行 活期存款交易明細",
        f'帳號：,="{account}",幣別：,TWD',
        f"查詢期間：,{republic(movements[0].day)} - {republic(movements[-1].day)}",
        "",
        "交易日期,交易時間,摘要,支出金額,存入金額,帳戶餘額,虛擬帳號,轉出入帳號,轉帳戶名,交易序號",
    ]
    for number, line in enumerate(movements):
        balance += line.units
        out, money_in = ("", f'"{_grouped(line.units)}"') if line.units > 0 else (f'"{_grouped(-line.units)}"', "")
        rows.append(
            f'{republic(line.day)},10:{number:02d}:00,{line.remark},{out},{money_in},"{_grouped(balance)}",'
            f'="{line.virtual}",="{line.account}",{line.name},{line.reference}'
        )
    rows.append(f'合計,,,,,"{_grouped(balance)}",,,,')
    return "\r\n".join(rows).encode("cp950")


def camt053(movements: list[Movement], opening: str = "0", account: str = SECOND, version: str = "02") -> bytes:
    """A statement as ISO 20022 has it, with opening and closing balances."""
    start = signed(opening)
    end = start + sum(line.units for line in movements)
    first, last = movements[0].day, movements[-1].day
    entries = "".join(_entry(line, version) for line in movements)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId><CreDtTm>{last}T18:00:00+08:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>TWD</Ccy></Acct>"
        f"{_balance('OPBD', start, first)}{_balance('CLBD', end, last)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def camt054(movements: list[Movement], account: str = SECOND, version: str = "08") -> bytes:
    """A notice of debits and credits: entries without balances."""
    entries = "".join(_entry(line, version) for line in movements)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.{version}">'
        f"<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N1</MsgId></GrpHdr>"
        f"<Ntfctn><Id>N1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id></Acct>{entries}</Ntfctn>"
        "</BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def three_files(
    day: date, *, payer: str, own: str, exact: str, short: str, twice: str, payee: str, paid: str
) -> tuple[bytes, bytes, bytes]:
    """A day at two banks in which a line is of every kind: a CSV of HOUSE that opens with 100,000, then a camt.054 and a camt.053 of SECOND.

    `payer` is a customer's own bank account (林小明) and `own` where she pays in; orders of 500, 600 and 700 wait at `exact`,
    `short` (599 come) and `twice` (700 came before as K-HEARD, and come again). 1,000 and a fee of 15 left to `payee` under
    the reference `paid`. K5 is a stranger's money, K9 nobody's. SECOND tells C3 in both of its files.
    """
    house = [
        Movement(day, "700", "ATM轉帳", "K-HEARD", twice, payer, "林小明"),
        Movement(day, "1000", "網銀轉帳", "K1", own, payer, "林小明"),
        Movement(day, "500", "ATM轉帳", "K2", exact, payer, "林小明"),
        Movement(day, "599", "ATM轉帳", "K3", short, payer, "林小明"),
        Movement(day, "700", "ATM轉帳", "K4", twice, payer, "林小明"),
        Movement(day, "88", "網銀轉帳", "K5", own, "00499999999999", "陌生人"),
        Movement(day, "-1000", f"代付 {paid}", "K6", account=f"809{payee}"),
        Movement(day, "-15", "跨行手續費", "K7"),
        Movement(day, "-20000", "轉帳支出", "K8", account=SECOND),
        Movement(day, "12345", "存入", "K9", name="不知名"),
    ]
    second = [
        Movement(day, "20000", "transfer in", "C1", account=HOUSE),
        Movement(day, "3", "利息", "C2"),
        Movement(day, "400", "deposit", "C3", virtual=own, account=payer, name="林小明"),
    ]
    return csv_809(house, opening="100000"), camt054(second[2:]), camt053(second)


def _balance(code: str, units: int, day: date) -> str:
    sign = "CRDT" if units >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="TWD">{plain_text(abs(units), "TWD")}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(line: Movement, version: str) -> str:
    sign = "CRDT" if line.units > 0 else "DBIT"
    other, own = ("Dbtr", "Cdtr") if line.units > 0 else ("Cdtr", "Dbtr")
    name = escape(line.name)
    party = (
        f"<{other}><Pty><Nm>{name}</Nm></Pty></{other}>" if version >= "08" else f"<{other}><Nm>{name}</Nm></{other}>"
    )
    accounts = f"<{other}Acct><Id><Othr><Id>{line.account}</Id></Othr></Id></{other}Acct>" if line.account else ""
    if line.virtual:
        accounts += f"<{own}Acct><Id><Othr><Id>{line.virtual}</Id></Othr></Id></{own}Acct>"
    status = "<Sts><Cd>BOOK</Cd></Sts>" if version >= "08" else "<Sts>BOOK</Sts>"
    reference = f"<AcctSvcrRef>{line.reference}</AcctSvcrRef>" if line.reference else ""
    return (
        f'<Ntry><Amt Ccy="TWD">{plain_text(abs(line.units), "TWD")}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>{line.day}</Dt></BookgDt>{reference}<NtryDtls><TxDtls><RltdPties>"
        f"{party if line.name else ''}{accounts}</RltdPties><RmtInf><Ustrd>{escape(line.remark)}</Ustrd></RmtInf>"
        f"</TxDtls></NtryDtls></Ntry>"
    )
