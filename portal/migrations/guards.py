"""Triggers that make tables append-only, on both engines: UPDATE and DELETE are refused by the database itself."""

from sqlalchemy.engine import Connection

APPEND_ONLY = (
    "journals",
    "entries",
    "state_changes",
    "audit_records",
    "audit_seals",
    "staff_notes",
    "withdrawal_approvals",
    "risk_case_entries",
    "bank_closes",
)


def install(connection: Connection, tables: tuple[str, ...] = APPEND_ONLY) -> None:
    """Creates the guards of the given tables."""
    if connection.dialect.name == "sqlite":
        for table in tables:
            for verb in ("UPDATE", "DELETE"):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in tables:
        connection.exec_driver_sql(
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
