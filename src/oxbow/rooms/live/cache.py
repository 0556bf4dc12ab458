"""The configuration in memory, so that neither a publish nor a join waits for the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.rooms.live.models import Domain, Hub
from oxbow.rooms.live.play_security import PlaySecurity, PlaySecurityType
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.snapshot import ConfigSnapshot, DomainConfig, HubConfig, compiled
from oxbow.rooms.live.store import Configuration, ConfigurationStore

POLL_SECONDS = 1.0
"""How long a change made by another server on the same database may stay unknown here."""

log = get_logger(__name__)


class ConfigurationCache:
    """What the database held when it was last asked; it goes on working while the database is away."""

    def __init__(
        self, store: ConfigurationStore, settings: LiveSettings, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._store = store
        self._settings = settings
        self._poll_seconds = poll_seconds
        self._subscribers: list[Callable[[], None]] = []
        self._reading = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None
        self.current = Configuration()
        self.snapshot = ConfigSnapshot()
        self.told = 0
        """The version at which the snapshot's content last changed: the one that workers were told."""
        self.database_away = False
        """Whether the database was away when it was last asked. Who has an answer in memory need not try."""

    async def open(self) -> None:
        """Read everything, and begin to look for changes that other servers make."""
        await self.refresh()
        self._poller = asyncio.create_task(self._poll(), name="live configuration")

    async def close(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller
            self._poller = None

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call back after each change of what the snapshot holds."""
        self._subscribers.append(callback)

    async def refresh(self) -> None:
        """Read what has changed; DatabaseUnavailableError."""
        async with self._reading:
            try:
                if await self._store.version() != self.current.version:
                    self._take(await self._store.load())
            except DatabaseUnavailableError:
                self.database_away = True
                raise
            self.database_away = False

    async def changed(self) -> None:
        """Read a change that was just committed; if the database has left since, the poll will find it."""
        with contextlib.suppress(DatabaseUnavailableError):
            await self.refresh()

    def _take(self, configuration: Configuration) -> None:
        self.current = configuration
        before, now = self.snapshot, _snapshot(configuration, self._settings)
        self.snapshot = compiled(now, before)
        if _content(before) != _content(self.snapshot):
            self.told = configuration.version
            for callback in self._subscribers:
                callback()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.refresh()
            except DatabaseUnavailableError:
                continue
            except Exception:
                log.exception("configuration_not_read")


def _snapshot(configuration: Configuration, settings: LiveSettings) -> ConfigSnapshot:
    return ConfigSnapshot(
        version=configuration.version,
        hubs={
            hub.name: HubConfig(
                name=hub.name,
                grace_seconds=settings.grace_seconds if hub.grace_seconds is None else hub.grace_seconds,
                second_publisher=hub.second_publisher,
                hls_plus=hub.hls_plus,
                bound_domains_only=hub.bound_domains_only,
            )
            for hub in configuration.hubs.values()
        },
        domains={
            domain.name: DomainConfig(
                domain.hub,
                domain.type,
                play_security=_play_security(domain, configuration.hubs.get(domain.hub)),
                ip_limit=domain.ip_limit,
                referer_limit=domain.referer_limit,
                url_rewrite=domain.url_rewrite,
                disabled=domain.disabled,
                area_limit=domain.area_limit,
                asks_origin=domain.origin_auth.active,
            )
            for domain in configuration.domains.values()
        },
        banned={
            f"{stream.hub}/{stream.key}": stream.disabled_till
            for stream in configuration.particular.values()
            if stream.disabled_till
        },
        ban_reasons={
            f"{stream.hub}/{stream.key}": stream.disabled_reason
            for stream in configuration.particular.values()
            if stream.disabled_till and stream.disabled_reason
        },
        session_key=configuration.session_key,
        session_seconds=settings.play_session_seconds,
        certificates={
            domain.name: certificate.served()
            for domain in configuration.domains.values()
            if (certificate := configuration.certificates.get(domain.cert_name))
        },
        challenges=configuration.challenges,
    )


def _play_security(domain: Domain, hub: Hub | None) -> PlaySecurity:
    """A domain without a setting of its own has its hub's."""
    inherits = domain.play_security.type == PlaySecurityType.INHERIT and hub is not None
    return hub.play_security if inherits and hub is not None else domain.play_security


def _content(snapshot: ConfigSnapshot) -> ConfigSnapshot:
    """Everything but the version, which also grows with changes that no worker has to hear of."""
    return msgspec.structs.replace(snapshot, version=0)
