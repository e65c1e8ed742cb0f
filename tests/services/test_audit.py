"""The audit log: nothing is cut out, changed or put in behind without showing, however late a record is committed."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal.services import audit
from portal.worker import oversight


def write(portal: Any, count: int) -> None:
    def acts(session: Any) -> None:
        for number in range(count):
            audit.write(session, "staff:1", "act", f"thing:{number}", details={"number": number})

    portal.db.transact(acts)


def by_force(portal: Any, statement: str) -> None:
    """Changes the log as somebody with the database's own password could, past the guards."""
    if portal.settings.sqlite:
        raw = portal.db.engine.raw_connection()
        raw.execute("PRAGMA foreign_keys=OFF")
        for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {row[0]}")
        raw.execute(statement)
        raw.execute("PRAGMA foreign_keys=ON")
        raw.close()
        return
    with portal.db.engine.begin() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.execute(sa.text(statement))
        connection.exec_driver_sql("SET session_replication_role = DEFAULT")


def test_the_chain_holds_over_what_was_written(portal: Any, app: Flask) -> None:
    write(portal, 5)
    assert oversight.seal_audit(portal) == 5
    write(portal, 2)
    assert oversight.seal_audit(portal) == 2
    assert oversight.seal_audit(portal) == 0
    assert portal.db.read(audit.verify) == []
    told = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert (told.exit_code, "0 problems" in told.output) == (0, True)


@pytest.mark.parametrize("statement", ["UPDATE audit_records SET actor = 'x'", "DELETE FROM audit_seals", "UPDATE audit_seals SET chain_hash = 'x'", "DELETE FROM audit_records"])  # fmt: skip
def test_the_database_refuses_changes(portal: Any, statement: str) -> None:
    write(portal, 1)
    oversight.seal_audit(portal)
    with pytest.raises(DBAPIError), portal.db.engine.begin() as connection:
        connection.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit_records SET actor = 'staff:2' WHERE subject = 'thing:2'", "does not fit its seal"),
        ("DELETE FROM audit_records WHERE subject = 'thing:2'", "is gone"),
        (
            "DELETE FROM audit_seals WHERE record_id = (SELECT id FROM audit_records WHERE subject = 'thing:2')",
            "behind the seal",
        ),
    ],
)
def test_a_change_past_the_guards_shows(portal: Any, app: Flask, statement: str, said: str) -> None:
    write(portal, 5)
    oversight.seal_audit(portal)
    by_force(portal, statement)
    assert said in " ".join(portal.db.read(audit.verify))
    assert app.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 1


def test_a_record_that_is_committed_late_is_sealed_in_its_place(postgres_app: Flask) -> None:
    portal = postgres_app.extensions["portal"]
    slow = portal.db.session()
    audit.write(slow, "staff:1", "slow", "thing:slow")
    slow.flush()
    write(portal, 3)
    assert oversight.seal_audit(portal) == 0
    slow.commit()
    slow.close()
    assert oversight.seal_audit(portal) == 4
    assert portal.db.read(audit.verify) == []
