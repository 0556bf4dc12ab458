"""Users of an account, their keys, groups and policies."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Key pairs that are there stay their accounts' own."""
    version = op.create_table(
        "iam_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_iam_version"),
    )
    op.bulk_insert(version, [{"id": 1, "version": 1}])
    _create_named(
        "iam_user",
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
    )
    _create_named("iam_group", sa.Column("description", sa.String(500), nullable=False))
    _create_named(
        "iam_policy",
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("edit_type", sa.Integer(), nullable=False),
        sa.Column("statements", sa.Text(), nullable=False),
    )
    _create_link("iam_user_policy", "user", "policy")
    _create_link("iam_group_policy", "group", "policy")
    _create_link("iam_group_user", "group", "user")
    with op.batch_alter_table("key_pair") as table:
        table.add_column(sa.Column("user_id", sa.Integer(), nullable=True))
        table.create_foreign_key(
            "fk_key_pair_user_id_iam_user", "iam_user", ["user_id"], ["id"], ondelete="CASCADE"
        )
        table.create_index("ix_key_pair_user_id", ["user_id"])


def _create_named(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("alias", sa.String(64), nullable=False),
        *columns,
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=f"fk_{table}_account_id_account", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("account_id", "alias", name=f"uq_{table}_account_id_alias"),
    )


def _create_link(table: str, left: str, right: str) -> None:
    keys = [
        sa.ForeignKeyConstraint(
            [f"{side}_id"], [f"iam_{side}.id"], name=f"fk_{table}_{side}_id_iam_{side}", ondelete="CASCADE"
        )
        for side in (left, right)
    ]
    op.create_table(
        table,
        sa.Column(f"{left}_id", sa.Integer(), nullable=False),
        sa.Column(f"{right}_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(f"{left}_id", f"{right}_id", name=f"pk_{table}"),
        *keys,
    )
