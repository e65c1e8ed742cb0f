"""What the world sends into a field: numbers that are none, text that is more than text, things of the wrong kind."""

from decimal import Decimal
from typing import Any

#: Values any JSON field may be sent.
VALUES: list[Any] = [
    None, True, False, [], {}, [[]], {"a": {"b": 1}}, 0, -1, -0.0, 1, 10**30, Decimal("1e-30"), 2**63, "NaN", "Infinity", "1e400",
    "-1", "0", "1_000", "１２３", " 1", "1 ", "", " ", "\x00", "a\x00b", "\u202egnp.exe", "ı", "ﬁ", "\U0001f600" * 50, "\ud83d", "x" * 3999,
    "x" * 10_000, "'; DROP TABLE customers; --", "{{7*7}}", "<script>alert(1)</script>", "../../etc/passwd", "%00", "%s%n",
    "=cmd|' /C calc'!A0", "https://evil.example/", "//evil.example", "0912345678", "+886912345678", "a@b", "a@example.com",
    "2026-02-30", "9999-12-31", "0000/00/00", "00000000-0000-0000-0000-000000000000", "TWD", "USDT", "BTC", "123456",
]  # fmt: skip

#: Bodies that are no JSON object, or say one thing twice.
BODIES: list[bytes] = [
    b"", b"null", b"[]", b"1", b'"x"', b"{", b'{"a":1,"a":2}', b"\xff\xfe", b'{"amount":NaN}', b'{"amount":1e400}',
    b"[" * 5000, b'{"a":' * 500 + b"1" + b"}" * 500, b"{}" + b" " * 70_000,
]  # fmt: skip

#: Values for path segments and query strings.
SEGMENTS: list[str] = [
    "0", "-1", "1", "9" * 30, "x", "%00", "..%2f..%2fetc", "００", "a" * 300, "00000000-0000-0000-0000-000000000000",
    "'", "%F0%9F%98%80", "%0d%0aX:1", "1e9", "NaN",
]  # fmt: skip
