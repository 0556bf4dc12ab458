"""Letting publishers in: the pure policy, fed from the database or, while it is away, from memory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Protocol

from oxbow.kernel.accounts import KeyPair
from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.rooms.live.addresses import normal_host
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.errors import HubNotFound
from oxbow.rooms.live.models import (
    STREAM_NAME_RULE,
    DomainType,
    Hub,
    PublishSecurity,
    SecondPublisher,
    Stream,
    ban_text,
    is_stream_name,
)
from oxbow.rooms.live.policy import (
    PublishAttempt,
    PublishGrant,
    PublishRefused,
    access_key_of,
    effective_security,
    verify_publish,
)
from oxbow.rooms.live.snapshot import check_domain
from oxbow.rooms.live.store import StreamStore
from oxbow.rooms.live.store.streams import new_stream

MAX_REMEMBERED = 100_000


class Keys(Protocol):
    """Where key pairs are found; the kernel's key ring."""

    async def find(self, access_key: str) -> KeyPair | None: ...
    async def signing(self, account: int) -> KeyPair | None: ...


@dataclass(frozen=True)
class _Found:
    """What is known of a stream, and whether that is the database's word."""

    stream: Stream | None
    from_database: bool


class Publishing:
    def __init__(self, cache: ConfigurationCache, streams: StreamStore, keys: Keys) -> None:
        self._cache = cache
        self._streams = streams
        self._keys = keys
        self._remembered: dict[tuple[str, str], None] = {}
        """Streams that were seen to exist, for hubs that do not create them on demand."""

    async def authorize(self, attempt: PublishAttempt) -> PublishGrant:
        """Decide; a stream that is not there yet is created where its hub allows it. PublishRefused."""
        return await self._decide(attempt, admit=True)

    async def examine(self, attempt: PublishAttempt) -> PublishGrant:
        """The same decision without its effects: nothing is created, no nonce used up. PublishRefused."""
        return await self._decide(attempt, admit=False)

    async def _decide(self, attempt: PublishAttempt, *, admit: bool) -> PublishGrant:
        try:
            return await self._authorize(attempt, admit=admit)
        except HubNotFound:
            raise PublishRefused("hub_not_found", "hub not found", found=attempt.hub) from None
        except DatabaseUnavailableError:
            raise _unavailable() from None

    async def _authorize(self, attempt: PublishAttempt, *, admit: bool) -> PublishGrant:
        hub = await self._hub(attempt.hub)
        self._check_address(attempt)
        found = await self._find(hub, attempt.stream)
        if found.stream is not None and found.stream.disabled_at(attempt.now):
            text = ban_text(found.stream.disabled_till, found.stream.disabled_reason)
            till = f"disabledTill {found.stream.disabled_till}"
            raise PublishRefused("stream_disabled", text, found=till)
        nonce = await self._verify(attempt, hub, found.stream)
        if admit:
            await self._admit(attempt, hub, found, nonce)
        else:
            _would_admit(hub, found.stream, nonce)
        if self._cache.snapshot.is_banned(hub.name, attempt.stream, attempt.now):  # since it was looked up
            text = self._cache.snapshot.ban_text(hub.name, attempt.stream)
            raise PublishRefused("stream_disabled", text)
        return PublishGrant(
            hub=hub.name,
            stream=attempt.stream,
            takeover=hub.second_publisher == SecondPublisher.TAKEOVER,
            grace_seconds=self._cache.snapshot.hubs[hub.name].grace_seconds,
        )

    async def _hub(self, name: str) -> Hub:
        if name not in self._cache.current.hubs:
            await self._cache.changed()  # Another server may have created it a moment ago.
        hub = self._cache.current.hubs.get(name)
        if hub is None:
            raise HubNotFound
        return hub

    def _check_address(self, attempt: PublishAttempt) -> None:
        if not is_stream_name(attempt.stream):
            raise PublishRefused("bad_stream_name", f"the stream's name must be {STREAM_NAME_RULE}")
        host = normal_host(attempt.domain)
        refusal = check_domain(self._cache.snapshot, host, attempt.hub, DomainType.PUBLISH_RTMP)
        if refusal is not None:
            raise PublishRefused(*refusal, found=host or "")
        domain = self._cache.snapshot.domains.get(host) if host else None
        limit = domain and domain.ip_limit.refusal(attempt.client_addr.rpartition(":")[0])
        if limit:
            address = attempt.client_addr.rpartition(":")[0]
            raise PublishRefused(limit.reason, limit.description, found=address)

    async def _find(self, hub: Hub, key: str) -> _Found:
        if not self._cache.database_away:
            with contextlib.suppress(DatabaseUnavailableError):
                return _Found(await self._streams.find(hub.name, key), from_database=True)
        # What is disabled or has a security of its own is in memory; all others follow their hub.
        return _Found(self._cache.current.particular.get((hub.name, key)), from_database=False)

    async def _verify(self, attempt: PublishAttempt, hub: Hub, stream: Stream | None) -> int | None:
        security, key = effective_security(hub, stream)
        account_keys: dict[str, str] = {}
        if security == PublishSecurity.EXPIRY_SK:
            pair = await self._keys.find(access_key_of(attempt.query))
            # A user's keys sign requests to the API; what they may do there says nothing about publishing.
            if pair and pair.enabled and pair.user is None and pair.account.id == hub.account:
                account_keys[pair.access_key] = pair.secret_key
        return verify_publish(attempt, security, key, account_keys)

    async def _admit(self, attempt: PublishAttempt, hub: Hub, found: _Found, nonce: int | None) -> None:
        """Make the stream exist, and the nonce used, before the publisher is let in."""
        if not found.from_database:
            self._admit_from_memory(hub, attempt.stream, found.stream, nonce)
            return
        if found.stream is None:
            await self._create(hub, attempt, must_exist=nonce is not None)
        self._remember(hub.name, attempt.stream)
        if nonce is not None and not await self._streams.consume_nonce(hub.name, attempt.stream, nonce):
            raise _nonce_used(nonce)

    def _admit_from_memory(self, hub: Hub, key: str, stream: Stream | None, nonce: int | None) -> None:
        """A nonce needs the database; a stream that is new here is created with its first history record."""
        exists = stream is not None or (hub.name, key) in self._remembered
        if nonce is not None or not (exists or hub.auto_create):
            raise _unavailable()

    async def _create(self, hub: Hub, attempt: PublishAttempt, *, must_exist: bool) -> None:
        if not hub.auto_create:
            raise _not_found()
        with contextlib.suppress(*() if must_exist else (DatabaseUnavailableError,)):
            await self._streams.ensure(new_stream(hub.name, attempt.stream, int(attempt.now)))

    def _remember(self, hub: str, key: str) -> None:
        self._remembered.pop((hub, key), None)
        self._remembered[hub, key] = None
        if len(self._remembered) > MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]


def _would_admit(hub: Hub, stream: Stream | None, nonce: int | None) -> None:
    """What `_admit` would refuse, by what is known of the stream."""
    if stream is None:
        if not hub.auto_create:
            raise _not_found()
    elif nonce is not None and nonce <= stream.last_nonce:
        raise _nonce_used(nonce, stream.last_nonce)


def _not_found() -> PublishRefused:
    return PublishRefused("stream_not_found", "the stream does not exist, and the hub creates none")


def _nonce_used(nonce: int, last: int | None = None) -> PublishRefused:
    wanted = "" if last is None else f"greater than {last}"
    text = "the nonce must be greater than that of the last publish"
    return PublishRefused("nonce_used", text, found=str(nonce), wanted=wanted)


def _unavailable() -> PublishRefused:
    return PublishRefused("unavailable", "this cannot be decided at the moment, try again shortly")
