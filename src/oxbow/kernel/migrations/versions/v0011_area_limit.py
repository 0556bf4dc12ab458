"""Areas from which a domain may be watched."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Existing domains may be watched from everywhere, as before."""
    op.add_column("live_domain", sa.Column("area_limit", sa.Text(), nullable=False, server_default="{}"))
