"""What the storage room is about: buckets, and the objects in them.

Plain frozen data and the rules for names, without I/O. Times are Unix seconds unless a field says otherwise.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from oxbow.kernel.blobs import Blob

BUCKET_RULE = "3 to 63 lower-case letters, digits and '-', beginning and ending with a letter or a digit"
KEY_BYTES = 750
KEY_RULE = f"at most {KEY_BYTES} bytes of UTF-8 without a zero byte"
DAY = 86_400
TICKS = 10_000_000
"""A put time counts these in a second: it is in units of 100 ns."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class StorageType(IntEnum):
    """How an object is kept, which is a matter of price; see
    https://developer.qiniu.com/kodo/3710/chtype. Every type is read at once here, but archived ones only
    after they were restored, as a client of the public cloud has to."""

    STANDARD = 0
    INFREQUENT = 1
    ARCHIVE = 2
    DEEP_ARCHIVE = 3
    ARCHIVE_INSTANT = 4

    @property
    def needs_restoring(self) -> bool:
        """Whether an object of this type is read only once it was restored."""
        return self in (StorageType.ARCHIVE, StorageType.DEEP_ARCHIVE)


class BucketSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the owner chose for a bucket; kept as JSON."""

    private: bool = False
    """Whether a download needs a signed address."""
    trash_days: int = 7
    """Days that deleted and overwritten objects can be had back; 0 for none."""
    max_age: int = 31_536_000
    """`Cache-Control: max-age` of downloads, in seconds."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A name space of objects."""

    id: int
    name: str
    account: int
    region: str
    created_at: int
    settings: BucketSettings = field(default_factory=BucketSettings)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that objects refer to: any number of objects, in any bucket, share one content at no cost."""

    hash: str
    """The dialect's etag of the bytes (qetag), or of the parts they were uploaded in."""
    size: int
    md5: str
    """Hexadecimal; empty where it was not computed. With `-<parts>` behind it for an S3 multipart upload."""
    blobs: tuple[Blob, ...]
    """In this order they are the bytes."""
    id: int = 0
    """0 until it is stored."""


@dataclass(frozen=True, slots=True)
class Transitions:
    """When an object changes by itself, in Unix seconds; 0 for never."""

    to_infrequent: int = 0
    to_archive_instant: int = 0
    to_archive: int = 0
    to_deep_archive: int = 0
    delete: int = 0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: a key of a bucket, and what is kept under it."""

    bucket: int
    key: str
    content: Content
    mime_type: str
    put_time: int
    """Units of 100 ns since 1970."""
    type: StorageType = StorageType.STANDARD
    disabled: bool = False
    end_user: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    """By name without `x-qn-meta-`."""
    transitions: Transitions = field(default_factory=Transitions)
    restored_till: int = 0
    """Until when an archived object can be read; 0 if nobody asked for it."""
    source: str = ""
    """Where the bytes came from, if not from an upload: `fetch:<url>`, `mirror:<url>`, `copy:<bucket>:<key>`,
    `fop:<command>`, `record:<stream>`."""
    locked_till: int = 0
    """Until when it can be neither removed nor overwritten."""


@dataclass(frozen=True, slots=True)
class Block:
    """What has come of a block of a resumable upload (v1)."""

    context: str
    """What the client names it by; each chunk that is appended makes a new one."""
    size: int
    """Bytes that the block will have."""
    blobs: tuple[Blob, ...]
    expires_at: int
    sha1: str = ""
    """Hexadecimal, of the whole block; empty while it is not complete."""

    @property
    def offset(self) -> int:
        """Bytes that are here."""
        return sum(blob.size for blob in self.blobs)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload (v2)."""

    number: int
    etag: str
    """The dialect's etag of its bytes."""
    md5: str
    """Hexadecimal."""
    blobs: tuple[Blob, ...]
    """One, or none for a part without bytes."""
    put_at: int

    @property
    def size(self) -> int:
        return sum(blob.size for blob in self.blobs)


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """A multipart upload (v2) that is open."""

    id: str
    bucket: int
    key: str | None
    """None where the policy will name the object."""
    expires_at: int


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies below a prefix that ends with a slash, or in the whole bucket (an empty prefix)."""

    prefix: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Trashed:
    """An object that was deleted or overwritten, and can be had back."""

    id: int
    object: StoredObject
    trashed_at: int
    purge_at: int
    why: str
    """deleted, overwritten, moved or expired."""
    by: str
    """Who did it, as in the audit."""


def is_bucket_name(name: str) -> bool:
    return _BUCKET.fullmatch(name) is not None


def is_key(key: str) -> bool:
    """Whether an object can have this key. An empty one is a key too: the public cloud takes it."""
    try:
        return len(key.encode()) <= KEY_BYTES and "\0" not in key
    except UnicodeEncodeError:  # lone surrogates, from bytes that were no UTF-8
        return False


def encode_entry(bucket: str, key: str | None) -> str:
    """`EncodedEntryURI`: URL-safe base64 of `bucket:key`, or of the bucket alone."""
    entry = bucket if key is None else f"{bucket}:{key}"
    return base64.urlsafe_b64encode(entry.encode()).decode()


def decode_base64(text: str) -> str:
    """URL-safe base64 with or without its padding; ValueError for anything else, UTF-8 included."""
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise ValueError("takes URL-safe base64 of UTF-8 text") from None


def decode_entry(entry: str) -> tuple[str, str | None]:
    """The inverse of `encode_entry`; ValueError."""
    bucket, colon, key = decode_base64(entry).partition(":")
    return bucket, key if colon else None


def folders_of(key: str, depth: int = 32) -> list[str]:
    """The folders whose size an object counts into: the bucket itself and at most `depth` levels below it.

    >>> folders_of("a/b/c.jpg")
    ['', 'a/', 'a/b/']
    """
    folders, at = [""], key.find("/")
    while at >= 0 and len(folders) <= depth:
        folders.append(key[: at + 1])
        at = key.find("/", at + 1)
    return folders
