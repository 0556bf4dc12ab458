"""Control's side of the control socket: who may publish, what is live, and who has to go."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

import structlog

from oxbow.kernel.refusals.models import Refusal
from oxbow.rooms.live.board import LiveBoard, OnAir
from oxbow.rooms.live.control.messages import (
    AnyMessage,
    AskPlay,
    AskPublish,
    Configure,
    Cut,
    Hello,
    LivePublisher,
    Patience,
    PlayAnswer,
    PublishAnswer,
    PublishEnded,
    Report,
    encode,
    read_messages,
)
from oxbow.rooms.live.policy import PublishAttempt, PublishGrant, PublishRefused
from oxbow.rooms.live.snapshot import ConfigSnapshot

DISPLACE_SECONDS = 3.0
REASSURE_SECONDS = 3.0
"""How often a worker hears that its question is being decided; less than it waits."""
GOODBYE_SECONDS = 0.5
"""How long the end of a broadcast may take to become known here."""

log = structlog.get_logger("oxbow.live.control")


class Authority(Protocol):
    """What the control server needs of the live room's service."""

    async def authorize_publish(self, attempt: PublishAttempt) -> PublishGrant: ...
    async def snapshot(self) -> ConfigSnapshot: ...
    def subscribe(self, callback: Callable[[], None]) -> None: ...
    def publish_started(self, publisher: LivePublisher) -> None: ...
    def publish_ended(self, publisher_session: str, at: float) -> None: ...
    async def consult(self, publisher: LivePublisher, rival: LivePublisher | None) -> None: ...
    async def resumed(self, publishers: Sequence[LivePublisher]) -> None: ...
    def went_off_air(self, publisher: LivePublisher, reason: str) -> None: ...
    async def claim(self, publisher: LivePublisher, *, takeover: bool) -> None: ...
    async def authorize_play(self, ask: AskPlay) -> PlayAnswer: ...
    def refused(self, refusals: Sequence[Refusal]) -> None: ...


@dataclass(slots=True)
class Totals:
    """What all workers have reported since control was started; only ever grows."""

    sent_bytes: int = 0
    sent_by_area: Counter[str] = field(default_factory=Counter)
    received_bytes: int = 0
    skipped_bytes: int = 0
    dropped_viewers: int = 0
    dropped_bytes: int = 0
    """What publishers sent and shared memory had no room for."""
    refused: Counter[str] = field(default_factory=Counter)
    """Publishers, viewers and connections by the reason they were refused for."""

    def add(self, report: Report) -> None:
        """Take a report's figures."""
        sent = [0] * len(report.kinds)
        for stream in report.streams:
            for share in stream.shares:
                sent[share.kind] += share.sent_bytes
            for one in stream.received:
                self.received_bytes += one.received_bytes
            self.skipped_bytes += stream.skipped_bytes
            self.dropped_viewers += stream.dropped_viewers
        for kind, size in zip(report.kinds, sent, strict=True):
            if size:
                self.sent_by_area[kind.area] += size
        self.sent_bytes += sum(sent)
        self.refused.update(report.refused)


