"""The answer to a download: the object's bytes by sendfile, with the headers that caches and players need."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs, quote, unquote_to_bytes

from oxbow.kernel.blobs import BlobStore
from oxbow.kernel.errors import ApiError
from oxbow.kernel.httpd import FilePart, Request, Response
from oxbow.rooms.storage.download import ranges
from oxbow.rooms.storage.download.access import DownloadAccess
from oxbow.rooms.storage.errors import Forbidden
from oxbow.rooms.storage.models import TICKS, Bucket, Content, StoredObject, is_key
from oxbow.rooms.storage.store import ObjectStore


class NotFound(ApiError):  # noqa: N818 - named by what it says
    """Browsers and caches understand 404, where the management API says 612."""

    def __init__(self) -> None:
        super().__init__(404, "Document not found")


class Downloads:
    """Answers GET and HEAD."""

    def __init__(
        self,
        objects: ObjectStore,
        blobs: BlobStore,
        access: DownloadAccess,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._objects = objects
        self._blobs = blobs
        self._access = access
        self._clock = clock

    async def answer(self, request: Request, bucket: Bucket, path: bytes) -> Response:
        """The object under a path (percent-encoded, without its leading slash)."""
        if bucket.settings.private:
            await self._access.check(bucket, request)
        item = await self._find(bucket, path)
        self._check(item)
        etag, modified = ranges.etag_of(item.content.hash), item.put_time // TICKS
        headers = _headers(request, bucket, item, etag, modified)
        header = request.header
        if ranges.fails(header("if-match"), header("if-unmodified-since"), etag, modified):
            return Response(412, headers)
        if ranges.is_fresh(header("if-none-match"), header("if-modified-since"), etag, modified):
            return Response(304, headers)
        asked = None
        if ranges.range_applies(header("if-range"), etag, modified):
            asked = ranges.parse_range(header("range"), item.content.size)
        if asked is None:
            return Response(200, headers, self._bytes(item.content, 0, item.content.size), item.content.size)
        start, end = asked
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{item.content.size}"
        return Response(206, headers, self._bytes(item.content, start, end), end - start)

    async def _find(self, bucket: Bucket, path: bytes) -> StoredObject:
        try:
            key = unquote_to_bytes(path).decode()
        except UnicodeDecodeError:
            raise NotFound from None
        if not is_key(key):
            raise NotFound
        try:
            return await self._objects.get(bucket.id, key)
        except ApiError as missing:
            raise NotFound from missing

    def _check(self, item: StoredObject) -> None:
        if item.disabled:
            raise Forbidden("the object is disabled: its owner can enable it with chstatus")
        if item.type.needs_restoring and item.restored_till <= self._clock():
            raise Forbidden("the object is archived: restore it first (restoreAr)")

    def _bytes(self, content: Content, start: int, end: int) -> list[FilePart] | AsyncIterator[bytes]:
        """The bytes from `start` up to and without `end`."""
        parts = list(_slices(content, start, end))
        files = [(self._blobs.path(name), first, last) for name, first, last in parts]
        if any(path is None for path, _, _ in files):
            return self._read(parts)
        return [FilePart(path, first, last - first) for path, first, last in files if path is not None]

    async def _read(self, parts: list[tuple[str, int, int]]) -> AsyncIterator[bytes]:
        for name, first, last in parts:
            async for piece in self._blobs.read(name, first, last):
                yield piece


def _slices(content: Content, start: int, end: int) -> list[tuple[str, int, int]]:
    """Which range of which blob, in order."""
    slices, at = [], 0
    for blob in content.blobs:
        first, last = max(start - at, 0), min(end - at, blob.size)
        if first < last:
            slices.append((blob.name, first, last))
        at += blob.size
    return slices


def _headers(
    request: Request, bucket: Bucket, item: StoredObject, etag: str, modified: int
) -> dict[str, str]:
    headers = {
        "Content-Type": item.mime_type,
        "ETag": etag,
        "Last-Modified": ranges.http_date(modified),
        "Cache-Control": f"public, max-age={bucket.settings.max_age}",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag, X-Log, X-Reqid",
    }
    headers |= {f"X-Qn-Meta-{_token(name)}": quote(value) for name, value in item.metadata.items()}
    names = parse_qs(request.query.decode("latin-1"), keep_blank_values=True).get("attname")
    if names is not None:
        name = names[0] or item.key.rpartition("/")[2]
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return headers


def _token(name: str) -> str:
    """A header's name holds neither spaces nor anything else that a name of metadata might."""
    return "".join(character if character.isalnum() or character in "-_" else "-" for character in name)
