"""First release."""

from alembic import op

import portal.models
from portal.db import Base
from portal.migrations import guards, seeds, two_people

revision = "0001"
down_revision = None

assert portal.models


def upgrade() -> None:
    Base.metadata.create_all(op.get_bind())
    guards.install(op.get_bind())
    two_people.install(op.get_bind())
    seeds.load_banks(op.get_bind())
    seeds.load_roles(op.get_bind())
