"""Resumable uploads, version 1: blocks of 4 MiB in chunks, then a file of blocks.

https://developer.qiniu.com/kodo/1286/mkblk, /kodo/1251/bput and /kodo/1287/mkfile.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable

from oxbow.kernel.blobs import Blob, BlobStore
from oxbow.kernel.httpd import Request, Response, json_response
from oxbow.rooms.storage.errors import BadArgument
from oxbow.rooms.storage.models import Block, Content
from oxbow.rooms.storage.qetag import BLOCK, QEtag, qetag_of_blocks
from oxbow.rooms.storage.store import BlockStore
from oxbow.rooms.storage.upload.digests import Crc32
from oxbow.rooms.storage.upload.finish import Finisher, Upload, metadata_in, variables_in
from oxbow.rooms.storage.upload.grants import Grants
from oxbow.rooms.storage.upload.receive import decoded, decoded_key, grant_of, head_of, number, receive

CHUNKS = 128
"""So many chunks make a block at most."""
MAX_FILE = 1 << 40
CONTEXT_LIST_BYTES = 16 << 20
"""More than the contexts of the largest file take."""

_CONTEXT = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BlockUploads:
    """`POST /mkblk/...`, `/bput/...` and `/mkfile/...`."""

    def __init__(
        self,
        grants: Grants,
        blobs: BlobStore,
        blocks: BlockStore,
        finisher: Finisher,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._grants = grants
        self._blobs = blobs
        self._blocks = blocks
        self._finisher = finisher
        self._clock = clock

    async def make_block(self, request: Request, size: str) -> Response:
        """`/mkblk/<bytes of the block>`; the body is its first chunk, or all of it."""
        room = number("blockSize", size, 1, BLOCK)
        grant = await grant_of(self._grants, request)
        return await self._append(request, grant.bucket.account, room, ())

    async def put_chunk(self, request: Request, context: str, offset: str) -> Response:
        """`/bput/<context>/<offset>`; the body is the next chunk."""
        at = number("offset", offset, 0, BLOCK)
        grant = await grant_of(self._grants, request)
        account = grant.bucket.account
        [block] = await self._blocks.get(account, [context], int(self._clock()))
        if at != block.offset:
            raise BadArgument("offset", f"is {at}, but the context ends at {block.offset}")
        if len(block.blobs) >= CHUNKS:
            raise BadArgument(
                "body", f"a block takes at most {CHUNKS} chunks: begin it again with longer ones"
            )
        return await self._append(request, account, block.size, block.blobs)

    async def make_file(self, request: Request, size: str, fields: list[str]) -> Response:
        """`/mkfile/<bytes>/<name>/<base64>...`; the body lists the contexts of the blocks in their order."""
        total = number("fsize", size, 0, MAX_FILE)
        described = _fields(fields)
        grant = await grant_of(self._grants, request)
        grant.policy.check_size(total)
        contexts = _contexts(await request.body.read(CONTEXT_LIST_BYTES))
        blocks = await self._blocks.get(grant.bucket.account, contexts, int(self._clock()))
        _check_blocks(blocks, total)
        content = Content(_hash(blocks), total, "", tuple(blob for block in blocks for blob in block.blobs))
        upload = Upload(
            content=content,
            key=described.get("key"),
            file_name=described.get("fname", ""),
            mime_type=described.get("mimeType", ""),
            head=await head_of(self._blobs, content.blobs),
            variables=variables_in(described),
            metadata=metadata_in(described),
        )
        return await self._finisher.finish(grant, upload)

    async def _append(self, request: Request, account: int, size: int, former: tuple[Blob, ...]) -> Response:
        crc, etag = Crc32(), QEtag()
        here = sum(blob.size for blob in former)
        blobs = former + await receive(request, self._blobs, size - here, crc, etag)
        if blobs == former:
            raise BadArgument("body", "takes the bytes of a chunk")
        sha1 = ""
        if sum(blob.size for blob in blobs) == size:
            sha1 = (await self._sha1(blobs) if former else etag.blocks[0]).hex()
        block = await self._blocks.add(account, size, blobs, sha1, int(self._clock()))
        return json_response(_answer(request, block, etag, crc))

    async def _sha1(self, blobs: tuple[Blob, ...]) -> bytes:
        """That of a block that came in chunks: at most 4 MiB are read again, just after they were written."""
        digest = hashlib.sha1(usedforsecurity=False)
        for blob in blobs:
            async for piece in self._blobs.read(blob.name):
                digest.update(piece)
        return digest.digest()


def _answer(request: Request, block: Block, etag: QEtag, crc: Crc32) -> dict[str, object]:
    return {
        "ctx": block.context,
        "checksum": base64.urlsafe_b64encode(etag.blocks[0]).decode(),
        "crc32": crc.value,
        "offset": block.offset,
        "host": f"{request.scheme}://{request.header('host')}",
        "expired_at": block.expires_at,
    }


def _fields(path: list[str]) -> dict[str, str]:
    """What stands behind the size in pairs: a name, and base64."""
    if len(path) % 2:
        raise BadArgument("mkfile", f"takes a value behind {path[-1][:60]!r}")
    fields = dict(zip(path[::2], path[1::2], strict=True))
    for name in fields:
        if name not in ("key", "mimeType", "fname") and not name.startswith(("x:", "x-qn-meta-")):
            raise BadArgument(
                "mkfile", f"{name[:60]!r} is none of key, mimeType, fname, x:..., x-qn-meta-..."
            )
    return {
        name: decoded_key(text) if name == "key" else decoded(name, text) for name, text in fields.items()
    }


def _contexts(body: bytes) -> list[str]:
    contexts = [context.strip() for context in body.decode("latin-1").split(",")] if body.strip() else []
    if not all(_CONTEXT.fullmatch(context) for context in contexts):
        raise BadArgument("body", "takes the contexts of all blocks, separated by commas")
    return contexts


def _check_blocks(blocks: list[Block], total: int) -> None:
    for index, block in enumerate(blocks):
        if not block.sha1:
            raise BadArgument("body", f"block {index} has {block.offset} of its {block.size} bytes")
        if block.size != BLOCK and index + 1 < len(blocks):
            raise BadArgument("body", f"block {index} has {block.size} bytes: all but the last have {BLOCK}")
    if (actual := sum(block.size for block in blocks)) != total:
        raise BadArgument("fsize", f"is {total}, but the blocks have {actual} bytes together")


def _hash(blocks: list[Block]) -> str:
    if not blocks:
        return str(QEtag())
    return qetag_of_blocks(bytes.fromhex(block.sha1) for block in blocks)
