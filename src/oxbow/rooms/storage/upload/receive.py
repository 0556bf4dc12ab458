"""What the ways to upload in pieces have in common: the token in a header, and a body that becomes a blob."""

from __future__ import annotations

from oxbow.kernel.blobs import Blob, BlobStore, Digest
from oxbow.kernel.httpd import Request
from oxbow.rooms.storage.errors import BadArgument, BadUploadToken, TooLarge
from oxbow.rooms.storage.models import KEY_RULE, decode_base64, is_key
from oxbow.rooms.storage.upload.grants import Grant, Grants
from oxbow.rooms.storage.upload.mime import SNIFFED

_SCHEME = "UpToken "


def has_token(request: Request) -> bool:
    """Whether the request says that it is an upload's."""
    return request.header("authorization").startswith(_SCHEME)


async def grant_of(grants: Grants, request: Request) -> Grant:
    """What the token in `Authorization: UpToken <token>` lets a request do; BadUploadToken, NoSuchBucket."""
    if not has_token(request):
        raise BadUploadToken("token not specified: send Authorization: UpToken <token>")
    return await grants.of(request.header("authorization").removeprefix(_SCHEME).strip())


async def receive(request: Request, blobs: BlobStore, limit: int, *digests: Digest) -> tuple[Blob, ...]:
    """Keep the body as one blob, none for an empty body; TooLarge beyond `limit` bytes, BadRequest if it ends
    early. Nothing of a refused one is kept."""
    if (request.content_length or 0) > limit:
        raise TooLarge("body", limit)
    async with blobs.writer(*digests) as writer:
        async for piece in request.body:
            if writer.size + len(piece) > limit:
                raise TooLarge("body", limit)
            await writer.write(piece)
        return (await writer.commit(),) if writer.size else ()


async def head_of(blobs: BlobStore, content: tuple[Blob, ...]) -> bytes:
    """The first bytes of what these blobs hold, which tell its type."""
    head = b""
    for blob in content:
        async for piece in blobs.read(blob.name, 0, SNIFFED - len(head)):
            head += piece
        if len(head) >= SNIFFED:
            break
    return head


def decoded(field: str, text: str) -> str:
    """URL-safe base64 in a path; BadArgument that names the field."""
    try:
        return decode_base64(text)
    except ValueError as error:
        raise BadArgument(field, str(error)) from None


def decoded_key(text: str) -> str:
    """A key in a path; BadArgument."""
    key = decoded("key", text)
    if not is_key(key):
        raise BadArgument("key", f"takes {KEY_RULE}")
    return key


def number(field: str, text: str, low: int, high: int) -> int:
    """A decimal number in a path or a query; BadArgument."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and low <= int(text) <= high):
        raise BadArgument(field, f"takes a whole number from {low} to {high}")
    return int(text)
