"""What a machine asks of the portal: alive, ready."""

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from flask.typing import ResponseReturnValue

from portal.http import portal
from portal.migrations.run import head_revision
from portal.web import blueprint


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process serves."""
    return {"status": "alive"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The database answers and stands at the newest migration; 503 otherwise."""
    try:
        with portal().db.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
            revision = MigrationContext.configure(connection).get_current_revision()
    except sa.exc.SQLAlchemyError:
        return {"status": "unavailable", "database": "away"}, 503
    if revision != head_revision():
        return {"status": "unavailable", "database": "answers", "migration": revision or "none"}, 503
    return {"status": "ready", "database": "answers", "migration": revision}
