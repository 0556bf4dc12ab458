"""A media worker in the test's own process: real sockets, shared memory, and a tick that the test gives."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from pathlib import Path

from msgspec.structs import replace

from oxbow.media.fanout import FanoutLimits
from oxbow.media.page import State
from oxbow.media.registry import Registry
from oxbow.media.stream import StreamWriter
from oxbow.rooms.live.control.messages import AskPlay, LivePublisher, PlayAnswer, PublishAnswer
from oxbow.rooms.live.gateways.connection import Connection
from oxbow.rooms.live.gateways.door import Door
from oxbow.rooms.live.gateways.http.session import http_factory
from oxbow.rooms.live.gateways.rtmp.session import rtmp_factory
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.settings import LiveSettings
from oxbow.rooms.live.snapshot import ConfigSnapshot, DomainConfig, HubConfig
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.publishing import Publishing
from oxbow.rooms.live.worker.shelf import HlsShelf
from oxbow.rooms.live.worker.watching import Watching


class Link:
    """Control, as a session sees it: it lets everybody in, unless it is told otherwise."""

    def __init__(self) -> None:
        self.answers: deque[PublishAnswer] = deque()
        self.asked: list[tuple[LivePublisher, str, str | None]] = []
        self.questions: list[AskPlay] = []
        """About viewers."""
        self.play_answer: PlayAnswer | None = PlayAnswer(1)
        """None if control doesn't answer."""
        self.sent: list[object] = []
        self.open = asyncio.Event()
        self.open.set()

    async def ask_publish(self, publisher: LivePublisher, query: str, domain: str | None) -> PublishAnswer:
        self.asked.append((publisher, query, domain))
        await self.open.wait()
        return self.answers.popleft() if self.answers else PublishAnswer(1, grace_seconds=5.0)

    async def ask_play(self, question: AskPlay) -> PlayAnswer:
        self.questions.append(question)
        await self.open.wait()
        if self.play_answer is None:
            raise TimeoutError
        return self.play_answer

    def send(self, message: object) -> None:
        self.sent.append(message)


class Worker:
    """What a media worker is made of. Its one hub is `hub`; the stream `banned` there is banned."""

    def __init__(self, shm: Path) -> None:
        self.link = Link()
        self.registry = Registry(shm)
        self.plane = Plane(
            settings=LiveSettings(hls_target_seconds=1.0),
            registry=self.registry,
            link=self.link,  # type: ignore[arg-type]
            publishing=Publishing(self.link, 0.01),  # type: ignore[arg-type]
            watching=Watching(self.registry, FanoutLimits(), asyncio.get_running_loop()),
            shelf=HlsShelf(self.registry),
            config=ConfigSnapshot(1, {"hub": HubConfig("hub", 5.0)}, banned={"hub/banned": -1}),
        )
        self.rtmp = Door("rtmp", _listener(), rtmp_factory(self.plane), patience=10.0, per_address=0)
        self.media = Door("media", _listener(), http_factory(self.plane), patience=10.0, per_address=0)
        self._writers: list[StreamWriter] = []
        for door in (self.rtmp, self.media):
            door.open(asyncio.get_running_loop())

    @property
    def connections(self) -> list[Connection]:
        return [*self.rtmp.connections, *self.media.connections]

    def ban(self, stream: str, reason: str) -> None:
        """A configuration comes that bans a stream for ever."""
        key, config = f"hub/{stream}", self.plane.config
        self.plane.config = replace(
            config, banned=config.banned | {key: -1}, ban_reasons=config.ban_reasons | {key: reason}
        )

    def ask_origin(self, domain: str, kind: DomainType) -> None:
        """A configuration comes with a domain whose viewers an operator's server decides about."""
        bound = DomainConfig("hub", kind, asks_origin=True)
        self.plane.config = replace(self.plane.config, domains={domain: bound})

    def on_air(self, stream: str = "stream") -> StreamWriter:
        """A stream that another worker's publisher writes."""
        self._writers.append(self.registry.writer("hub", stream, self.plane.stream_options(5.0)))
        return self._writers[-1]

    def end(self, writer: StreamWriter) -> None:
        """The stream is over, and nobody waits for its publisher any more."""
        self._writers.remove(writer)
        writer._log.page.state = State.ENDED
        writer._log.close()

    def tick(self) -> None:
        self.plane.publishing.gather()
        for writer in self._writers:
            writer.run_framings()
        self.plane.watching.serve()
        self.plane.shelf.serve()

    def close(self) -> None:
        for connection in self.connections:
            connection.close("shutdown")
        for door in (self.rtmp, self.media):
            door.close()
        for writer in self._writers:
            writer.leave()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def address(door: Door) -> tuple[str, int]:
    """Where a door is."""
    found: tuple[str, int] = door._sock.getsockname()
    return found
