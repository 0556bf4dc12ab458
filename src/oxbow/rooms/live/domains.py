"""What can be done with a hub's domains. An account is named by its id."""

from __future__ import annotations

from collections.abc import Callable

from oxbow.kernel.geoip import GeoFinder
from oxbow.kernel.tasks import crash_point
from oxbow.rooms.live import domain_tasks
from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.domain_settings import DomainSetting, normal_setting
from oxbow.rooms.live.domain_tasks import Also, BeginTask
from oxbow.rooms.live.errors import BadArgument, InvalidDomain
from oxbow.rooms.live.models import Domain, DomainType, normal_domain
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.store import ConfigurationStore


class DomainService:
    """A change counts on this server when its method returns, and on others a second later."""

    def __init__(
        self,
        store: ConfigurationStore,
        cache: ConfigurationCache,
        settings: LiveSettings,
        clock: Callable[[], float],
        geo: GeoFinder,
        begin: BeginTask,
    ) -> None:
        self._geo = geo
        self._begin = begin
        self._store = store
        self._cache = cache
        self._settings = settings
        self._clock = clock

    async def of(self, account: int, hub: str) -> list[Domain]:
        """The hub's domains, the oldest first; HubNotFound."""
        return (await self._store.hub(hub, account))[1]

    async def get(self, account: int, hub: str, name: str) -> Domain:
        """HubNotFound, NoSuchDomain."""
        return await self._store.domain(hub, normal_domain(name) or "", account)

    async def bind(self, account: int, hub: str, name: str, type_: DomainType) -> None:
        """InvalidDomain, HubNotFound, DomainConflict, TooMany."""
        normal = normal_domain(name)
        if normal is None:
            raise InvalidDomain
        domain = Domain(normal, hub, type_, self._now())
        what = {"hub": hub, "domain": normal, "boundAt": domain.created_at}
        also = self._task(domain_tasks.BIND, account, normal, what)
        await self._store.bind(domain, account, self._settings.domains_per_hub, also)
        crash_point("live.domain.bound")
        await self._cache.changed()

    async def unbind(self, account: int, hub: str, name: str) -> None:
        """DomainNotFound."""
        normal = normal_domain(name) or ""
        also = self._task(domain_tasks.UNBIND, account, normal, {"hub": hub, "domain": normal})
        await self._store.unbind(hub, normal, account, self._now(), also)
        crash_point("live.domain.unbound")
        await self._cache.changed()

    async def set(self, account: int, hub: str, name: str, setting: DomainSetting) -> None:
        """Replace one setting as a whole; who publishes or watches already goes on.

        HubNotFound, NoSuchDomain, BadArgument.
        """
        domain = await self.get(account, hub, name)
        if isinstance(setting, AreaLimit) and setting.active and not self._geo.knows_areas:
            text = "no area is known without a database: the operator sets OXBOW_GEOIP_CITY_DATABASE"
            raise BadArgument("allow" if setting.allow else "deny", text)
        changes = normal_setting(domain, setting)
        await self._store.change_domain(hub, domain.name, account, self._now(), **changes)
        await self._cache.changed()

    async def disable(self, account: int, hub: str, name: str, *, disabled: bool) -> None:
        """Let nobody use a domain, and cut who does, on every worker; or take that back.

        HubNotFound, NoSuchDomain.
        """
        normal = normal_domain(name) or ""
        await self._store.change_domain(hub, normal, account, self._now(), disabled=disabled)
        await self._cache.changed()

    def _task(self, kind: str, account: int, domain: str, arguments: dict[str, object]) -> Also:
        return lambda session: self._begin(
            session, kind, account=account, subject=domain, arguments=arguments
        )

    def _now(self) -> int:
        return int(self._clock())
