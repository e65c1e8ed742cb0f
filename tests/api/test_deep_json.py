"""Deeply nested JSON: libraries lift the interpreter's own bound, and then the C parser runs off its stack."""

import subprocess
import sys

import pytest

READERS = {
    "families": "from portal.api.parsing import NotJson as Wrong, read_json as read",
    "partners": "from portal.errors import Refusal as Wrong; from portal.services.partner_signing import read_body as read",
    "pages": "from flask import Flask; from portal.application import BoundedJson; Wrong = ValueError; "
    "read = BoundedJson(Flask('x')).loads",
}


@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_deep_body_is_refused_whatever_bound_a_library_has_set(reader: str, opening: str) -> None:
    program = f"""
import sys
sys.setrecursionlimit(1_000_000)
{READERS[reader]}
try:
    read({opening!r}.encode() * 300_000)
except Wrong:
    sys.exit(7)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == 7, ended.stderr.decode()[-500:]
