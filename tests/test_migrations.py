"""What the migrations build is what the models say, on both engines; running them again changes nothing."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import portal.models
from portal import ledger
from portal.db import Base
from portal.migrations.guards import APPEND_ONLY
from portal.migrations.run import head_revision, migrate

assert portal.models


def test_the_migrated_schema_is_the_models_schema(portal):
    def of_this_engine(thing, *rest):
        return thing.info.get("engine", portal.db.engine.dialect.name) == portal.db.engine.dialect.name

    with portal.db.engine.connect() as connection:
        options = {"compare_type": False, "include_object": of_this_engine}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_the_same_constraints_and_indexes_stand_in_the_database(portal):
    inspector = sa.inspect(portal.db.engine)
    for table in Base.metadata.sorted_tables:
        wanted = {constraint.name for constraint in table.constraints if isinstance(constraint, sa.CheckConstraint)}
        found = {check["name"] for check in inspector.get_check_constraints(table.name)}
        assert wanted <= found, f"{table.name}: {wanted - found}"
        assert {index.name for index in table.indexes} <= {index["name"] for index in inspector.get_indexes(table.name)}


def test_migrating_again_is_harmless(app, portal):
    migrate(portal.settings)
    with portal.db.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == head_revision()


def test_every_append_only_table_is_guarded(portal):
    with portal.db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found = connection.exec_driver_sql("SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'")
        else:
            found = connection.exec_driver_sql("SELECT DISTINCT event_object_table FROM information_schema.triggers")
        assert set(APPEND_ONLY) <= {name for (name,) in found}


def test_entries_come_into_being_only_with_their_journal(portal):
    def post(reference):
        lines = [ledger.Line(ledger.house("inventory", "TWD"), 5), ledger.Line(ledger.house("rounding", "TWD"), -5)]
        portal.db.transact(ledger.post, "test", reference, lines, actor="system")

    post("first")
    columns = "journal_id, account_id, asset, amount_units, balance_after_units"
    with portal.db.engine.connect() as connection:
        journal, account = connection.exec_driver_sql("SELECT journal_id, account_id FROM entries").first()
        if connection.dialect.name == "sqlite":
            pairs = [(journal + 1, account), (journal, account + 1000)]
        else:
            pairs = [(journal, account)]
    for pair in pairs:
        with portal.db.engine.begin() as connection, pytest.raises(sa.exc.DatabaseError):
            connection.exec_driver_sql(f"INSERT INTO entries ({columns}) VALUES ({pair[0]}, {pair[1]}, 'TWD', 5, 5)")


def test_an_account_with_entries_stays(portal):
    lines = [ledger.Line(ledger.house("inventory", "TWD"), 5), ledger.Line(ledger.house("rounding", "TWD"), -5)]
    portal.db.transact(ledger.post, "test", "once", lines, actor="system")
    with portal.db.engine.begin() as connection, pytest.raises(sa.exc.DatabaseError):
        connection.exec_driver_sql("DELETE FROM accounts")


def test_the_function_refuses_lines_that_do_not_sum_to_zero(portal):
    if portal.db.engine.dialect.name == "sqlite":
        return  # there the services alone see to it
    lines = [ledger.Line(ledger.house("inventory", "TWD"), 5), ledger.Line(ledger.house("rounding", "TWD"), -5)]
    portal.db.transact(ledger.post, "test", "once", lines, actor="system")
    with portal.db.engine.begin() as connection, pytest.raises(sa.exc.IntegrityError, match="not balanced"):
        connection.exec_driver_sql(
            "SELECT post_journal('test', 'crooked', 'system', NULL, NULL, now(), array_agg(id), array_agg(asset::text),"
            " array_agg(1::bigint)) FROM accounts WHERE asset = 'TWD'"
        )
