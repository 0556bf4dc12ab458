"""Connect and disconnect callbacks: who may begin to publish, and who has stopped."""

from __future__ import annotations

from collections.abc import Callable

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.webhooks import DeliveryState, WebhookService
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.callbacks.variables import Facts
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.models import Domain
from oxbow.rooms.live.policy import PublishRefused

CONNECT, DISCONNECT = "live.connect", "live.disconnect"
GOES_ON = frozenset(["taken_over", "stale"])
"""Ends of a broadcast whose stream another publisher continues."""


class Notices:
    """What a domain's callbacks are told. A publisher without a domain of its own has none."""

    def __init__(
        self, cache: ConfigurationCache, webhooks: WebhookService, clock: Callable[[], float]
    ) -> None:
        self._cache = cache
        self._webhooks = webhooks
        self._clock = clock

    async def connecting(self, publisher: LivePublisher, *, replaces: bool) -> None:
        """Ask the connect callback; PublishRefused unless it agrees.

        A publisher that is back within the domain's disconnectDelay, or takes the stream over from one that
        hangs (`replaces`), goes on: nobody is told of its absence, and nobody is asked again.
        """
        domain = self._domain(publisher)
        if (
            domain is None
            or await self._returns(domain, publisher, replaces)
            or not domain.connect_callback.active
        ):
            return
        hook = domain.connect_callback.hook(publishing_facts("connect", publisher, self._clock()))
        asked = await self._webhooks.ask(self._owner(publisher.hub), CONNECT, _subject(publisher), hook)
        if asked.state != DeliveryState.DELIVERED:
            told = f"status {asked.status}" if asked.status else asked.error
            text = f"the connect callback did not agree (delivery {asked.id})"
            raise PublishRefused("connect_refused", text, found=told)

    def ended(self, publisher: LivePublisher, reason: str) -> None:
        """Tell the disconnect callback, after the domain's disconnectDelay."""
        domain = self._domain(publisher)
        if domain is None or not domain.disconnect_callback.active:
            return
        delay = domain.disconnect_delay.disconnect_delay
        if delay and reason in GOES_ON:
            return
        hook = domain.disconnect_callback.hook(
            publishing_facts("disconnect", publisher, self._clock(), reason)
        )
        owner, subject = self._owner(publisher.hub), _subject(publisher)
        self._webhooks.send(
            owner, DISCONNECT, subject, hook, delay=delay, key=_key(publisher) if delay else ""
        )

    async def _returns(self, domain: Domain, publisher: LivePublisher, replaces: bool) -> bool:
        """Whether this is the end of a short absence; a disconnect that waits to be told is taken back."""
        if not domain.disconnect_delay.active or not domain.disconnect_callback.active:
            return False
        try:
            return await self._webhooks.cancel(_key(publisher)) > 0 or replaces
        except DatabaseUnavailableError:  # better told once too often
            return replaces

    def _domain(self, publisher: LivePublisher) -> Domain | None:
        domain = self._cache.current.domains.get(publisher.domain)
        return domain if domain is not None and domain.hub == publisher.hub else None

    def _owner(self, hub: str) -> int:
        return self._cache.current.hubs[hub].account


def publishing_facts(event: str, publisher: LivePublisher, now: float, reason: str = "") -> Facts:
    """What is known of a broadcast."""
    return Facts(
        event=event,
        hub=publisher.hub,
        stream=publisher.stream,
        domain=publisher.domain,
        client_addr=publisher.client_addr,
        now=now,
        protocol=publisher.protocol,
        query=publisher.query,
        server_addr=publisher.server_addr,
        session=publisher.session,
        started_at=publisher.started_at,
        reason=reason,
    )


def _subject(publisher: LivePublisher) -> str:
    return f"{publisher.hub}/{publisher.stream}"


def _key(publisher: LivePublisher) -> str:
    return f"{DISCONNECT} {_subject(publisher)} {publisher.domain}"
