"""The live room's service: what control, the API and other rooms ask of it, put together from its parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from oxbow.kernel.accounts import Account
from oxbow.kernel.database import Database
from oxbow.kernel.geoip import GeoFinder
from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.callbacks.ends import NoticesFirst, written
from oxbow.rooms.live.callbacks.outside import Outside
from oxbow.rooms.live.certificates.issuing import Issuing
from oxbow.rooms.live.certificates.service import CertificateService
from oxbow.rooms.live.certificates.settings import AcmeSettings
from oxbow.rooms.live.certificates.watch import CertificateWatch, StartTask, no_start
from oxbow.rooms.live.claims import Claims
from oxbow.rooms.live.cname.lookup import Lookup
from oxbow.rooms.live.cname.service import CnameService
from oxbow.rooms.live.control.messages import AskPlay, LivePublisher, PlayAnswer
from oxbow.rooms.live.domain_tasks import BeginTask, DomainTasks, no_task
from oxbow.rooms.live.domains import DomainService
from oxbow.rooms.live.explain import Explainer
from oxbow.rooms.live.history import HistoryWriter
from oxbow.rooms.live.hubs import HubService
from oxbow.rooms.live.models import Activity
from oxbow.rooms.live.on_air import LiveStreams
from oxbow.rooms.live.policy import PublishAttempt, PublishGrant
from oxbow.rooms.live.publishing import Keys, Publishing
from oxbow.rooms.live.quota import PublisherQuota
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.settings_domains import DomainSettings
from oxbow.rooms.live.snapshot import ConfigSnapshot
from oxbow.rooms.live.store import (
    AcmeStore,
    ActivityStore,
    CertificateStore,
    CheckStore,
    ClaimStore,
    ConfigurationStore,
    StreamStore,
)
from oxbow.rooms.live.streams import StreamService
from oxbow.rooms.live.tasks import Tidying

_ADDRESS_LENGTH = 64


KeepRefusals = Callable[[Iterable[Refusal]], None]
"""Takes records of refusals; the kernel's refusal service does."""


