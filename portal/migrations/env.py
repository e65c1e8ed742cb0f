"""Alembic's environment: migrations run on the connection that `migrate` hands over."""

from alembic import context

import portal.models  # registers the tables
from portal.db import Base

assert portal.models

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, render_as_batch=connection.dialect.name == "sqlite"
)
with context.begin_transaction():
    context.run_migrations()
