"""Which media type an upload has: what the client says, what its name says, and what its bytes say."""

from __future__ import annotations

import mimetypes
import re

import puremagic

SNIFFED = 4096
"""Bytes at the beginning of an upload that its type is told from."""
UNKNOWN = "application/octet-stream"

_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,90}(?:\s*;[ -~]{0,100})?")
# The package's own table, not the machine's: a type must not depend on what is installed beside.
_BY_NAME = mimetypes.MimeTypes()
for _suffix, _type in {
    ".apk": "application/vnd.android.package-archive",
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".flv": "video/x-flv",
    ".heic": "image/heic",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4a": "audio/mp4",
    ".m4s": "video/iso.segment",
    ".md": "text/markdown",
    ".mkv": "video/x-matroska",
    ".ts": "video/mp2t",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".yaml": "text/yaml",
}.items():
    _BY_NAME.add_type(_type, _suffix)
_TEXT_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1b"))


def decide(given: str, file_name: str, key: str, head: bytes, mode: int = 0) -> str:
    """The type of an upload.

    :param given: what the client says; empty or `application/octet-stream` says nothing.
    :param head: its first bytes.
    :param mode: the policy's `detectMime`: 0 takes the client's word, then the names, then the bytes; 1 the
        bytes, then the names; -1 the client's word whatever it is.
    """
    if mode == -1:
        return given if is_type(given) else UNKNOWN
    names = [by_name(file_name), by_name(key)]
    if mode == 1:
        candidates = [by_content(head), *names]
    else:
        candidates = [given if is_type(given) and given != UNKNOWN else "", *names, by_content(head)]
    return next((candidate for candidate in candidates if candidate), UNKNOWN)


def is_type(text: str) -> bool:
    """Whether it is a media type (RFC 6838, 4.2), perhaps with parameters."""
    return _TYPE.fullmatch(text) is not None


def by_name(name: str) -> str:
    """By a name's suffix; empty if it tells nothing."""
    return _BY_NAME.guess_type(name.rpartition("/")[2].lower())[0] or ""


def by_content(head: bytes) -> str:
    """By the first bytes; empty if they tell nothing."""
    if not head:
        return ""
    try:
        found = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        found = ""
    if is_type(found):
        return found
    return "text/plain" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    if head.translate(None, _TEXT_CONTROLS) != head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character may be cut at the end of what is looked at
    return True
