"""Connect and disconnect callbacks: who may begin to publish, and who has stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.webhooks import DeliveryState
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.callbacks.absences import Absences, is_same_client
from oxbow.rooms.live.callbacks.ends import read
from oxbow.rooms.live.callbacks.variables import Facts
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.models import Activity, Domain
from oxbow.rooms.live.policy import PublishRefused

CONNECT, DISCONNECT = "live.connect", "live.disconnect"
GOES_ON = frozenset(["taken_over", "stale"])
"""Ends of a broadcast whose stream another publisher continues."""


RECLAIM_SECONDS = 10.0
"""How long after a start the media workers of a former run may take to say what they carry on."""


class Notices:
    """What a domain's callbacks are told. A publisher without a domain of its own has none.

    :param clock: Unix seconds.
    """

    def __init__(
        self, cache: ConfigurationCache, webhooks: WebhookService, clock: Callable[[], float]
    ) -> None:
        self._cache = cache
        self._webhooks = webhooks
        self._clock = clock
        self._absences = Absences(clock)

    async def connecting(self, publisher: LivePublisher, rival: LivePublisher | None) -> None:
        """Ask the connect callback; PublishRefused unless it agrees.

        A client that is back within the domain's disconnectDelay, or takes over from a connection of its own
        that hangs (`rival`), goes on: nobody is told of its absence, and nobody is asked again. About any
        other client the callback decides, but a disconnect that waits is taken back all the same, since the
        stream goes on.
        """
        domain = self._domain(publisher)
        if domain is None:
            return
        if domain.disconnect_delay.active and await self._goes_on(domain, publisher, rival):
            return
        if domain.connect_callback.active:
            await self._ask(domain, publisher)
        if domain.disconnect_delay.active:
            await self._take_back([_stream_key(publisher)])

    def ended(self, publisher: LivePublisher, reason: str) -> None:
        """Tell the disconnect callback, after the domain's disconnectDelay."""
        domain = self._domain(publisher)
        if domain is None:
            return
        delay = domain.disconnect_delay.disconnect_delay
        if delay and reason in GOES_ON:
            return
        self._tell_end(domain, publisher, reason, self._clock(), delay)

    async def recover(self, abandoned: Iterable[Activity]) -> None:
        """Tell of the ends of broadcasts that a former run of this server left open, unless a media worker
        that outlived it carries them on. Returns when that is written."""
        for activity in abandoned:
            publisher = read(activity)
            domain = None if publisher is None else self._domain(publisher)
            if publisher is not None and domain is not None:
                self._tell_end(domain, publisher, "server_gone", activity.seen_at, RECLAIM_SECONDS)
        if not await self._webhooks.flush():
            raise DatabaseUnavailableError

    async def resumed(self, publishers: Iterable[LivePublisher]) -> None:
        """These go on: their ends are not told."""
        keys = [key(publisher) for publisher in publishers for key in (_stream_key, _session_key)]
        await self._take_back(keys)

    async def _goes_on(self, domain: Domain, publisher: LivePublisher, rival: LivePublisher | None) -> bool:
        if rival is not None:
            return is_same_client(rival, publisher)
        # One whose disconnect has been told already begins anew.
        return self._absences.ends(publisher) and (
            not domain.disconnect_callback.active or await self._take_back([_stream_key(publisher)])
        )

    async def _ask(self, domain: Domain, publisher: LivePublisher) -> None:
        hook = domain.connect_callback.hook(publishing_facts("connect", publisher, self._clock()))
        asked = await self._webhooks.ask(self._owner(publisher.hub), CONNECT, _subject(publisher), hook)
        if asked.state != DeliveryState.DELIVERED:
            told = f"status {asked.status}" if asked.status else asked.error
            text = f"the connect callback did not agree (delivery {asked.id})"
            raise PublishRefused("connect_refused", text, found=told)

    def _tell_end(
        self, domain: Domain, publisher: LivePublisher, reason: str, at: float, seconds: float
    ) -> None:
        """Tell it in so many seconds, or after the domain's delay if that is longer."""
        delay = domain.disconnect_delay.disconnect_delay
        if delay:
            self._absences.left(publisher, max(delay, seconds))
        if not domain.disconnect_callback.active:
            return
        hook = domain.disconnect_callback.hook(publishing_facts("disconnect", publisher, at, reason))
        key = _stream_key(publisher) if delay else _session_key(publisher)
        self._webhooks.send(
            self._owner(publisher.hub),
            DISCONNECT,
            _subject(publisher),
            hook,
            delay=max(delay, seconds),
            key=key,
        )

    async def _take_back(self, keys: Sequence[str]) -> bool:
        """Whether a disconnect waited to be told; it is not told any more."""
        try:
            return await self._webhooks.cancel(*keys) > 0
        except DatabaseUnavailableError:  # better told once too often
            return False

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


def _stream_key(publisher: LivePublisher) -> str:
    """What waits for anybody to go on with the stream."""
    return f"{DISCONNECT} {_subject(publisher)} {publisher.domain}"


def _session_key(publisher: LivePublisher) -> str:
    """What waits for nobody but this very connection."""
    return f"{DISCONNECT} {publisher.session}"
