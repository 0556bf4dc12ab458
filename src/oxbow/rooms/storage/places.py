"""Where an address leads: which bucket a host names."""

from __future__ import annotations

from oxbow.rooms.storage.models import Bucket
from oxbow.rooms.storage.store import BucketStore


class Places:
    """Finds the bucket of a download.

    Every bucket has a host of its own, `<bucket>.<suffix>`; where names cannot be had, such as on a
    developer's machine, `/<bucket>/<key>` at the server's own address means the same.
    """

    def __init__(self, buckets: BucketStore, suffix: str) -> None:
        self._buckets = buckets
        self._suffix = f".{suffix}"

    async def find(self, host: str, path: bytes) -> tuple[Bucket, bytes] | None:
        """The bucket, and the path of the object in it without its leading slash; None for no bucket."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        rest = path.removeprefix(b"/")
        if name.lower().endswith(self._suffix):
            bucket = await self._buckets.find(name.lower().removesuffix(self._suffix))
        else:
            first, _, rest = rest.partition(b"/")
            bucket = await self._buckets.find(first.decode("latin-1"))
        return (bucket, rest) if bucket is not None else None
