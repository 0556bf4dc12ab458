"""Resumable uploads, version 2: numbered parts of any size, then an object of parts.

https://developer.qiniu.com/kodo/6364/multipartupload-interface.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

import msgspec

from oxbow.kernel.blobs import BlobStore
from oxbow.kernel.httpd import Request, Response, json_response
from oxbow.rooms.storage.errors import BadArgument, ChecksumMismatch, Forbidden
from oxbow.rooms.storage.models import Content, MultipartUpload, Part
from oxbow.rooms.storage.qetag import QEtag, etag_of_parts
from oxbow.rooms.storage.store import PartStore
from oxbow.rooms.storage.upload.finish import Finisher, Upload, metadata_in, variables_in
from oxbow.rooms.storage.upload.grants import Grant, Grants
from oxbow.rooms.storage.upload.receive import decoded_key, grant_of, head_of, number, receive

PARTS = 10_000
PART_BYTES = 1 << 30
COMPLETION_BYTES = 4 << 20
"""More than the description of the most parts takes."""
NO_KEY = "~"
PAGE = 1000
"""Parts of one page of a list at most."""


class _Told(msgspec.Struct, rename="camel"):
    """A part as the client names it."""

    etag: str
    part_number: int


class _Completion(msgspec.Struct, rename="camel"):
    """The body of a completion; clients send null for what they leave out."""

    parts: list[_Told]
    fname: str | None = None
    mime_type: str | None = None
    custom_vars: dict[str, str] | None = None
    metadata: dict[str, str] | None = None


class MultipartUploads:
    """What is asked below `/buckets/<bucket>/objects/<key>/uploads`."""

    def __init__(
        self,
        grants: Grants,
        blobs: BlobStore,
        parts: PartStore,
        finisher: Finisher,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._grants = grants
        self._blobs = blobs
        self._parts = parts
        self._finisher = finisher
        self._clock = clock

    async def begin(self, request: Request, bucket: str, encoded: str) -> Response:
        """POST .../uploads."""
        grant, key = await self._granted(request, bucket, encoded)
        grant.policy.check_upload(key)
        upload = await self._parts.begin(grant.bucket.id, key, self._now())
        return json_response({"uploadId": upload.id, "expireAt": upload.expires_at})

    async def put(self, request: Request, bucket: str, encoded: str, upload_id: str, part: str) -> Response:
        """PUT .../uploads/<id>/<number>; `Content-MD5` is hexadecimal here."""
        which = number("partNumber", part, 1, PARTS)
        grant, upload = await self._upload(request, bucket, encoded, upload_id)
        limit = min(PART_BYTES, grant.policy.fsize_limit or PART_BYTES)
        etag, md5 = QEtag(), hashlib.md5(usedforsecurity=False)
        blobs = await receive(request, self._blobs, limit, etag, md5)
        given = request.header("content-md5").strip().lower()
        if given and given != md5.hexdigest():
            raise ChecksumMismatch("Content-MD5", given[:64], md5.hexdigest())
        kept = Part(which, str(etag), md5.hexdigest(), blobs, self._now())
        await self._parts.put(upload, kept, self._now())
        return json_response({"etag": kept.etag, "md5": kept.md5})

    async def list(self, request: Request, bucket: str, encoded: str, upload_id: str) -> Response:
        """GET .../uploads/<id>?max-parts=&part-number_marker=."""
        query = parse_qs(request.query.decode("latin-1"))
        limit = number("max-parts", query.get("max-parts", [str(PAGE)])[0], 1, PAGE)
        after = number("part-number_marker", query.get("part-number_marker", ["0"])[0], 0, PARTS)
        _, upload = await self._upload(request, bucket, encoded, upload_id)
        found = await self._parts.parts(upload, after, limit + 1)
        shown, more = found[:limit], len(found) > limit
        return json_response(
            {
                "uploadId": upload.id,
                "expireAt": upload.expires_at,
                "partNumberMarker": shown[-1].number if more else 0,
                "parts": [_shown(part) for part in shown],
            }
        )

    async def complete(self, request: Request, bucket: str, encoded: str, upload_id: str) -> Response:
        """POST .../uploads/<id>: the parts in their order become the object; nothing is copied."""
        grant, upload = await self._upload(request, bucket, encoded, upload_id)
        told = _completion(await request.body.read(COMPLETION_BYTES))
        chosen = _chosen(told.parts, await self._parts.parts(upload))
        content = Content(
            hash=etag_of_parts([(part.etag, part.size) for part in chosen]),
            size=sum(part.size for part in chosen),
            md5="",
            blobs=tuple(blob for part in chosen for blob in part.blobs),
        )
        finished = Upload(
            content=content,
            key=upload.key,
            file_name=told.fname or "",
            mime_type=told.mime_type or "",
            head=await head_of(self._blobs, content.blobs),
            variables=variables_in(told.custom_vars or {}),
            metadata=metadata_in(told.metadata or {}),
        )
        answer = await self._finisher.finish(grant, finished)
        await self._parts.end(upload, self._now())
        return answer

    async def abort(self, request: Request, bucket: str, encoded: str, upload_id: str) -> Response:
        """DELETE .../uploads/<id>."""
        _, upload = await self._upload(request, bucket, encoded, upload_id)
        await self._parts.end(upload, self._now())
        return json_response({})

    async def _granted(self, request: Request, bucket: str, encoded: str) -> tuple[Grant, str | None]:
        grant = await grant_of(self._grants, request)
        if grant.bucket.name != bucket:
            raise Forbidden(f"bucket: the token is for {grant.bucket.name}, the path names another")
        return grant, None if encoded == NO_KEY else decoded_key(encoded)

    async def _upload(
        self, request: Request, bucket: str, encoded: str, upload_id: str
    ) -> tuple[Grant, MultipartUpload]:
        grant, key = await self._granted(request, bucket, encoded)
        return grant, await self._parts.get(grant.bucket.id, key, upload_id, self._now())

    def _now(self) -> int:
        return int(self._clock())


def _completion(body: bytes) -> _Completion:
    try:
        return msgspec.json.decode(body, type=_Completion)
    except msgspec.ValidationError as error:
        raise BadArgument("body", f"does not fit: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadArgument("body", "takes a JSON object with parts") from None


def _chosen(told: Sequence[_Told], kept: Sequence[Part]) -> list[Part]:
    """The parts that the client names; BadArgument unless they ascend, and each is here as it says."""
    if not 1 <= len(told) <= PARTS:
        raise BadArgument("parts", f"takes 1 to {PARTS} parts")
    by_number = {part.number: part for part in kept}
    former = 0
    for part in told:
        if part.part_number <= former:
            raise BadArgument("parts", f"takes ascending part numbers: {part.part_number} follows {former}")
        former = part.part_number
        found = by_number.get(former)
        if found is None:
            raise BadArgument("parts", f"part {former} was not uploaded")
        if found.etag != part.etag:
            raise BadArgument("parts", f"part {former} has the etag {found.etag}, not {part.etag[:64]!r}")
    return [by_number[part.part_number] for part in told]


def _shown(part: Part) -> dict[str, object]:
    return {"size": part.size, "etag": part.etag, "partNumber": part.number, "putTime": part.put_at}
