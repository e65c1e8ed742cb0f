"""Triggers behind acts that need two people, on both engines: what was proposed stays, what was decided stays."""

from sqlalchemy.engine import Connection

#: What a proposal is; never changed once it is written.
_FIXED = ("public_id", "kind", "subject", "payload", "reason", "maker_id", "created_at")


def install(connection: Connection) -> None:
    """Creates the guards of approvals and of withdrawals that staff must look at."""
    sqlite = connection.dialect.name == "sqlite"
    for statement in _sqlite() if sqlite else _postgresql():
        connection.exec_driver_sql(statement)


def _changed(sqlite: bool) -> str:
    if sqlite:
        return " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _FIXED)
    return " OR ".join(f"NEW.{name}::text IS DISTINCT FROM OLD.{name}::text" for name in _FIXED)


_DECISIONS = (
    "(SELECT COUNT(DISTINCT decided_by) FROM withdrawal_approvals"
    " WHERE withdrawal_id = NEW.id AND decision = 'approve')"
)


def _sqlite() -> list[str]:
    def guard(name: str, when: str, why: str, table: str = "approvals") -> str:
        moment, condition = when.split(" WHEN ", 1) if " WHEN " in when else (when, "1")
        return (
            f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {moment} ON {table} WHEN {condition}"
            f" BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )

    return [
        guard("approvals_begin", "INSERT WHEN NEW.status <> 'pending'", "an approval begins as a proposal"),
        guard("approvals_decided", "UPDATE WHEN OLD.status <> 'pending'", "a decided approval is not changed"),
        guard("approvals_fixed", f"UPDATE WHEN {_changed(True)}", "what was proposed is not changed"),
        guard("approvals_kept", "DELETE", "approvals are kept"),
        guard(
            "withdrawals_two_people",
            f"UPDATE WHEN NEW.status = 'approved' AND OLD.status <> 'approved' AND NEW.needs_approvals > {_DECISIONS}",
            "a withdrawal needs its approvals",
            "withdrawals",
        ),
    ]


def _postgresql() -> list[str]:
    return [
        "CREATE OR REPLACE FUNCTION guard_approvals() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'approvals are kept'; END IF;"
        " IF TG_OP = 'INSERT' THEN"
        "  IF NEW.status <> 'pending' THEN RAISE EXCEPTION 'an approval begins as a proposal'; END IF;"
        "  RETURN NEW; END IF;"
        " IF OLD.status <> 'pending' THEN RAISE EXCEPTION 'a decided approval is not changed'; END IF;"
        f" IF {_changed(False)} THEN RAISE EXCEPTION 'what was proposed is not changed'; END IF;"
        " RETURN NEW; END $$",
        "CREATE OR REPLACE TRIGGER approvals_guarded BEFORE INSERT OR UPDATE OR DELETE ON approvals"
        " FOR EACH ROW EXECUTE FUNCTION guard_approvals()",
        "CREATE OR REPLACE FUNCTION guard_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF NEW.needs_approvals > {_DECISIONS} THEN"
        " RAISE EXCEPTION 'a withdrawal needs its approvals'; END IF;"
        " RETURN NEW; END $$",
        "CREATE OR REPLACE TRIGGER withdrawals_two_people BEFORE UPDATE OF status ON withdrawals FOR EACH ROW"
        " WHEN (NEW.status = 'approved' AND OLD.status <> 'approved') EXECUTE FUNCTION guard_withdrawals()",
    ]