class LiveService:
    """Everything the room can do.

    :param node: the name of this server among those that share the database; the same at its next start.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        settings: LiveSettings,
        database: Database,
        keys: Keys,
        board: LiveBoard,
        *,
        node: str,
        webhooks: WebhookService | None = None,
        outbound: OutboundClient | None = None,
        keep_refusals: KeepRefusals = lambda _: None,
        domain_settings: DomainSettings | None = None,
        geo: GeoFinder | None = None,
        acme_settings: AcmeSettings | None = None,
        begin: BeginTask = no_task,
        start: StartTask = no_start,
        clock: Callable[[], float] = time.time,
    ) -> None:
        geo = geo or GeoFinder(None, None)
        domain_settings = domain_settings or DomainSettings()
        acme_settings = acme_settings or AcmeSettings()
        self._keep_refusals = keep_refusals
        self._node = node
        self._clock = clock
        configuration = ConfigurationStore(database)
        self._streams = StreamStore(database)
        self._activities = ActivityStore(database)
        self._cache = ConfigurationCache(configuration, settings)
        self._publishing = Publishing(self._cache, self._streams, keys)
        outbound = outbound or OutboundClient()
        webhooks = webhooks or WebhookService(database, outbound, keys.signing)
        self.outside = Outside(self._cache, webhooks, outbound, keys.signing, clock)
        claims = ClaimStore(database, node)
        live = LiveStreams(board, claims)
        self._quota = PublisherQuota(settings.publishers_per_hub, live)
        self.claims = Claims(claims, board, self._cache.changed)
        self.explainer = Explainer(self._cache, self._publishing, clock, geo, live, self._quota)
        self.history_writer = HistoryWriter(NoticesFirst(self._activities, webhooks))
        self.tidying = Tidying(self._streams, self._activities, self._cache, settings, clock)
        self.hubs = HubService(configuration, self._cache, live, settings, clock)
        self.certificates = CertificateService(
            CertificateStore(database), self._cache, domain_settings, clock, begin
        )
        self.domains = DomainService(configuration, self._cache, settings, clock, geo, begin)
        self.cname = CnameService(
            CheckStore(database), Lookup(domain_settings), domain_settings, settings.cname_suffix, clock
        )
        self.issuing = Issuing(
            AcmeStore(database), self.certificates, self._cache, board, acme_settings, clock
        )
        self.certificate_watch = CertificateWatch(self.certificates, self._cache, acme_settings, start, clock)
        self.domain_tasks = DomainTasks(self._cache, board, self.cname, domain_settings)
        self.streams = StreamService(
            configuration, self._streams, self._activities, self._cache, live, settings, clock
        )

    async def open(self, root: Account) -> None:
        """Read the configuration, end what a former run left open, and write history from now on."""
        await self.hubs.create_default(root.id)
        await self._cache.open()
        await self.outside.notices.recover(await self._activities.abandoned(self._node))
        await self._activities.close_abandoned(self._node)
        self.history_writer.open()
        self.claims.open()

    async def close(self) -> None:
        """Write the history that waits, if the database is there."""
        await self.claims.close()
        await self.outside.close()
        await self._cache.close()
        await self.history_writer.close()

    async def authorize_publish(self, attempt: PublishAttempt) -> PublishGrant:
        """May this publisher start? PublishRefused if not.

        The stream is created where the hub allows it, and a nonce is used up, before this returns. While the
        database is away, what is known decides; what cannot be known then is refused as `unavailable`.
        """
        return await self._publishing.authorize(attempt)

    async def consult(self, publisher: LivePublisher, rival: LivePublisher | None) -> None:
        """Ask whoever else has a say about a publisher that may start otherwise, the operator's own servers
        last; PublishRefused.

        `rival`: the one that is on air and would have to go.
        """
        await self._quota.check(publisher.hub, publisher.stream)
        await self.outside.consult(publisher, rival)

    async def resumed(self, publishers: Sequence[LivePublisher]) -> None:
        """These went on while control was away: nobody is told of their end."""
        await self.outside.notices.resumed(publishers)

    async def claim(self, publisher: LivePublisher, *, takeover: bool) -> None:
        """Take the stream among the servers of one database; PublishRefused if another has and keeps it."""
        await self.claims.claim(publisher, takeover=takeover)

    def went_off_air(self, publisher: LivePublisher, reason: str) -> None:
        """A publisher about which somebody was consulted has gone, or was not let in after all."""
        self.claims.release(publisher)
        self.outside.notices.ended(publisher, reason)

    async def authorize_play(self, ask: AskPlay) -> PlayAnswer:
        """Ask the operator's own server about a viewer."""
        return await self.outside.authorize_play(ask)

    async def snapshot(self) -> ConfigSnapshot:
        """What media workers decide joins with."""
        return self._cache.snapshot

    def owner_of(self, hub: str) -> int | None:
        """The account that owns a hub; None for one that is not there."""
        found = self._cache.current.hubs.get(hub)
        return None if found is None else found.account

    def type_of(self, domain: str) -> str:
        """A bound domain's type; empty for one that is not bound."""
        found = self._cache.current.domains.get(domain)
        return "" if found is None else found.type.value

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call back after each change of what the snapshot holds."""
        self._cache.subscribe(callback)

    def publish_started(self, publisher: LivePublisher) -> None:
        """A broadcast began, or is told anew after control was restarted."""
        at = publisher.started_at
        activity = Activity(
            id=publisher.session,
            hub=publisher.hub,
            stream=publisher.stream,
            node=self._node,
            started_at=int(at),
            seen_at=int(max(at, self._clock())),
            ended_at=None,
            client_addr=publisher.client_addr[:_ADDRESS_LENGTH],
            server_addr=publisher.server_addr[:_ADDRESS_LENGTH],
            publisher=written(publisher),
        )
        self.history_writer.started(activity)

    def publish_seen(self, sessions: Iterable[str], at: float) -> None:
        """These broadcasts are on; should the server die, they will have ended then."""
        self.history_writer.seen(sessions, int(at))

    def publish_ended(self, session: str, at: float) -> None:
        """A broadcast has ended."""
        self.history_writer.ended(session, int(at))

    def refused(self, refusals: Sequence[Refusal]) -> None:
        """Workers refused somebody; the record belongs to the hub's owner, or to nobody."""
        hubs = self._cache.current.hubs
        self._keep_refusals(
            replace(refusal, account=hubs[refusal.hub].account) if refusal.hub in hubs else refusal
            for refusal in refusals
        )
