"""A page far down a list costs what the first one does, and shows the rows it should while the list grows."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models.security import VerificationCode
from portal.services import page_starts

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)
LENGTHS = (0, 1, 299, 300, 301, 640, 1000)


def add(session: Session, owner: str, count: int) -> None:
    row = {
        "purpose": "x", "subject": "x", "channel": "sms", "code_digest": "0", "tries": 0, "created_at": MOMENT,
        "sent_at": MOMENT, "expires_at": MOMENT,
    }  # fmt: skip
    for target in (owner, "somebody else"):
        session.execute(sa.insert(VerificationCode), [{**row, "target_digest": target}] * count) if count else None


def list_of(owner: str) -> "sa.Select[VerificationCode]":
    return sa.select(VerificationCode).where(VerificationCode.target_digest == owner)


def every_key(session: Session, owner: str) -> list[int]:
    return list(
        session.scalars(list_of(owner).with_only_columns(VerificationCode.id).order_by(VerificationCode.id.desc()))
    )


def page(session: Session, owner: str, skip: int) -> list[int]:
    return page_starts.row_numbers(session, list_of(owner), VerificationCode.id, skip, 16)


@pytest.mark.parametrize("length", LENGTHS)
def test_every_page_of_a_growing_list_shows_its_own_rows(portal: Any, length: int) -> None:
    owner = f"owner {length}"
    for more in (length, 7, 310):
        portal.db.transact(add, owner, more)
        keys = portal.db.read(every_key, owner)
        for skip in range(0, len(keys) + 45, 15):
            assert portal.db.read(page, owner, skip) == keys[skip : skip + 16]


def test_a_known_list_is_never_counted_through_again(portal: Any) -> None:
    portal.db.transact(add, "owner", 2000)
    portal.db.read(page, "owner", 1500)
    plain: list[int] = []

    def looked(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        plain.extend(
            value
            for value in (parameters.values() if isinstance(parameters, dict) else parameters)
            if isinstance(value, int)
        )

    def deep(session: Session) -> list[int]:
        engine = session.get_bind()
        sa.event.listen(engine, "before_cursor_execute", looked)
        try:
            return page(session, "owner", 1800)
        finally:
            sa.event.remove(engine, "before_cursor_execute", looked)

    keys = portal.db.read(every_key, "owner")
    assert portal.db.read(deep) == keys[1800:1816]
    assert 1800 not in plain, "the rows before the page were skipped one by one"
