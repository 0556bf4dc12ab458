"""Uploads that are not objects yet: blocks, and multipart uploads with their parts."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

# Keys sort by their bytes on every backend.
KEY = sa.String(750).with_variant(sa.String(750, collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of unfinished uploads."""
    op.create_table(
        "storage_upload",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("bucket", sa.BigInteger(), nullable=False),
        sa.Column("key", KEY, nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storage_upload"),
    )
    op.create_index("ix_storage_upload_expires_at", "storage_upload", ["expires_at"])
    _create_parts()
    _create_blocks()


def _create_parts() -> None:
    op.create_table(
        "storage_part",
        sa.Column("upload", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("md5", sa.String(32), nullable=False),
        sa.Column("blobs", sa.Text(), nullable=False),
        sa.Column("put_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("upload", "number", name="pk_storage_part"),
        sa.ForeignKeyConstraint(
            ["upload"],
            ["storage_upload.id"],
            name="fk_storage_part_upload_storage_upload",
            ondelete="RESTRICT",
        ),
        sqlite_with_rowid=False,
    )


def _create_blocks() -> None:
    op.create_table(
        "storage_block",
        sa.Column("context", sa.String(64), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha1", sa.String(40), nullable=False),
        sa.Column("blobs", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("context", name="pk_storage_block"),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name="fk_storage_block_account_account"),
    )
    op.create_index("ix_storage_block_expires_at", "storage_block", ["expires_at"])
