"""Object bytes: immutable blobs, written once under a name that the store gives them."""

from oxbow.kernel.blobs.interface import Blob, BlobMissing, BlobsFull, BlobStore, BlobWriter, Digest
from oxbow.kernel.blobs.local import LocalBlobs

__all__ = ["Blob", "BlobMissing", "BlobStore", "BlobWriter", "BlobsFull", "Digest", "LocalBlobs"]
