"""What the migrations build is what the models say, on both engines; running them again changes nothing."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import portal.models
from portal.db import Base
from portal.migrations.guards import APPEND_ONLY
from portal.migrations.run import head_revision, migrate

assert portal.models


def test_the_migrated_schema_is_the_models_schema(portal):
    with portal.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


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
