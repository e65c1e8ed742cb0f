"""ISO 20022: camt.053 (statement) and camt.054 (notice of debits and credits), any of their versions."""

from collections.abc import Iterator
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from portal.services.bank_files.parsed import ASSET, Line, Statement, amount, cut, day, finished, unreadable

#: Root below the document, the element of one account's report, and what it is.
_MESSAGES = {
    "BkToCstmrStmt": ("Stmt", "statement", "camt.053"),
    "BkToCstmrDbtCdtNtfctn": ("Ntfctn", "notice", "camt.054"),
}


def read_camt(content: bytes) -> Statement:
    """The one account's report in a message. Raises Refusal `statement_unreadable`."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise unreadable("xml") from error
    _strip_namespaces(root)
    for name, (report_name, kind, form) in _MESSAGES.items():
        message = root.find(name) if root.tag == "Document" else None
        reports = message.findall(report_name) if message is not None else []
        if len(reports) == 1:
            return _report(reports[0], kind, form)
    raise unreadable("camt")


def _strip_namespaces(root: Element) -> None:
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]


def _report(report: Element, kind: str, form: str) -> Statement:
    account = _account(report.find("Acct"))
    opening = closing = None
    days: list[date] = []
    for balance in report.findall("Bal"):
        code = _text(balance, "Tp/CdOrPrtry/Cd")
        units = _signed(balance)
        when = _text(balance, "Dt/Dt") or _text(balance, "Dt/DtTm")
        if code in ("OPBD", "PRCD") and opening is None:
            opening = units
        elif code == "CLBD":
            closing = units
            days.append(day(when[:10]))
    lines = [line for entry in report.findall("Ntry") for line in _entry(entry)]
    days += [line.day for line in lines]
    if not days:
        raise unreadable("empty")
    return finished(account, kind, form, opening, closing, lines, (min(days), max(days)))


def _entry(entry: Element) -> Iterator[Line]:
    """The movements of an entry: one for each of its transactions when these tell amounts that add up, else the whole."""
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    if status not in ("BOOK", ""):
        return
    when = day((_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm") or _text(entry, "ValDt/Dt"))[:10])
    whole = _signed(entry)
    parts = entry.findall("NtryDtls/TxDtls")
    amounts = [_part_amount(part, whole) for part in parts]
    reference = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    remark = _text(entry, "AddtlNtryInf")
    if len(parts) > 1 and None not in amounts and sum(found or 0 for found in amounts) == whole:
        for number, (part, units) in enumerate(zip(parts, amounts, strict=True), 1):
            own = _text(part, "Refs/AcctSvcrRef") or (f"{reference}/{number}" if reference else "")
            yield _line(part, when, units or 0, own, remark)
        return
    if whole:
        yield _line(parts[0] if len(parts) == 1 else entry, when, whole, reference, remark)


def _line(part: Element, when: date, units: int, reference: str, remark: str) -> Line:
    incoming = units > 0
    other, own = ("Dbtr", "Cdtr") if incoming else ("Cdtr", "Dbtr")
    parties = part.find("RltdPties")
    name = other_account = own_account = ""
    if parties is not None:
        name = _text(parties, f"{other}/Nm") or _text(parties, f"{other}/Pty/Nm")
        other_account = _account_id(parties.find(f"{other}Acct"))
        own_account = _account_id(parties.find(f"{own}Acct"))
    told = [element.text or "" for element in part.findall("RmtInf/Ustrd")]
    told += [element.text or "" for element in part.findall("RmtInf/Strd/CdtrRefInf/Ref")]
    end_to_end = _text(part, "Refs/EndToEndId")
    words = [remark, *told] + ([end_to_end] if end_to_end not in ("", "NOTPROVIDED") else [])
    return Line(
        day=when,
        amount_units=units,
        reference=cut(reference),
        virtual_account=own_account[:20] if incoming else "",
        other_account=other_account[:40],
        other_name=cut(name, 100),
        remark=cut(" ".join(dict.fromkeys(filter(None, words)))),
    )


def _part_amount(part: Element, whole: int) -> int | None:
    found = part.find("Amt")
    if found is None:
        found = part.find("AmtDtls/TxAmt/Amt")
    if found is None:
        return None
    units = _money(found)
    indicator = _text(part, "CdtDbtInd")
    negative = indicator == "DBIT" if indicator else whole < 0
    return -units if negative else units


def _signed(element: Element) -> int:
    found = element.find("Amt")
    if found is None:
        raise unreadable("amount")
    units = _money(found)
    return -units if _text(element, "CdtDbtInd") == "DBIT" else units


def _money(element: Element) -> int:
    if element.get("Ccy", ASSET) != ASSET:
        raise unreadable("currency")
    return abs(amount(element.text or ""))


def _account(element: Element | None) -> str:
    found = _account_id(element)
    if not found:
        raise unreadable("account")
    return found[:40]


def _account_id(element: Element | None) -> str:
    if element is None:
        return ""
    text = _text(element, "Id/IBAN") or _text(element, "Id/Othr/Id")
    digits = "".join(sign for sign in text if sign in "0123456789")
    return digits if digits and text.replace("-", "").replace(" ", "").isdigit() else text[:40]


def _text(element: Element, path: str) -> str:
    found = element.find(path)
    return (found.text or "").strip() if found is not None else ""
