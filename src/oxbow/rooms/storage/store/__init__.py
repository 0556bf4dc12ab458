"""The storage room's only SQL."""

from oxbow.rooms.storage.store.blobs import BlobStore
from oxbow.rooms.storage.store.buckets import BucketStore
from oxbow.rooms.storage.store.folders import FolderStore
from oxbow.rooms.storage.store.listing import ListingStore, Page
from oxbow.rooms.storage.store.objects import Actor, ObjectStore
from oxbow.rooms.storage.store.transitions import TransitionStore
from oxbow.rooms.storage.store.trash import TrashStore
from oxbow.rooms.storage.store.unfinished import BlockStore, PartStore

__all__ = [
    "Actor",
    "BlobStore",
    "BlockStore",
    "BucketStore",
    "FolderStore",
    "ListingStore",
    "ObjectStore",
    "Page",
    "PartStore",
    "TransitionStore",
    "TrashStore",
]
