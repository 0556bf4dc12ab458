"""What can be done with hubs. An account is named by its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oxbow.kernel.logs import get_logger
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.errors import BadArgument, HubLive
from oxbow.rooms.live.models import (
    DOMAIN_RULE,
    HUB_NAME_RULE,
    Domain,
    Hub,
    PublishSecurity,
    is_hub_name,
    normal_domain,
)
from oxbow.rooms.live.on_air import LiveStreams
from oxbow.rooms.live.play_security import PlaySecurity, RuleError, check_play_security
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.store import ConfigurationStore

log = get_logger(__name__)


class HubService:
    """A change counts on this server when its method returns, and on others a second later."""

    def __init__(
        self,
        store: ConfigurationStore,
        cache: ConfigurationCache,
        live: LiveStreams,
        settings: LiveSettings,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._cache = cache
        self._live = live
        self._settings = settings
        self._clock = clock

    async def create_default(self, account: int) -> None:
        """At the first start of all, make the hub that the settings name."""
        name = self._settings.default_hub
        if name and await self._store.create_first_hub(Hub(name, account, self._now(), self._now())):
            log.info("default_hub_created", hub=name)

    async def owned_by(self, account: int) -> list[Hub]:
        """The account's hubs, the oldest first."""
        return await self._store.hubs(account)

    async def get(self, account: int, name: str) -> tuple[Hub, list[Domain]]:
        """A hub and its domains, the oldest first; HubNotFound."""
        return await self._store.hub(name, account)

    async def create(self, account: int, name: str) -> None:
        """Anybody may publish to a new hub, until its security is set. BadArgument, HubExists, TooMany."""
        if not is_hub_name(name):
            raise BadArgument("name", f"must be {HUB_NAME_RULE}")
        hub = Hub(name, account, self._now(), self._now())
        await self._store.create_hub(hub, self._settings.hubs_per_account)
        await self._cache.changed()

    async def delete(self, account: int, name: str) -> None:
        """With its domains, streams and history; HubNotFound, HubLive while any of its streams is live."""
        await self._store.hub(name, account)
        if live := await self._live.count(name):
            raise HubLive(live)
        await self._store.delete_hub(name, account)
        await self._cache.changed()

    async def change(self, account: int, name: str, **changes: Any) -> None:
        """Set fields of a hub; HubNotFound."""
        await self._store.change_hub(name, account, self._now(), **changes)
        await self._cache.changed()

    async def set_security(self, account: int, name: str, security: PublishSecurity, key: str) -> None:
        """HubNotFound; BadArgument if the security needs a key and there is none."""
        check_publish_key(security, key)
        await self.change(account, name, publish_security=security.value, publish_key=key)

    async def set_play(
        self, account: int, name: str, security: PlaySecurity | None, bound_domains_only: bool | None
    ) -> None:
        """HubNotFound, BadArgument. None leaves what was set; who watches already goes on."""
        changes: dict[str, Any] = {}
        if security is not None:
            try:
                check_play_security(security)
            except RuleError as error:
                raise BadArgument(f"playSecurity.{error.field}", error.remedy) from None
            changes["play_security"] = security
        if bound_domains_only is not None:
            changes["bound_domains_only"] = bound_domains_only
        await self.change(account, name, **changes)

    async def set_vod_domain(self, account: int, name: str, domain: str) -> None:
        """HubNotFound, BadArgument. An empty domain takes it away."""
        normal = normal_domain(domain) if domain else ""
        if normal is None:
            raise BadArgument("vodDomain", f"must be {DOMAIN_RULE}, or empty")
        await self.change(account, name, vod_domain=normal)

    def _now(self) -> int:
        return int(self._clock())


def check_publish_key(security: PublishSecurity, key: str) -> None:
    """A security that compares or signs with the publish key must have one."""
    if security.needs_key and not key:
        raise BadArgument("publishKey", f"must not be empty for publishSecurity {security.value!r}")
