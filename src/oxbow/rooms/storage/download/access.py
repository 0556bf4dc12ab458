"""Who may download from a private bucket: https://developer.qiniu.com/kodo/1202/download-token."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import time
from collections.abc import Callable

from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.errors import ApiError
from oxbow.kernel.httpd import Request
from oxbow.kernel.iam.rights import Rights
from oxbow.rooms.storage.actions import DOWNLOAD
from oxbow.rooms.storage.models import Bucket

_NOBODYS_SECRET = secrets.token_urlsafe(30)  # Unknown keys cost the same HMACs as known ones.
_SIGNED = re.compile(rb"(.*[?&]e=([0-9]{1,12}))&token=([A-Za-z0-9_-]{1,64}):([A-Za-z0-9_-]{27}=)")


class NotSigned(ApiError):  # noqa: N818 - named by what it says
    """A private object's address is not signed, not rightly, or no longer."""

    def __init__(self, reason: str) -> None:
        super().__init__(401, reason)


class DownloadAccess:
    """Checks the signatures of addresses."""

    def __init__(self, keys: KeyRing, rights: Rights, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._rights = rights
        self._clock = clock

    async def check(self, bucket: Bucket, request: Request) -> None:
        """NotSigned; NotGranted for a user's key that may not.

        The last two parameters of a signed address are `e` and `token`; what was signed is the address as it
        was asked for, up to `e`.
        """
        match = _SIGNED.fullmatch(request.target.replace(b"%3A", b":").replace(b"%3D", b"="))
        if match is None:
            raise NotSigned("token not specified: the bucket is private, its addresses end with e and token")
        signed, deadline, access_key, signature = match[1], int(match[2]), match[3].decode(), match[4]
        pair = await self._keys.find(access_key)
        secret = (pair.secret_key if pair else _NOBODYS_SECRET).encode()
        right = [_signature(secret, request, scheme, signed) for scheme in (b"http", b"https")]
        # Which scheme the client used is not known behind a proxy that ends TLS.
        genuine = [hmac.compare_digest(one, signature) for one in right]
        if not any(genuine) or pair is None or not pair.enabled or pair.account.id != bucket.account:
            raise NotSigned("bad token: the signature is not that of this address by a key of its owner")
        if deadline < self._clock():
            raise NotSigned(f"token out of date: it was good until {deadline}")
        await self._rights.demand(pair, DOWNLOAD.name, bucket.name)


def _signature(secret: bytes, request: Request, scheme: bytes, signed: bytes) -> bytes:
    url = scheme + b"://" + request.header("host").encode() + signed
    return base64.urlsafe_b64encode(hmac.digest(secret, url, "sha1"))
