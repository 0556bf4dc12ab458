"""Durable tasks, and the servers that run them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# Ids sort by their bytes on every backend.
TASK_ID = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")
IS_WAITING_FOR_THE_ENGINE = sa.text("NOT handed")
HAS_A_LEASE = sa.text("lease <> ''")


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "task",
        sa.Column("id", TASK_ID, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("key", sa.String(200), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        *[sa.Column(name, sa.Double(), nullable=False) for name in ("created_at", "updated_at", "run_at")],
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("waiting_since", sa.Double(), nullable=True),
        sa.Column("deadline", sa.Double(), nullable=True),
        *[sa.Column(name, sa.Integer(), nullable=False) for name in ("attempt", "attempt_limit")],
        sa.Column("error", sa.Text(), nullable=False),
        *[sa.Column(name, sa.Double(), nullable=True) for name in ("started_at", "finished_at")],
        sa.Column("cancelling", sa.Boolean(), nullable=False),
        sa.Column("server", sa.String(200), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("handed", sa.Boolean(), nullable=False),
        sa.Column("lease", sa.String(32), nullable=False),
        *[sa.Column(name, sa.Integer(), nullable=False) for name in ("runs", "rollbacks")],
        sa.PrimaryKeyConstraint("id", name="pk_task"),
    )
    op.create_index("uq_task_key", "task", ["kind", "account", "key"], unique=True)
    op.create_index("ix_task_list", "task", ["account", "id"])
    _partial_index("ix_task_due", ["run_at"], IS_WAITING_FOR_THE_ENGINE)
    _partial_index("ix_task_lease", ["server"], HAS_A_LEASE)
    op.create_index("ix_task_finished", "task", ["finished_at"])
    op.create_table(
        "task_server",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_task_server"),
    )


def _partial_index(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "task", columns, sqlite_where=where, postgresql_where=where)
