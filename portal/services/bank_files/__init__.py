"""Reading what banks say: CSV files by a mapping of their columns, ISO 20022 camt.053 and camt.054. Pure.

`read(content, mapping)` answers a `Statement`; Refusal `statement_unreadable` says what and where.
"""

from portal.services.bank_files.camt import read_camt
from portal.services.bank_files.csv_files import PRESETS, Mapping, mapping_from, read_csv
from portal.services.bank_files.parsed import Line, Statement, unreadable

__all__ = ["PRESETS", "Line", "Mapping", "Statement", "mapping_from", "read", "unreadable"]

#: Larger files are refused before they are looked at.
MAX_BYTES = 5 * 1024 * 1024


def read(content: bytes, mapping: Mapping | None) -> Statement:
    """The statement in a file: XML is recognised by itself, anything else needs a mapping.

    Raises Refusal `statement_unreadable` (facts: what, line) or `statement_too_large`.
    """
    if len(content) > MAX_BYTES:
        raise unreadable("too_large")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_camt(content)
    if mapping is None:
        raise unreadable("mapping_missing")
    return read_csv(content, mapping)