class Worker:
    """A connected worker."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.index = -1
        self.pid = 0
        self.connections = 0

    def send(self, message: AnyMessage) -> None:
        self._writer.write(encode(message))

    def close(self) -> None:
        self._writer.close()


class ControlServer:
    """Listens for the workers. Everything here runs in the control process's event loop."""

    def __init__(self, path: Path, authority: Authority, board: LiveBoard) -> None:
        self._path = path
        self._authority = authority
        self._board = board
        self._workers: dict[int, Worker] = {}
        self._server: asyncio.Server | None = None
        # One decision at a time for each stream; a lock lives as long as somebody decides or waits.
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._deciding: dict[str, AskPublish] = {}
        """By session, what was asked last; a publisher that gives up meanwhile is taken out."""
        self._ended: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[int, Report], None]] = []
        self._configuring: asyncio.Task[None] | None = None
        self.totals = Totals()
        board.on_cut(self.cut)

    @property
    def workers(self) -> list[Worker]:
        """The connected workers, by index."""
        return [self._workers[index] for index in sorted(self._workers)]

    def on_report(self, listener: Callable[[int, Report], None]) -> None:
        """Call with each worker's index and report, once the board has taken it."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Listen; workers are told the configuration when they connect and whenever it changes."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        self._path.chmod(0o600)
        self._authority.subscribe(self._changed)

    async def close(self) -> None:
        """Stop listening, let the workers go, and record the end of every broadcast."""
        if self._server is not None:
            self._server.close()
        for worker in self.workers:
            self._forget(worker)
            worker.close()
        for task in self._tasks:
            task.cancel()

    def _changed(self) -> None:
        self._configuring = self._spawn(self._configure_all())

    async def _configure_all(self) -> None:
        message = Configure(await self._authority.snapshot())
        for worker in self._workers.values():
            worker.send(message)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        worker = Worker(writer)
        try:
            async for message in read_messages(reader):
                await self._receive(worker, message)
        except ValueError as error:
            log.error("a worker speaks gibberish", worker=worker.index, error=str(error))
        finally:
            self._lost(worker)
            writer.close()

    async def _receive(self, worker: Worker, message: AnyMessage) -> None:
        match message:
            case Hello():
                await self._welcome(worker, message)
            case AskPublish():
                self._deciding[message.publisher.session] = message
                self._spawn(self._decide(worker, message))
            case AskPlay():
                self._spawn(self._decide_play(worker, message))
            case PublishEnded():
                self._publish_ended(message)
            case Report():
                worker.connections = message.connections
                self._board.acknowledge(worker.index, message.version)
                self.totals.dropped_bytes += self._newly_dropped(message)
                self._board.report(worker.index, message)
                self.totals.add(message)
                self._authority.refused(message.refusals)
                for listener in self._listeners:
                    listener(worker.index, message)

    def _newly_dropped(self, report: Report) -> int:
        """Figures count from a publisher's start: what is new is what the board doesn't know yet."""
        total = 0
        for stream in report.streams:
            now = stream.publisher
            if now is None or not now.dropped_bytes:
                continue
            on_air = self._board.get(stream.hub, stream.stream)
            if on_air is not None and on_air.publisher.session == now.session:
                total += now.dropped_bytes - (on_air.figures.dropped_bytes if on_air.figures else 0)
        return total

    async def _welcome(self, worker: Worker, hello: Hello) -> None:
        former = self._workers.get(hello.worker)
        if former is not None:  # its successor was quicker than the news of its end
            self._lost(former)
        snapshot = await self._authority.snapshot()
        worker.index, worker.pid = hello.worker, hello.pid
        self._workers[worker.index] = worker
        self._board.acknowledge(worker.index, 0)
        for publisher in hello.publishers:  # control was restarted while these went on
            self._board.put(OnAir(worker.index, publisher))
            self._record_start(self._board.get(publisher.hub, publisher.stream))
        worker.send(Configure(snapshot))
        if hello.publishers:
            self._spawn(self._authority.resumed(hello.publishers))

    def _lost(self, worker: Worker) -> None:
        if self._workers.get(worker.index) is not worker:
            return
        lost = self._forget(worker)
        # One that stops in good order has ended its broadcasts first.
        tell = log.warning if lost else log.info
        tell("a media worker is gone", worker=worker.index, pid=worker.pid, broadcasts=lost)

    def _forget(self, worker: Worker) -> int:
        del self._workers[worker.index]
        lost = self._board.drop_worker(worker.index)
        for on_air in lost:
            self._went_off_air(on_air, "worker_gone")
        return len(lost)

    async def _decide(self, worker: Worker, ask: AskPublish) -> None:
        publisher = ask.publisher
        attempt = PublishAttempt(
            hub=publisher.hub,
            stream=publisher.stream,
            query=ask.query,
            domain=ask.domain,
            client_addr=publisher.client_addr,
            now=time.time(),
        )
        key = (publisher.hub, publisher.stream)
        async with self._reassured(worker, ask.ask), self._locks.setdefault(key, asyncio.Lock()):
            try:
                grant = await self._authority.authorize_publish(attempt)
                await self._admit(grant, publisher)
            except PublishRefused as refusal:
                log.info(
                    "publish refused",
                    hub=publisher.hub,
                    stream=publisher.stream,
                    client=publisher.client_addr,
                    reason=refusal.reason,
                )
                answer = PublishAnswer(
                    ask.ask,
                    refusal.reason,
                    refusal.description,
                    found=refusal.found,
                    wanted=refusal.wanted,
                )
            else:
                if not self._still_wanted(worker, ask):
                    self._authority.went_off_air(publisher, "disconnected")
                    return
                on_air = OnAir(worker.index, publisher)
                self._board.put(on_air)
                self._record_start(on_air)
                answer = PublishAnswer(ask.ask, grace_seconds=grant.grace_seconds)
            finally:
                if self._deciding.get(publisher.session) is ask:
                    del self._deciding[publisher.session]
        worker.send(answer)

    @contextlib.asynccontextmanager
    async def _reassured(self, worker: Worker, ask: int) -> AsyncIterator[None]:
        """Tell the worker now and then that its question is not forgotten, however long others take."""

        async def reassure() -> None:
            while True:
                await asyncio.sleep(REASSURE_SECONDS)
                worker.send(Patience(ask))

        reassuring = asyncio.create_task(reassure())
        try:
            yield
        finally:
            reassuring.cancel()

    async def _admit(self, grant: PublishGrant, publisher: LivePublisher) -> None:
        """Ask whoever else has a say, then make room; whoever is refused takes nobody's place."""
        rival = await self._rival(grant)
        await self._authority.consult(publisher, rival.publisher if rival else None)
        try:
            if rival is not None:
                await self._displace(rival)
            await self._authority.claim(publisher, takeover=grant.takeover)
            await self._check_ban(grant)
        except PublishRefused:
            self._authority.went_off_air(publisher, "refused")
            raise

    async def _decide_play(self, worker: Worker, ask: AskPlay) -> None:
        worker.send(await self._authority.authorize_play(ask))

    async def _check_ban(self, grant: PublishGrant) -> None:
        """A ban that came while this was decided found nobody on the board to cut."""
        snapshot = await self._authority.snapshot()
        if snapshot.is_banned(grant.hub, grant.stream, time.time()):
            raise PublishRefused("stream_disabled", snapshot.ban_text(grant.hub, grant.stream))

    def _still_wanted(self, worker: Worker, ask: AskPublish) -> bool:
        """Deciding takes time: the publisher may have gone meanwhile, or its worker. Nobody would ever tell
        that such a broadcast has ended."""
        is_there = self._workers.get(worker.index) is worker
        return is_there and self._deciding.get(ask.publisher.session) is ask

    async def _rival(self, grant: PublishGrant) -> OnAir | None:
        """The stream's publisher, which may be displaced; PublishRefused if it may not."""
        current = self._board.get(grant.hub, grant.stream)
        if current is None or grant.takeover or current.is_stale:
            return current
        # An encoder that hangs up and is back at once may be faster than the news of its end.
        if await self._ends(current, GOODBYE_SECONDS):
            return None
        raise PublishRefused("already_publishing", "the stream is being published already")

    async def _displace(self, rival: OnAir) -> None:
        """See to it that the rival goes; PublishRefused if it does not."""
        who, worker = rival.publisher, self._workers.get(rival.worker)
        if self._board.get(who.hub, who.stream) is not rival or worker is None:
            return
        reason = "stale" if rival.is_stale else "taken_over"
        worker.send(Cut(who.hub, who.stream, reason, viewers=False))
        if not await self._ends(rival, DISPLACE_SECONDS):
            raise PublishRefused("already_publishing", "the former publisher could not be cut")

    async def _ends(self, on_air: OnAir, seconds: float) -> bool:
        """Whether a broadcast ends within so many seconds."""
        session = on_air.publisher.session
        ended = self._ended.setdefault(session, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await ended.wait()
        except TimeoutError:
            return False
        finally:
            self._ended.pop(session, None)
        return True

    def _publish_ended(self, message: PublishEnded) -> None:
        self._deciding.pop(message.session, None)
        on_air = self._board.remove(message.hub, message.stream, message.session)
        if on_air is not None:
            self._went_off_air(on_air, message.reason)

    def _record_start(self, on_air: OnAir | None) -> None:
        if on_air is not None:
            self._authority.publish_started(on_air.publisher)

    def _went_off_air(self, on_air: OnAir, reason: str) -> None:
        session = on_air.publisher.session
        self._authority.went_off_air(on_air.publisher, reason)
        self._authority.publish_ended(session, time.time())
        if session in self._ended:
            self._ended[session].set()

    async def cut(self, hub: str, stream: str, reason: str, *, viewers: bool = True) -> None:
        """Disconnect a stream's publisher, and its viewers if `viewers`, on every worker; returns when the
        publisher is gone."""
        current = self._board.get(hub, stream)
        ended = asyncio.Event()
        if current is not None:
            ended = self._ended.setdefault(current.publisher.session, ended)
        if self._configuring is not None:  # Why it is cut stands there, and that nobody may come back.
            await asyncio.wait([self._configuring])
        for worker in self._workers.values():
            worker.send(Cut(hub, stream, reason, viewers=viewers))
        if current is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DISPLACE_SECONDS):
                    await ended.wait()
            self._ended.pop(current.publisher.session, None)
