"""Travel Rule data lies sealed in travel_records; the open column of withdrawals, never used, goes."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_column("withdrawals", "travel_rule")
