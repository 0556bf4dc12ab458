"""Who may upload: the token is signed by a key of the account that owns the bucket, or of a user of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.iam.rights import Rights
from oxbow.rooms.storage.actions import UPLOAD
from oxbow.rooms.storage.errors import BadUploadToken, NoSuchBucket
from oxbow.rooms.storage.models import Bucket
from oxbow.rooms.storage.store import Actor, BucketStore
from oxbow.rooms.storage.upload.policy import UploadPolicy, parse_token

_NOBODYS_SECRET = secrets.token_urlsafe(30)  # Unknown keys cost the same HMAC as known ones.


@dataclass(frozen=True, slots=True)
class Grant:
    """What the bearer of a token may do."""

    policy: UploadPolicy
    bucket: Bucket
    access_key: str
    secret_key: str = field(repr=False)
    """What callbacks on behalf of this upload are signed with."""

    def actor(self, now: int) -> Actor:
        """Who the object's change is ascribed to."""
        return Actor(f"key:{self.access_key}", now)


class Grants:
    """Turns tokens into grants."""

    def __init__(
        self, keys: KeyRing, rights: Rights, buckets: BucketStore, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._rights = rights
        self._buckets = buckets
        self._clock = clock

    async def of(self, text: str) -> Grant:
        """BadUploadToken; NoSuchBucket also for a bucket of another account; NotGranted for a user's key."""
        token = parse_token(text)
        pair = await self._keys.find(token.access_key)
        token.verify(pair.secret_key if pair else _NOBODYS_SECRET, self._clock())
        if pair is None or not pair.enabled:
            raise BadUploadToken("bad token: its access key is unknown or disabled")
        bucket = await self._buckets.find(token.policy.bucket)
        if bucket is None or bucket.account != pair.account.id:
            raise NoSuchBucket
        await self._rights.demand(pair, UPLOAD.name, bucket.name)
        return Grant(token.policy, bucket, pair.access_key, pair.secret_key)
