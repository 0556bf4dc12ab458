"""Upload policies and the tokens that carry them: https://developer.qiniu.com/kodo/1206/put-policy."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Annotated

import msgspec

from oxbow.rooms.storage.errors import BadUploadToken, Forbidden, TooLarge

MAX_TOKEN = 64 * 1024
_Flag = Annotated[int, msgspec.Meta(ge=0, le=1)]


class UploadPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """What the owner of a bucket lets the bearer of a token do.

    Fields that this server does not know are passed over, as the public cloud does: applications set them for
    features of other products.
    """

    scope: str
    """`<bucket>` (add only), `<bucket>:<key>`, or `<bucket>:<prefix>` with `is_prefixal_scope`."""
    deadline: int
    """Unix seconds."""
    is_prefixal_scope: int = 0
    insert_only: int = 0
    end_user: str = ""
    save_key: str = ""
    force_save_key: bool = False
    return_url: str = ""
    return_body: str = ""
    callback_url: str = ""
    """Several are separated by `;` and tried in turn."""
    callback_host: str = ""
    callback_body: str = ""
    callback_body_type: str = ""
    callback_fetch_key: int = 0
    persistent_ops: str = ""
    persistent_notify_url: str = ""
    persistent_pipeline: str = ""
    persistent_type: int = 0
    fsize_min: int = 0
    fsize_limit: int = 0
    detect_mime: int = 0
    mime_limit: str = ""
    file_type: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0
    delete_after_days: Annotated[int, msgspec.Meta(ge=0)] = 0

    @property
    def bucket(self) -> str:
        return self.scope.partition(":")[0]

    @property
    def scope_key(self) -> str | None:
        """The key, or the prefix, that the scope names; None if it is the whole bucket."""
        _, colon, key = self.scope.partition(":")
        return key if colon else None

    @property
    def adds_only(self) -> bool:
        """Whether an object that is there already, of other bytes, stays."""
        return bool(self.insert_only) or self.scope_key is None or bool(self.is_prefixal_scope)

    def check_key(self, key: str | None) -> None:
        """Forbidden for a key outside the scope; None is an upload without a key."""
        allowed = self.scope_key
        if allowed is None:
            return
        fits = key is not None and (key.startswith(allowed) if self.is_prefixal_scope else key == allowed)
        if not fits:
            raise Forbidden("key doesn't match with scope")

    def check_upload(self, key: str | None) -> None:
        """The same for the key that a client asks for, which `saveKey` may stand in for."""
        if not self.force_save_key and (key is not None or not self.save_key):
            self.check_key(key)

    def check_size(self, size: int, *, complete: bool = True) -> None:
        """TooLarge, or Forbidden for too small a file; call it early with `complete` false."""
        if self.fsize_limit and size > self.fsize_limit:
            raise TooLarge("fsizeLimit", self.fsize_limit)
        if complete and size < self.fsize_min:
            raise Forbidden(f"fsizeMin: the file has {size} bytes, the policy asks for {self.fsize_min}")


@dataclass(frozen=True, slots=True)
class UploadToken:
    """A token taken apart; it proves nothing before `verify`."""

    access_key: str
    signature: bytes
    signed: bytes
    """The policy as it was signed: base64."""
    policy: UploadPolicy

    def verify(self, secret_key: str, now: float) -> None:
        """BadUploadToken for a wrong signature (compared in constant time) or a deadline that has passed."""
        right = hmac.digest(secret_key.encode(), self.signed, "sha1")
        if not hmac.compare_digest(right, self.signature):
            raise BadUploadToken("bad token: the signature is not that of the access key")
        if self.policy.deadline < now:
            raise BadUploadToken(f"expired token: its deadline was {self.policy.deadline}")


def parse_token(token: str) -> UploadToken:
    """`<AccessKey>:<signature>:<policy>`; BadUploadToken for anything else."""
    parts = token.split(":")
    if len(token) > MAX_TOKEN or len(parts) != 3 or not all(parts):
        raise BadUploadToken("bad token: takes <AccessKey>:<signature>:<policy>")
    access_key, signature, encoded = parts
    try:
        policy = msgspec.json.decode(_base64(encoded), type=UploadPolicy, strict=False)
        return UploadToken(access_key, _base64(signature), encoded.encode(), policy)
    except msgspec.ValidationError as error:
        raise BadUploadToken(f"bad token: its policy does not fit: {error}") from None
    except (msgspec.DecodeError, ValueError):
        raise BadUploadToken("bad token: its policy is no base64 of JSON") from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError):
        raise ValueError("takes URL-safe base64") from None


def mime_allowed(limit: str, mime_type: str) -> bool:
    """Whether a policy's `mimeLimit` lets this type through.

    `image/*` and `image/jpeg;image/png` name what is allowed, `!application/json;text/plain` what is not.
    """
    names = [name.strip().lower() for name in limit.removeprefix("!").split(";") if name.strip()]
    plain = mime_type.partition(";")[0].strip().lower()
    listed = any(plain == name or (name.endswith("/*") and plain.startswith(name[:-1])) for name in names)
    return listed != limit.startswith("!")
