"""Bringing a database up to the newest schema."""

from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from portal.config import Settings
from portal.db import make_engine

_HERE = Path(__file__).resolve().parent


def config() -> Config:
    """Alembic's configuration, without a file of its own."""
    made = Config()
    made.set_main_option("script_location", str(_HERE))
    return made


@lru_cache(maxsize=1)
def head_revision() -> str | None:
    """The newest migration's name."""
    return ScriptDirectory.from_config(config()).get_current_head()


def migrate(settings: Settings) -> None:
    """Runs every migration that the configured database does not have yet; one process at a time."""
    engine = make_engine(settings)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7201144)")
            alembic = config()
            alembic.attributes["connection"] = connection
            command.upgrade(alembic, "head")
    finally:
        engine.dispose()
