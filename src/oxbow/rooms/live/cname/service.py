"""Checking a domain's DNS record, and remembering what was found."""

from __future__ import annotations

from collections.abc import Callable

from oxbow.rooms.live.cname.lookup import Lookup
from oxbow.rooms.live.cname.models import CnameCheck, expected_cname, judge
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.models import Domain
from oxbow.rooms.live.settings_domains import DomainSettings
from oxbow.rooms.live.store import CheckStore


class CnameService:
    """Nothing waits for a check: a domain serves whatever its record says."""

    def __init__(
        self,
        store: CheckStore,
        lookup: Lookup,
        settings: DomainSettings,
        cname_suffix: str,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._lookup = lookup
        self._settings = settings
        self._suffix = cname_suffix
        self._clock = clock

    @property
    def resolver(self) -> str:
        """Who is asked: an address, `system`, or `off`."""
        return self._lookup.resolver

    @property
    def is_off(self) -> bool:
        """Whether the operator wants no DNS to be asked."""
        return self._lookup.is_off

    def expected(self, domain: Domain) -> str:
        """The name that the domain's record should lead to."""
        return expected_cname(domain.name, domain.type, self._suffix)

    async def latest(self, domain: Domain) -> CnameCheck | None:
        """What the last check found; None before the first."""
        return await self._store.get(domain.name)

    async def check(self, domain: Domain) -> CnameCheck:
        """Ask DNS now; BadArgument while nobody is to be asked."""
        if self.is_off:
            raise BadArgument("resolver", "is off: set OXBOW_DOMAINS_RESOLVER to have records checked")
        expected = self.expected(domain)
        found = await self._lookup.follow(domain.name)
        verdict = judge(domain.name, expected, found, self._settings.public_addresses)
        check = CnameCheck(domain.name, expected, found, verdict, self._lookup.resolver, int(self._clock()))
        await self._store.put(check)
        return check
