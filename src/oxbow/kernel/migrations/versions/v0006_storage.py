"""Object storage: buckets, objects and their contents, folders' sizes, the trash."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Keys sort by their bytes on every backend.
KEY = sa.String(750).with_variant(sa.String(750, collation="C"), "postgresql")
# SQLite numbers rows by itself only where the type is INTEGER.
ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NEXT_CHANGE = sa.text("next_change <> 0")


def upgrade() -> None:
    """Create the tables of the storage room."""
    _create_buckets()
    _create_contents()
    _create_objects()
    _create_folders()
    _create_trash()


def _create_buckets() -> None:
    op.create_table(
        "storage_bucket",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storage_bucket"),
        sa.UniqueConstraint("name", name="uq_storage_bucket_name"),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name="fk_storage_bucket_account_account"),
    )
    op.create_index("ix_storage_bucket_account", "storage_bucket", ["account"])


def _create_contents() -> None:
    op.create_table(
        "storage_blob",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("refs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_storage_blob"),
    )
    op.create_table(
        "storage_content",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("md5", sa.String(48), nullable=False),
        sa.Column("blobs", sa.Text(), nullable=False),
        sa.Column("refs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storage_content"),
    )


def _create_objects() -> None:
    op.create_table(
        "storage_object",
        sa.Column("bucket", ID, nullable=False, autoincrement=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("content", ID, nullable=False),
        sa.Column("mime_type", sa.String(200), nullable=False),
        sa.Column("put_time", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("end_user", sa.String(255), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("transitions", sa.Text(), nullable=False),
        sa.Column("next_change", sa.BigInteger(), nullable=False),
        sa.Column("restored_till", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("locked_till", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "key", name="pk_storage_object"),
        sa.ForeignKeyConstraint(
            ["bucket"],
            ["storage_bucket.id"],
            name="fk_storage_object_bucket_storage_bucket",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["content"], ["storage_content.id"], name="fk_storage_object_content_storage_content"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_storage_object_content", "storage_object", ["content"])
    op.create_index(
        "ix_storage_object_next_change",
        "storage_object",
        ["next_change"],
        sqlite_where=NEXT_CHANGE,
        postgresql_where=NEXT_CHANGE,
    )


def _create_folders() -> None:
    op.create_table(
        "storage_folder",
        sa.Column("bucket", ID, nullable=False, autoincrement=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "prefix", name="pk_storage_folder"),
        sa.ForeignKeyConstraint(
            ["bucket"],
            ["storage_bucket.id"],
            name="fk_storage_folder_bucket_storage_bucket",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )


def _create_trash() -> None:
    op.create_table(
        "storage_trash",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("bucket", ID, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("content", ID, nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("trashed_at", sa.BigInteger(), nullable=False),
        sa.Column("purge_at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_storage_trash"),
        sa.ForeignKeyConstraint(
            ["bucket"],
            ["storage_bucket.id"],
            name="fk_storage_trash_bucket_storage_bucket",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["content"], ["storage_content.id"], name="fk_storage_trash_content_storage_content"
        ),
    )
    op.create_index("ix_storage_trash_bucket_key", "storage_trash", ["bucket", "key"])
    op.create_index("ix_storage_trash_content", "storage_trash", ["content"])
    op.create_index("ix_storage_trash_purge_at", "storage_trash", ["purge_at"])
