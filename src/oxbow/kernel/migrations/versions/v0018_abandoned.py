"""What must be told of broadcasts, should the server die before them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Nothing is told of what is on already."""
    op.add_column("live_activity", sa.Column("publisher", sa.Text(), nullable=False, server_default=""))
