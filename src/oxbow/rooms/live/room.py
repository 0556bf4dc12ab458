"""The live room: what it is called, what it needs, what it offers, and its life."""

from __future__ import annotations

import asyncio
import socket
import time
from functools import partial

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Gauge

from oxbow.kernel.accounts import AccountService
from oxbow.kernel.database import Database
from oxbow.kernel.geoip import GeoFinder
from oxbow.kernel.health import Health
from oxbow.kernel.metering import MeteringService
from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.tasks import TaskService
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.certificates.models import State
from oxbow.rooms.live.certificates.settings import AcmeSettings
from oxbow.rooms.live.routes import live_routers
from oxbow.rooms.live.service import KeepRefusals, LiveService
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.settings_domains import DomainSettings
from oxbow.rooms.live.usage.meters import METERS
from oxbow.rooms.live.usage.room import LiveUsage

HEARTBEAT_SECONDS = 1.0
"""How exactly the end of a broadcast is known after the server was killed."""


class LiveRoom:
    """Publishing and watching live streams.

    :param node: the name of this server among those that share the database; the same at its next start.
    """

    name = "live"
    iam_service = "pili"
    """What policies call it, as its documentation does."""
    iam_type = "hub"
    settings_section = LiveSettings
    meters = METERS

    def __init__(
        self,
        settings: LiveSettings,
        database: Database,
        accounts: AccountService,
        board: LiveBoard,
        tasks: TaskService,
        metering: MeteringService,
        *,
        webhooks: WebhookService | None = None,
        outbound: OutboundClient | None = None,
        keep_refusals: KeepRefusals = lambda _: None,
        node: str = socket.gethostname(),
        domain_settings: DomainSettings | None = None,
        acme_settings: AcmeSettings | None = None,
        geo: GeoFinder | None = None,
    ) -> None:
        self._accounts = accounts
        self._board = board
        self._tasks: list[asyncio.Task[None]] = []
        self.service = LiveService(
            settings,
            database,
            accounts.ring,
            board,
            node=node,
            webhooks=webhooks,
            outbound=outbound,
            keep_refusals=keep_refusals,
            domain_settings=domain_settings,
            geo=geo,
            acme_settings=acme_settings,
            begin=tasks.start_within,
            start=tasks.start,
        )
        for kind in self.service.domain_tasks.kinds:
            tasks.register(kind)
        tasks.register(self.service.issuing.kind)
        tasks.register(self.service.certificate_watch.kind)
        tasks.register(self.service.tidying.kind)
        self.usage = LiveUsage(settings, database, self.service, board, metering)
        self.routers: list[APIRouter] = [*live_routers(self.service, settings), *self.usage.routers]

    @staticmethod
    def about(event: str, subject: str) -> str:
        """What a callback concerns: of the room's events, whose subject is `<hub>/<stream>`, the hub."""
        return f"hub/{subject.partition('/')[0]}" if event.startswith("live.") else ""

    async def open(self) -> None:
        """Begin to work; the database is migrated and the root account exists."""
        await self.service.open(await self._accounts.root())
        self.usage.open()
        self._tasks = [asyncio.create_task(self._heartbeat(), name="live heartbeat")]

    async def close(self) -> None:
        """Stop, and write the history that waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.usage.close()
        await self.service.close()

    def add_checks(self, health: Health) -> None:
        """The room is ready once its configuration is read."""
        health.add("live", self._check)

    def add_metrics(self, registry: CollectorRegistry) -> None:
        """What waits to be written to the history, and what was thrown away."""
        self.usage.add_metrics(registry)
        writer = self.service.history_writer
        certificates = Gauge(
            "oxbow_live_certificates",
            "Certificates that domains show, by state.",
            ["state"],
            registry=registry,
        )
        for state in State:
            certificates.labels(state).set_function(partial(self.service.certificates.count, state))
        Gauge(
            "oxbow_live_history_waiting",
            "Broadcasts whose record waits to be written to the database.",
            registry=registry,
        ).set_function(lambda: writer.pending)
        Gauge(
            "oxbow_live_history_lost",
            "Records of broadcasts thrown away because too many were waiting.",
            registry=registry,
        ).set_function(lambda: writer.lost)

    async def _check(self) -> None:
        if not (await self.service.snapshot()).version:
            raise RuntimeError("the configuration is not read yet")

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            sessions = [on_air.publisher.session for on_air in self._board.all()]
            self.service.publish_seen(sessions, time.time())
