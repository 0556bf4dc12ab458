"""Why a stream is disabled."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nobody has said why so far."""
    op.add_column(
        "live_stream", sa.Column("disabled_reason", sa.String(200), nullable=False, server_default="")
    )
