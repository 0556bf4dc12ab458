"""The ways to upload, told apart by method and path."""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import unquote

from oxbow.kernel.errors import ApiError
from oxbow.kernel.httpd import Request, Response
from oxbow.rooms.storage.upload.blocks import BlockUploads
from oxbow.rooms.storage.upload.form import FormUploads
from oxbow.rooms.storage.upload.multipart import MultipartUploads


class Uploads:
    """Answers whatever an upload asks for."""

    def __init__(self, form: FormUploads, blocks: BlockUploads, multipart: MultipartUploads) -> None:
        self._form = form
        self._blocks = blocks
        self._multipart = multipart

    def answer(self, request: Request) -> Awaitable[Response]:
        """ApiError (404) for a path that is none of an upload's."""
        # A segment may be empty: so is the base64 of an empty key.
        match [request.method, *unquote(request.raw_path.decode("latin-1")).split("/")[1:]]:
            case ["POST", ""]:
                return self._form(request)
            case ["POST", "mkblk", size]:
                return self._blocks.make_block(request, size)
            case ["POST", "bput", context, offset]:
                return self._blocks.put_chunk(request, context, offset)
            case ["POST", "mkfile", size, *fields]:
                return self._blocks.make_file(request, size, fields)
            case ["POST", "buckets", bucket, "objects", key, "uploads"]:
                return self._multipart.begin(request, bucket, key)
            case ["PUT", "buckets", bucket, "objects", key, "uploads", upload, part]:
                return self._multipart.put(request, bucket, key, upload, part)
            case ["GET", "buckets", bucket, "objects", key, "uploads", upload]:
                return self._multipart.list(request, bucket, key, upload)
            case ["POST", "buckets", bucket, "objects", key, "uploads", upload]:
                return self._multipart.complete(request, bucket, key, upload)
            case ["DELETE", "buckets", bucket, "objects", key, "uploads", upload]:
                return self._multipart.abort(request, bucket, key, upload)
        raise ApiError(404, "no such endpoint")
