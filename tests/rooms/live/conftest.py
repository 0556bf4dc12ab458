"""A live service on a fresh database, with a board and keys that tests can steer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI

from oxbow.kernel.accounts import Account, AccountService, AccountStore, KeyPair
from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database
from oxbow.kernel.gateway import create_app
from oxbow.kernel.geoip import GeoFinder
from oxbow.kernel.health import Health
from oxbow.kernel.metering import MeteringService
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.settings import KernelSettings
from oxbow.rooms.live.board import LiveBoard, OnAir
from oxbow.rooms.live.control.messages import Figures, LivePublisher, StreamReport
from oxbow.rooms.live.routes import live_routers
from oxbow.rooms.live.service import LiveService
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.usage.room import LiveUsage
from oxbow.testing.signing import QiniuAuth
from reports import report_of, viewers_of

ROOT = Account(1, "root")
STRANGER = Account(2, "stranger")
AK, STRANGERS_AK, SK = "root-access-key", "strangers-access-key", "a-secret-key-1234567"


@dataclass
class Clock:
    """Stands still until it is set."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Keys:
    """A key ring of what a test puts in."""

    pairs: dict[str, KeyPair] = field(default_factory=dict)

    def add(self, access_key: str, secret: str, account: Account = ROOT, *, enabled: bool = True) -> None:
        self.pairs[access_key] = KeyPair(access_key, secret, account, enabled, "", 0)

    async def signing(self, account: int) -> KeyPair | None:
        return next((pair for pair in self.pairs.values() if pair.account.id == account), None)

    async def find(self, access_key: str) -> KeyPair | None:
        return self.pairs.get(access_key)


class Board(LiveBoard):
    """A board whose streams go live by a call, and which remembers what was cut."""

    def __init__(self) -> None:
        super().__init__()
        self.cuts: list[tuple[str, str, str]] = []
        self.on_cut(self._remember)

    async def _remember(self, hub: str, stream: str, reason: str, *, viewers: bool = True) -> None:
        self.cuts.append((hub, stream, reason))

    def go_live(self, hub: str, stream: str, started_at: float = 1_635_162_331) -> None:
        publisher = LivePublisher(
            hub, stream, f"{hub}/{stream}", "127.0.0.1:19866", "127.0.0.1:1935", started_at
        )
        self.put(OnAir(0, publisher))
        figures = Figures(
            publisher.session,
            bps=601344,
            video_bps=601251,
            audio_bps=14148,
            video_fps=60,
            audio_fps=43,
            data_fps=0,
            max_gop_ms=1000,
            avg_gop_ms=1000,
            silent_seconds=0,
            dropped_bytes=0,
        )
        self.report(0, report_of(StreamReport(hub, stream, figures, shares=[viewers_of("flv", 10)])))


@dataclass
class Refusals:
    """Remembers what it was told to keep."""

    kept: list[Refusal] = field(default_factory=list)

    def add(self, refusals: Iterable[Refusal]) -> None:
        self.kept.extend(refusals)


@pytest.fixture
def refusals() -> Refusals:
    return Refusals()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
async def accounts(sqlite_database: Database) -> Database:
    async with sqlite_database.session() as session:
        session.add(AccountRow(id=ROOT.id, name=ROOT.name, created_at=1))
        session.add(AccountRow(id=STRANGER.id, name=STRANGER.name, created_at=1))
    return sqlite_database


@pytest.fixture
def geo(tmp_path: Path) -> GeoFinder:
    """Knows nothing, until somebody writes the database."""
    return GeoFinder(tmp_path / "city.mmdb", None)


@pytest.fixture
async def service(
    accounts: Database, keys: Keys, board: Board, refusals: Refusals, clock: Clock, geo: GeoFinder
) -> AsyncIterator[LiveService]:
    """Opened, with the hub `live` that anybody may publish to."""
    settings = LiveSettings(domains_per_hub=20)
    service = LiveService(
        settings, accounts, keys, board, node="here", keep_refusals=refusals.add, geo=geo, clock=clock
    )
    await service.open(ROOT)
    yield service
    await service.close()


@pytest.fixture
def metering(accounts: Database, clock: Clock) -> MeteringService:
    """Days are those of Shanghai; nothing is written but by `flush`."""
    return MeteringService(accounts, ZoneInfo("Asia/Shanghai"), clock=clock)


@pytest.fixture
def usage(
    service: LiveService, accounts: Database, board: Board, metering: MeteringService, clock: Clock
) -> LiveUsage:
    return LiveUsage(LiveSettings(), accounts, service, board, metering, clock)


@pytest.fixture
def live_app(service: LiveService, accounts: Database, keys: Keys, usage: LiveUsage) -> FastAPI:
    """The API with the live room's routes, for the root account and a stranger."""
    keys.add(AK, SK)
    keys.add(STRANGERS_AK, SK, STRANGER)
    kernel = AccountService(AccountStore(accounts))
    kernel.ring = keys  # type: ignore[assignment]
    return create_app(
        KernelSettings(),
        accounts=kernel,
        metrics=Metrics(),
        health=Health(),
        routers=[*live_routers(service, LiveSettings()), *usage.routers],
    )


def _client(app: FastAPI, access_key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(
        transport=transport, base_url="http://pili.test:7070", auth=QiniuAuth(access_key, SK)
    )


@pytest.fixture
async def api(live_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that signs for the root account."""
    async with _client(live_app, AK) as client:
        yield client


@pytest.fixture
async def strangers_api(live_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that signs for another account."""
    async with _client(live_app, STRANGERS_AK) as client:
        yield client
