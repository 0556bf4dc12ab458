"""The storage room's tables. Times are Unix seconds unless a column says otherwise.

An object refers to a content, a content to its blobs; both count who refers to them, in the same transaction,
so that copies cost one row and the sweeper knows what nobody needs.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from oxbow.kernel.database import Base, sorted_by_bytes

KEY = sorted_by_bytes(750)
ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the type is INTEGER."""

NEXT_CHANGE = text("next_change <> 0")


class BucketRow(Base):
    __tablename__ = "storage_bucket"

    id: Mapped[int] = mapped_column(ID, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(63), unique=True)
    account: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    region: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[str] = mapped_column(Text)


class BlobRow(Base):
    """One row for each blob that anything refers to, or did until lately."""

    __tablename__ = "storage_blob"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    refs: Mapped[int] = mapped_column(BigInteger)


class ContentRow(Base):
    __tablename__ = "storage_content"

    id: Mapped[int] = mapped_column(ID, primary_key=True, autoincrement=True)
    hash: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    md5: Mapped[str] = mapped_column(String(48))
    blobs: Mapped[str] = mapped_column(Text)
    """`<name>:<bytes>` of each, separated by spaces."""
    refs: Mapped[int] = mapped_column(BigInteger)


class ObjectRow(Base):
    __tablename__ = "storage_object"
    __table_args__ = (
        Index(
            "ix_storage_object_next_change",
            "next_change",
            sqlite_where=NEXT_CHANGE,
            postgresql_where=NEXT_CHANGE,
        ),
        {"sqlite_with_rowid": False},
    )

    bucket: Mapped[int] = mapped_column(
        ID, ForeignKey("storage_bucket.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(KEY, primary_key=True)
    content: Mapped[int] = mapped_column(ForeignKey("storage_content.id"), index=True)
    mime_type: Mapped[str] = mapped_column(String(200))
    put_time: Mapped[int] = mapped_column(BigInteger)
    """Units of 100 ns."""
    type: Mapped[int]
    disabled: Mapped[bool]
    end_user: Mapped[str] = mapped_column(String(255))
    metadata_: Mapped[str] = mapped_column("metadata", Text)
    """JSON, as are the transitions."""
    transitions: Mapped[str] = mapped_column(Text)
    next_change: Mapped[int] = mapped_column(BigInteger)
    """The earliest of the transitions; 0 for none."""
    restored_till: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text)
    locked_till: Mapped[int] = mapped_column(BigInteger)


class FolderRow(Base):
    """How much lies below each folder, brought up to date with every object."""

    __tablename__ = "storage_folder"
    __table_args__ = ({"sqlite_with_rowid": False},)

    bucket: Mapped[int] = mapped_column(
        ID, ForeignKey("storage_bucket.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    prefix: Mapped[str] = mapped_column(KEY, primary_key=True)
    objects: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)


class TrashRow(Base):
    __tablename__ = "storage_trash"
    __table_args__ = (Index("ix_storage_trash_bucket_key", "bucket", "key"),)

    id: Mapped[int] = mapped_column(ID, primary_key=True, autoincrement=True)
    bucket: Mapped[int] = mapped_column(ForeignKey("storage_bucket.id", ondelete="RESTRICT"))
    key: Mapped[str] = mapped_column(KEY)
    content: Mapped[int] = mapped_column(ForeignKey("storage_content.id"), index=True)
    object: Mapped[str] = mapped_column(Text)
    """The object's other columns, as JSON."""
    trashed_at: Mapped[int] = mapped_column(BigInteger)
    purge_at: Mapped[int] = mapped_column(BigInteger, index=True)
    why: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(255))


class UploadRow(Base):
    """A multipart upload that is open; what has expired is deleted by the sweeper."""

    __tablename__ = "storage_upload"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    bucket: Mapped[int] = mapped_column(BigInteger)
    """No foreign key: a bucket may be dropped while somebody still uploads to it."""
    key: Mapped[str | None] = mapped_column(KEY)
    """Null where the policy will name the object."""
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class PartRow(Base):
    """A part of a multipart upload; it refers to its blob."""

    __tablename__ = "storage_part"
    __table_args__ = ({"sqlite_with_rowid": False},)

    upload: Mapped[str] = mapped_column(
        String(64), ForeignKey("storage_upload.id", ondelete="RESTRICT"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    etag: Mapped[str] = mapped_column(String(64))
    md5: Mapped[str] = mapped_column(String(32))
    blobs: Mapped[str] = mapped_column(Text)
    """As those of a content."""
    put_at: Mapped[int] = mapped_column(BigInteger)


class BlockRow(Base):
    """What has come of a block of a resumable upload; it refers to its blobs, and never changes."""

    __tablename__ = "storage_block"

    context: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[int] = mapped_column(ForeignKey("account.id"))
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes that the block will have."""
    sha1: Mapped[str] = mapped_column(String(40))
    """Hexadecimal, of the whole block; empty while it is not complete."""
    blobs: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
