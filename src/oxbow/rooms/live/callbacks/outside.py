"""Everything about publishers and viewers that is decided by, or told to, an operator's own servers."""

from __future__ import annotations

import time
from collections.abc import Callable

from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.webhooks.attempt import FindPair
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.callbacks.notices import Notices, publishing_facts
from oxbow.rooms.live.callbacks.origin import OriginAuthority, OriginVerdict
from oxbow.rooms.live.callbacks.variables import Facts
from oxbow.rooms.live.control.messages import AskPlay, LivePublisher, PlayAnswer
from oxbow.rooms.live.policy import PublishRefused


class Outside:
    """One per control process.

    :param clock: Unix seconds.
    """

    def __init__(
        self,
        cache: ConfigurationCache,
        webhooks: WebhookService,
        outbound: OutboundClient,
        find_pair: FindPair,
        clock: Callable[[], float],
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._origin = OriginAuthority(outbound, find_pair, time.monotonic)
        self.notices = Notices(cache, webhooks, clock)

    async def consult(self, publisher: LivePublisher, rival: LivePublisher | None) -> None:
        """Origin authorisation, then the connect callback; PublishRefused unless both agree."""
        facts = publishing_facts("publish", publisher, self._clock())
        verdict = await self._verdict(facts)
        if not verdict.allowed:
            raise PublishRefused(verdict.reason, verdict.description, found=verdict.found)
        await self.notices.connecting(publisher, rival)

    async def authorize_play(self, ask: AskPlay) -> PlayAnswer:
        """Origin authorisation of a viewer."""
        facts = Facts(
            event="play",
            hub=ask.hub,
            stream=ask.stream,
            domain=ask.domain,
            client_addr=ask.client_addr,
            now=self._clock(),
            protocol=ask.protocol,
            path=ask.path,
            query=ask.query,
            referer=ask.referer,
        )
        verdict = await self._verdict(facts)
        return PlayAnswer(ask.ask, verdict.reason, verdict.description, verdict.found)

    async def close(self) -> None:
        """Ask nothing more."""
        await self._origin.close()

    async def _verdict(self, facts: Facts) -> OriginVerdict:
        domain = self._cache.current.domains.get(facts.domain)
        hub = self._cache.current.hubs.get(facts.hub)
        if domain is None or hub is None or domain.hub != hub.name or not domain.origin_auth.active:
            return OriginVerdict()
        auth = domain.origin_auth
        return await self._origin.decide(hub.account, domain.name, auth, auth.hook(facts))
