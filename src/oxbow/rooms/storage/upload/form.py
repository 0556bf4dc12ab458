"""Form uploads: https://developer.qiniu.com/kodo/1312/upload (RFC 7578)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import unquote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from oxbow.kernel.blobs import BlobStore, BlobWriter
from oxbow.kernel.httpd import BadRequest, Request, Response
from oxbow.rooms.storage.errors import BadArgument, BadUploadToken, ChecksumMismatch
from oxbow.rooms.storage.models import Content
from oxbow.rooms.storage.qetag import QEtag
from oxbow.rooms.storage.upload.digests import Crc32
from oxbow.rooms.storage.upload.finish import Finisher, Upload, metadata_in, variables_in
from oxbow.rooms.storage.upload.grants import Grant, Grants
from oxbow.rooms.storage.upload.mime import SNIFFED

FIELD_BYTES = 128 * 1024
"""The longest value of a field that is no file."""
FIELDS = 200
BLIND_BYTES = 32 << 20
"""Bytes of a file that are taken before the token has come: forms may send their fields in any order."""


@dataclass(slots=True)
class _Part:
    """One part of a form."""

    name: str
    file_name: str | None
    """None for a field."""
    content_type: str
    value: bytearray = field(default_factory=bytearray)


class FormParser:
    """Takes a form's bytes, and gives its parts as they come."""

    def __init__(self, boundary: bytes) -> None:
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._head_is_there,
                "on_part_data": self._data,
                "on_part_end": lambda: self._events.append((self._part, None)),
                "on_end": self._finished,
            },
        )
        self._events: list[tuple[_Part, bytes | None]] = []
        self._headers: dict[str, str] = {}
        self._name = self._value = b""
        self._part = _Part("", None, "")
        self._parts = 0
        self.complete = False

    def feed(self, data: bytes) -> list[tuple[_Part, bytes | None]]:
        """What these bytes bring: parts with their next bytes, or with None at their end; BadArgument."""
        try:
            self._parser.write(data)
        except MultipartParseError:
            raise BadArgument("body", "takes multipart/form-data with the boundary its type names") from None
        events, self._events = self._events, []
        return events

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > FIELDS:
            raise BadArgument("body", f"takes at most {FIELDS} fields")
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        value = self._value.decode("utf-8", "surrogateescape")
        self._headers[self._name.decode("latin-1").lower()] = value
        self._name = self._value = b""

    def _head_is_there(self) -> None:
        name, file_name = _disposition(self._headers.get("content-disposition", ""))
        self._part = _Part(name, file_name, self._headers.get("content-type", ""))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._events.append((self._part, data[start:end]))

    def _finished(self) -> None:
        self.complete = True


class FormUploads:
    """`POST /` with a form: token, key, file and what the policy's variables need."""

    def __init__(self, grants: Grants, blobs: BlobStore, finisher: Finisher) -> None:
        self._grants = grants
        self._blobs = blobs
        self._finisher = finisher

    async def __call__(self, request: Request) -> Response:
        parser = FormParser(_boundary(request.header("content-type")))
        async with self._blobs.writer(etag := QEtag(), crc := Crc32()) as writer:
            form = _Form(self._grants, writer)
            async for piece in request.body:
                for part, data in parser.feed(piece):
                    await form.take(part, data)
            if not parser.complete:
                raise BadRequest("the form ends in the middle: send its closing boundary, too")
            grant = await form.grant()
            if form.file is None:
                raise BadArgument("file", "is required: a part of that name with the bytes")
            blob = await writer.commit()
        _check_crc(form.fields.get("crc32"), crc.value)
        content = Content(str(etag), blob.size, "", (blob,) if blob.size else ())
        return await self._finisher.finish(grant, form.upload(content))


class _Form:
    """What has come of a form."""

    def __init__(self, grants: Grants, writer: BlobWriter) -> None:
        self._grants = grants
        self._writer = writer
        self._grant: Grant | None = None
        self._head = bytearray()
        self.fields: dict[str, str] = {}
        self.file: _Part | None = None

    async def take(self, part: _Part, data: bytes | None) -> None:
        """The next bytes of a part, or its end."""
        if part.name == "file":
            await self._take_file(part, data or b"")
        elif data is not None:
            if len(part.value) + len(data) > FIELD_BYTES:
                raise BadArgument(part.name, f"takes at most {FIELD_BYTES} bytes")
            part.value += data
        else:
            try:
                self.fields[part.name] = part.value.decode()
            except UnicodeDecodeError:
                raise BadArgument(part.name, "takes UTF-8") from None
            if part.name == "token":
                await self.grant()  # a wrong one is refused before the file is taken

    async def _take_file(self, part: _Part, data: bytes) -> None:
        if self.file not in (None, part):
            raise BadArgument("file", "takes one file")
        self.file = part
        if len(self._head) < SNIFFED:
            self._head += data[: SNIFFED - len(self._head)]
        size = self._writer.size + len(data)
        if self._grant is not None:
            self._grant.policy.check_size(size, complete=False)
        elif size > BLIND_BYTES:
            raise BadArgument("token", "comes before a file as large as this one")
        await self._writer.write(data)

    async def grant(self) -> Grant:
        """What the token lets this upload do."""
        if self._grant is None:
            token = self.fields.get("token")
            if not token:
                raise BadUploadToken("token not specified: the form takes an upload token in its field token")
            self._grant = await self._grants.of(token)
        return self._grant

    def upload(self, content: Content) -> Upload:
        """The upload that the fields describe."""
        file = self.file or _Part("file", "", "")
        return Upload(
            content=content,
            key=self.fields.get("key"),
            file_name=file.file_name or "",
            mime_type=file.content_type,
            head=bytes(self._head),
            variables=variables_in(self.fields),
            metadata=metadata_in(self.fields),
        )


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise BadArgument("Content-Type", "takes multipart/form-data with a boundary")
    if not re.fullmatch(r"[ -~]{1,200}", boundary):
        raise BadArgument("Content-Type", "takes a boundary of at most 200 printable characters")
    return boundary.encode()


_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))')


def _disposition(header: str) -> tuple[str, str | None]:
    """Name and file name of a part. Browsers escape a quote as %22 and SDKs with a backslash; a backslash
    before anything else is a character of the name, as old paths have it."""
    found = {name.lower(): quoted or bare.strip() for name, quoted, bare in _PARAMETER.findall(header)}
    name = _unescape(found.get("name", ""))
    if not name:
        raise BadArgument("body", "each part takes a Content-Disposition with a name")
    extended = found.get("filename*", "")
    if extended.lower().startswith("utf-8''"):
        return name, unquote(extended[7:])
    return name, _unescape(found["filename"]) if "filename" in found else None


def _unescape(text: str) -> str:
    return text.replace('\\"', '"').replace("%22", '"').encode("utf-8", "replace").decode()


def _check_crc(given: str | None, actual: int) -> None:
    if not given:
        return
    if not re.fullmatch(r"[0-9]{1,10}", given):
        raise BadArgument("crc32", "takes the CRC-32 of the file as a decimal number")
    if int(given) != actual:
        raise ChecksumMismatch("crc32", given, str(actual))
