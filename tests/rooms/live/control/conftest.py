"""A control process that can be restarted, an authority that can be told, and workers that can be killed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from oxbow.kernel.refusals.models import Refusal
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.control import link as link_module
from oxbow.rooms.live.control.link import ControlLink
from oxbow.rooms.live.control.messages import (
    AskPlay,
    Configure,
    Cut,
    Figures,
    Hello,
    LivePublisher,
    PlayAnswer,
    PublishAnswer,
    PublishEnded,
    Report,
    StreamReport,
)
from oxbow.rooms.live.control.server import ControlServer
from oxbow.rooms.live.policy import PublishAttempt, PublishGrant, PublishRefused
from oxbow.rooms.live.snapshot import ConfigSnapshot, HubConfig
from waiting import soon


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "RECONNECT_SECONDS", 0.01)


@dataclass
class Authority:
    """A live service that lets everybody in, unless it is told otherwise."""

    takeover: bool = False
    refusal: PublishRefused | None = None
    attempts: list[PublishAttempt] = field(default_factory=list)
    history: list[tuple[str, str]] = field(default_factory=list)
    """("started" or "ended", session), in order."""
    refusals: list[Refusal] = field(default_factory=list)
    hubs: dict[str, HubConfig] = field(default_factory=dict)
    changed: Callable[[], None] = lambda: None
    consulted: list[tuple[str, bool]] = field(default_factory=list)
    """(session, whether it takes a stream over) of publishers that an operator's servers were asked about."""
    told: list[tuple[str, str]] = field(default_factory=list)
    """(session, reason) of those that went."""
    back: list[str] = field(default_factory=list)
    """Sessions that went on while control was away."""
    objection: PublishRefused | None = None
    claimed: PublishRefused | None = None
    """What is said of a stream that another server publishes."""
    agrees: asyncio.Event = field(default_factory=asyncio.Event)
    """An operator's servers wait for it."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Decisions wait for it."""

    def __post_init__(self) -> None:
        self.open.set()
        self.agrees.set()

    async def authorize_publish(self, attempt: PublishAttempt) -> PublishGrant:
        self.attempts.append(attempt)
        await self.open.wait()
        if self.refusal is not None:
            raise self.refusal
        return PublishGrant(attempt.hub, attempt.stream, self.takeover, grace_seconds=7.0)

    async def snapshot(self) -> ConfigSnapshot:
        return ConfigSnapshot(version=len(self.hubs), hubs=dict(self.hubs))

    def subscribe(self, callback: Callable[[], None]) -> None:
        self.changed = callback

    def publish_started(self, publisher: LivePublisher) -> None:
        self.history.append(("started", publisher.session))

    def refused(self, refusals: Sequence[Refusal]) -> None:
        self.refusals.extend(refusals)

    async def resumed(self, publishers: Sequence[LivePublisher]) -> None:
        self.back.extend(publisher.session for publisher in publishers)

    async def consult(self, publisher: LivePublisher, rival: LivePublisher | None) -> None:
        self.consulted.append((publisher.session, rival is not None))
        await self.agrees.wait()
        if self.objection is not None:
            raise self.objection

    async def claim(self, publisher: LivePublisher, *, takeover: bool) -> None:
        if self.claimed is not None:
            raise self.claimed

    def went_off_air(self, publisher: LivePublisher, reason: str) -> None:
        self.told.append((publisher.session, reason))

    async def authorize_play(self, ask: AskPlay) -> PlayAnswer:
        return PlayAnswer(ask.ask, "origin_refused" if ask.query == "no" else "")

    def publish_ended(self, publisher_session: str, at: float) -> None:
        self.history.append(("ended", publisher_session))


class FakeWorker:
    """A media worker's link, and what came over it."""

    def __init__(self, path: Path, index: int) -> None:
        self.index = index
        self.publishers: list[LivePublisher] = []
        self.configured: list[ConfigSnapshot] = []
        self.cuts: list[Cut] = []
        self.yields = True
        """Whether a publisher that is cut goes."""
        self.link = ControlLink(path, self._hello, self._configure, self._cut)

    def _hello(self) -> Hello:
        return Hello(self.index, 1000 + self.index, list(self.publishers))

    def _configure(self, message: Configure) -> None:
        self.configured.append(message.snapshot)

    def _cut(self, message: Cut) -> None:
        self.cuts.append(message)
        for publisher in list(self.publishers):
            if self.yields and (publisher.hub, publisher.stream) == (message.hub, message.stream):
                self.end(publisher, message.reason)

    def end(self, publisher: LivePublisher, reason: str = "finished") -> None:
        if publisher in self.publishers:
            self.publishers.remove(publisher)
        self.link.send(PublishEnded(publisher.hub, publisher.stream, publisher.session, reason))

    async def publish(self, session: str, stream: str = "stream") -> PublishAnswer:
        publisher = LivePublisher("hub", stream, session, "10.0.0.1:5000", "10.0.0.2:1935", 1_700_000_000.0)
        answer = await self.link.ask_publish(publisher, "token=x", "push.example.com")
        if not answer.refusal:
            self.publishers.append(publisher)
        return answer

    def report(self, **figures: Any) -> None:
        """What it tells once a second."""
        streams = [StreamReport(p.hub, p.stream, figures_of(p.session, **figures)) for p in self.publishers]
        self.link.send(Report(1.0, 3, streams, {}))

    async def kill(self) -> None:
        await self.link.close()


def figures_of(session: str, silent_seconds: float = 0.0) -> Figures:
    return Figures(session, 8000, 6000, 2000, 25, 43, 0, 2000, 1000, silent_seconds, 0)


@dataclass
class House:
    """A control process that can be restarted, and its workers."""

    path: Path
    authority: Authority
    board: LiveBoard = field(default_factory=LiveBoard)
    workers: list[FakeWorker] = field(default_factory=list)

    async def open(self) -> None:
        self.board = LiveBoard()
        self.control = ControlServer(self.path, self.authority, self.board)
        await self.control.start()

    async def worker(self, index: int = 0) -> FakeWorker:
        worker = FakeWorker(self.path, index)
        self.workers.append(worker)
        worker.link.start()
        await soon(lambda: worker.configured)
        return worker

    def on_air(self, stream: str = "stream") -> str | None:
        found = self.board.get("hub", stream)
        return found.publisher.session if found is not None else None


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "control.sock", Authority())
    await house.open()
    yield house
    for worker in house.workers:
        await worker.link.close()
    await house.control.close()
