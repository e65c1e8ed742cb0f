"""Identity numbers for tests, each with its right check digit, and customers on their way through the identity check."""

import hashlib
from itertools import count
from typing import Any

from portal.services import code_requests, files, kyc
from tests.support import documents, newcomers
from tests.support.people import Person, customer

LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
ANSWERS = {
    "q1": {"value": "investment"},
    "q2": {"value": "no"},
    "q3": {"value": "1_to_3"},
    "q4": {"value": "less_than_50"},
}
NAME = "林自得"
BANK = ("809", "0094")

_serial = count(1)


def number_with(letter: str, second: str, rest: str) -> str:
    """The identity number of these signs (seven digits in `rest`) with its check digit."""
    first = 10 + LETTERS.index(letter)
    middle = second if second.isdigit() else str((10 + LETTERS.index(second)) % 10)
    digits = f"{first}{middle}{rest}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1), strict=True))
    return f"{letter}{second}{rest}{-total % 10}"


def fresh_number(second: str = "1") -> str:
    """A national identity number that no other test person has."""
    return number_with(LETTERS[next(_serial) % 26], second, f"{next(_serial):07d}")


def fresh_phone() -> str:
    """A mobile number that nobody has."""
    digest = int(hashlib.sha256(str(next(_serial)).encode()).hexdigest(), 16)
    return f"+88697{digest % 10**7:07d}"


def sent_code(portal: Any, app: Any, phone: str) -> str:
    """The code in the newest text message to a number, after the worker has sent what is due."""
    return newcomers.code(portal, app, phone)


def at_level_1(app: Any, **more: Any) -> Person:
    """A customer who has passed level 1 through the services."""
    portal = app.extensions["portal"]
    person = customer(portal, kyc_level=0, **more)
    transact = portal.db.transact
    transact(kyc.submit_basic_data, person.id, NAME, 1, "1990/05/31", fresh_number())
    phone = fresh_phone()
    transact(code_requests.ask_for_phone, person.id, phone)
    transact(kyc.verify_phone, person.id, phone, sent_code(portal, app, phone))
    person.phone = phone
    return person


def upload(portal: Any, person: Person, kind: int, content: bytes = b"") -> Any:
    """Sends a document of a kind and answers its file."""
    document = files.clean_document(content or documents.jpeg(), max_bytes=kyc.MAX_FILE_BYTES)
    return portal.db.transact(kyc.add_document, person.id, kind, files.put(portal.db, document))


def applied_level_2(app: Any, person: Person | None = None) -> Person:
    """A customer whose level 2 waits for staff."""
    portal = app.extensions["portal"]
    person = person or at_level_1(app)
    for kind in kyc.LEVEL_2_KINDS:
        upload(portal, person, kind)
    portal.db.transact(kyc.apply_level_2, person.id, ANSWERS)
    return person


def at_level_2(app: Any) -> Person:
    """A customer whose level 2 staff have approved."""
    portal = app.extensions["portal"]
    person = applied_level_2(app)
    portal.db.transact(kyc.decide, person.id, 2, kyc.APPROVE, actor="staff:1")
    return person


def applied_level_3(app: Any, account: str = "00001234567890") -> Person:
    """A customer whose bank account waits for staff."""
    portal = app.extensions["portal"]
    person = at_level_2(app)
    upload(portal, person, kyc.PASSBOOK, documents.pdf())
    portal.db.transact(kyc.apply_level_3, person.id, *BANK, account)
    return person
