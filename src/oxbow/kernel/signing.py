"""The dialect's request signatures: pure functions from what was received to a verdict.

``Qiniu`` signs method, path, query, host, content type, the ``X-Qiniu-*`` headers and most bodies; ``QBox``,
the older one, signs path, query and form bodies.  Both are HMAC-SHA1 in url-safe base64 with padding.
Source: https://developer.qiniu.com/pili, "请求鉴权", and what the official SDKs send.

Everything is signed as it stands on the wire, so the functions work on raw bytes.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import unquote_to_bytes

FORM = b"application/x-www-form-urlencoded"
_UNSIGNED_BODY = b"application/octet-stream"
_DATE_HEADER = b"x-qiniu-date"
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(r"(Qiniu|QBox) ([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_-]{27}=)")

Scheme = Literal["Qiniu", "QBox"]


class BadAuthorization(ValueError):  # noqa: N818 - named by what it says
    """The Authorization header is not one of ours."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What signatures cover.

    ``path`` and ``query`` are raw, still percent-encoded; ``host`` is the Host header with its port;
    ``qiniu_headers`` maps lower-case names, ``x-qiniu-`` included, to values.
    """

    method: str
    path: bytes
    query: bytes = b""
    host: bytes = b""
    content_type: bytes = b""
    qiniu_headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_headers(
        cls, method: str, path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> SignedRequest:
        """Pick out of lower-case headers what is signed; of a repeated header the first counts."""
        first: dict[bytes, bytes] = {}
        for name, value in headers:
            first.setdefault(name, value)
        qiniu = {name: value for name, value in first.items() if re.fullmatch(rb"x-qiniu-.+", name)}
        host, content_type = first.get(b"host", b""), first.get(b"content-type", b"")
        return cls(method, path, query, host, content_type, qiniu, body)


@dataclass(frozen=True, slots=True)
class Credential:
    """A parsed Authorization header."""

    scheme: Scheme
    access_key: str
    signature: str = field(repr=False)


def parse_authorization(header: str) -> Credential:
    """Read ``Qiniu <access key>:<signature>`` or ``QBox ...``; :class:`BadAuthorization` otherwise."""
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise BadAuthorization("takes Qiniu or QBox, an access key, a colon and a signature")
    scheme: Scheme = "Qiniu" if match[1] == "Qiniu" else "QBox"
    return Credential(scheme, match[2], match[3])


def sign_qiniu(request: SignedRequest, access_key: str, secret_key: str) -> str:
    """The Authorization header of the ``Qiniu`` scheme."""
    return f"Qiniu {access_key}:{_signature(_qiniu_text(request), secret_key)}"


def sign_qbox(request: SignedRequest, access_key: str, secret_key: str) -> str:
    """The Authorization header of the ``QBox`` scheme."""
    return f"QBox {access_key}:{_signature(_qbox_text(request), secret_key)}"


def verify(credential: Credential, request: SignedRequest, secret_key: str) -> bool:
    """Whether the signature is right, in a time that does not depend on how wrong it is.

    The SDKs disagree about the path: Go signs it decoded, Python as sent, and an empty query may have been
    sent with or without its question mark.  Any of the readings may be signed, they name the same request.
    """
    text_of = _qiniu_text if credential.scheme == "Qiniu" else _qbox_text
    given = credential.signature.encode()
    right = False
    for reading in _readings(request):
        right |= hmac.compare_digest(_signature(text_of(reading), secret_key).encode(), given)
    return right


def signed_date(request: SignedRequest) -> datetime | None:
    """The moment of signing, if the client told it; ValueError for a date that is none."""
    value = request.qiniu_headers.get(_DATE_HEADER)
    if value is None:
        return None
    return datetime.strptime(value.decode("latin-1"), _DATE_FORMAT).replace(tzinfo=UTC)


def _readings(request: SignedRequest) -> list[SignedRequest]:
    paths = {request.path, unquote_to_bytes(request.path)}
    if not request.query:
        paths |= {path + b"?" for path in paths}
    return [replace(request, path=path) for path in paths]


def _signature(text: bytes, secret_key: str) -> str:
    return urlsafe_b64encode(hmac.digest(secret_key.encode(), text, "sha1")).decode()


def _target(request: SignedRequest) -> bytes:
    return request.path + b"?" + request.query if request.query else request.path


def _qiniu_text(request: SignedRequest) -> bytes:
    lines = [request.method.encode() + b" " + _target(request), b"Host: " + request.host]
    if request.content_type:
        lines.append(b"Content-Type: " + request.content_type)
    lines += sorted(_canonical(name) + b": " + value for name, value in request.qiniu_headers.items())
    body = request.body if request.content_type not in (b"", _UNSIGNED_BODY) else b""
    return b"\n".join(lines) + b"\n\n" + body


def _qbox_text(request: SignedRequest) -> bytes:
    body = request.body if request.content_type == FORM else b""
    return _target(request) + b"\n" + body


def _canonical(name: bytes) -> bytes:
    return b"-".join(part.capitalize() for part in name.split(b"-"))
