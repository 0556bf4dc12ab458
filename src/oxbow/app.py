"""The composition root: every room put together in the control process, `python -m oxbow.app FD`.

Who starts it is `oxbow.server`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import uvloop
from fastapi import FastAPI

from oxbow.kernel import logs
from oxbow.kernel.accounts import AccountService, AccountStore
from oxbow.kernel.audit import AuditStore
from oxbow.kernel.audit.service import AuditService
from oxbow.kernel.blobs import LocalBlobs
from oxbow.kernel.collector import calm_the_collector
from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.gateway import create_app
from oxbow.kernel.gateway import serve as serve_http
from oxbow.kernel.gateway.audit import audit_router
from oxbow.kernel.geoip import GeoCopies
from oxbow.kernel.health import Health
from oxbow.kernel.iam.actions import Catalogue
from oxbow.kernel.iam.routes import iam_routers
from oxbow.kernel.iam.service import IamService
from oxbow.kernel.iam.store import IamStore
from oxbow.kernel.metering import MeteringMetrics, MeteringService, MeteringSettings, metering_router
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.refusals.routes import refusals_router
from oxbow.kernel.refusals.service import RefusalService
from oxbow.kernel.settings import KernelSettings, load
from oxbow.kernel.settings.tasks import TaskSettings
from oxbow.kernel.supervisor import die_with_parent
from oxbow.kernel.tasks import TaskService
from oxbow.kernel.tasks.metrics import TaskMetrics
from oxbow.kernel.tasks.routes import tasks_router
from oxbow.kernel.webhooks.metrics import WebhookMetrics
from oxbow.kernel.webhooks.routes import webhooks_router
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.media.registry import Registry
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.certificates.settings import AcmeSettings
from oxbow.rooms.live.control.janitor import Janitor
from oxbow.rooms.live.control.metrics import LiveMetrics
from oxbow.rooms.live.control.routes import control_router
from oxbow.rooms.live.control.server import ControlServer
from oxbow.rooms.live.places import control_socket, streams_root
from oxbow.rooms.live.room import LiveRoom
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.settings_domains import DomainSettings
from oxbow.rooms.storage.room import StorageRoom
from oxbow.rooms.storage.settings import StorageSettings

DATABASE_RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 5.0

log = logs.get_logger("oxbow")


class House:
    """Everything in the control process, put together; opened in one order and closed in the other."""

    def __init__(self, kernel: KernelSettings) -> None:
        live = load(LiveSettings)
        self._kernel = kernel
        self.database = Database.of(kernel)
        self.accounts = AccountService(AccountStore(self.database))
        self.audit = AuditService(AuditStore(self.database), kernel.audit_days)
        self.catalogue = Catalogue(
            {room.name: room.iam_service for room in (LiveRoom, StorageRoom)},
            {room.iam_service: room.iam_type for room in (LiveRoom, StorageRoom)},
            StorageRoom.iam_actions,
        )
        self.iam = IamService(IamStore(self.database), self.accounts.ring, self.catalogue)
        self.refusals = RefusalService(self.database, kernel)
        self.tasks = TaskService(load(TaskSettings), self.database, server=_node(kernel.home))
        self.outbound = OutboundClient(kernel.outbound_allow)
        self.webhooks = WebhookService(
            self.database, self.outbound, self.accounts.ring.signing, keep_days=kernel.webhook_days
        )
        self.board = LiveBoard()
        self.registry = Registry(streams_root(kernel))
        self.metering = MeteringService(self.database, ZoneInfo(kernel.time_zone), load(MeteringSettings))
        self._geo_copies = GeoCopies(kernel)
        self.geo = self._geo_copies.finder()
        self._geo_watch: asyncio.Task[None] | None = None
        self.live = LiveRoom(
            live,
            self.database,
            self.accounts,
            self.board,
            self.tasks,
            self.metering,
            webhooks=self.webhooks,
            outbound=self.outbound,
            keep_refusals=self.refusals.add,
            node=_node(kernel.home),
            geo=self.geo,
            domain_settings=load(DomainSettings),
            acme_settings=load(AcmeSettings),
        )
        self.storage = StorageRoom(
            load(StorageSettings),
            self.database,
            self.accounts,
            self.tasks,
            LocalBlobs(kernel.home / "objects"),
            object_port=kernel.object_listen.port,
        )
        self.control = ControlServer(control_socket(kernel), self.live.service, self.board)
        self.control.on_report(self.live.usage.take)
        self.janitor = Janitor(self.board, self.registry)
        self.app = self._app()

    def _app(self) -> FastAPI:
        metrics, health = Metrics(), Health()
        health.add("database", self.database.ping)
        health.add("workers", self._check_workers)
        self.live.add_checks(health)
        self.live.add_metrics(metrics.registry)
        self.refusals.add_metrics(metrics.registry)
        metrics.register(WebhookMetrics(self.webhooks))
        metrics.register(TaskMetrics(lambda: self.tasks.counts))
        metrics.register(LiveMetrics(self.board, self.control))
        metrics.register(MeteringMetrics(self.metering))
        routers = [
            *self.live.routers,
            *self.storage.routers,
            audit_router(self.audit),
            *iam_routers(self.iam, self.audit),
            refusals_router(self.refusals),
            webhooks_router(self.webhooks, LiveRoom.about),
            tasks_router(self.tasks),
            metering_router(self.metering.meters),
            control_router(self.board, self.control),
        ]
        return create_app(
            self._kernel,
            accounts=self.accounts,
            metrics=metrics,
            health=health,
            routers=routers,
            public_paths=self.storage.public_paths,
            rights=self.iam.rights,
            catalogue=self.catalogue,
            refused=lambda refusal: self.refusals.add([refusal]),
        )

    async def _check_workers(self) -> None:
        connected = len(self.control.workers)
        if connected < self._kernel.media_workers:
            raise RuntimeError(f"{connected} of {self._kernel.media_workers} media workers are connected")

    async def open(self) -> None:
        """Migrate, read what is configured, and let the workers in."""
        await self._open_database()
        self.refusals.open()
        await self.metering.open()
        await self.live.open()
        await self.tasks.open((await self.accounts.root()).id)
        await self.control.start()
        self.audit.open()
        self.webhooks.open()
        self.janitor.start()
        self._geo_watch = asyncio.create_task(self._geo_copies.keep_fresh(self.geo), name="geoip")

    async def _open_database(self) -> None:
        """A database that isn't there yet (machines start in any order) is waited for."""
        while True:
            try:
                await self.database.migrate()
                await self.accounts.open(self._kernel)
                return
            except DatabaseUnavailableError as error:
                log.warning("the database is not there yet", error=str(error))
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

    async def close(self) -> None:
        """The other way round."""
        await self.tasks.close()
        if self._geo_watch is not None:
            self._geo_watch.cancel()
        await self.janitor.close()
        await self.audit.close()
        await self.control.close()
        await self.live.close()
        await self.refusals.close()
        await self.metering.close()
        await self.webhooks.close()
        await self.outbound.close()
        await self.database.close()


def _node(home: Path) -> str:
    """This server's name among those that share a database: the host and the home, which stay what they
    are."""
    return f"{socket.gethostname()}:{home}"[:200]


async def control(kernel: KernelSettings, listener: socket.socket) -> None:
    """The control process, until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    house = House(kernel)
    opening = asyncio.create_task(house.open())
    opening.add_done_callback(lambda task: stop.set() if task.cancelled() or task.exception() else None)
    # Clients that come at once wait in the listener's backlog; only a database that stays away is told to
    # them.
    await asyncio.wait([opening], timeout=PATIENCE_SECONDS)
    calm_the_collector()
    try:
        await serve_http(house.app, listener, stop=stop, shutdown_seconds=kernel.shutdown_seconds)
    finally:
        opening.cancel()
        result = (await asyncio.gather(opening, return_exceptions=True))[0]
        await house.close()
    if isinstance(result, Exception):
        raise result


def main(arguments: list[str]) -> None:
    """The control process's entry."""
    die_with_parent()
    kernel = load(KernelSettings)
    logs.setup(kernel.log_level, kernel.log_format, "control")
    listener = socket.socket(fileno=int(arguments[0]))
    uvloop.run(control(kernel, listener))


if __name__ == "__main__":
    main(sys.argv[1:])
