"""A media worker's side of the control socket: asks, reports, and takes orders; comes back by itself."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

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
    encode,
    read_messages,
)

ANSWER_SECONDS = 8.0
"""How long a publisher waits for control: long enough for control to be restarted."""
PLAY_ANSWER_SECONDS = 15.0
"""How long a viewer waits: longer than any operator's server may take to decide."""
RECONNECT_SECONDS = 0.2

log = structlog.get_logger("oxbow.live.link")


class ControlLink:
    """Keeps one connection to control. Everything here runs in the worker's event loop."""

    def __init__(
        self,
        path: Path,
        hello: Callable[[], Hello],
        configure: Callable[[Configure], None],
        cut: Callable[[Cut], None],
    ) -> None:
        self._path = path
        self._hello = hello
        self._configure = configure
        self._cut = cut
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._asks = itertools.count(1)
        self._answers: dict[int, asyncio.Future[AnyMessage]] = {}
        self._patience: dict[int, asyncio.Timeout] = {}
        """By ask, how long its answer is waited for."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and keep connected until `close`."""
        self._task = asyncio.create_task(self._run(), name="control link")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def ask_publish(self, publisher: LivePublisher, query: str, domain: str | None) -> PublishAnswer:
        """Ask control whether a publisher may start. TimeoutError if it doesn't answer in ANSWER_SECONDS.

        An ask that control never answers because it dies in between is asked again when it is back.
        """
        answer = await self._ask(
            lambda ask: AskPublish(ask=ask, publisher=publisher, query=query, domain=domain), ANSWER_SECONDS
        )
        if not isinstance(answer, PublishAnswer):
            raise TimeoutError
        return answer

    async def ask_play(self, question: AskPlay) -> PlayAnswer:
        """Ask control whether a viewer may watch; its `ask` is chosen here. TimeoutError if it doesn't answer
        in PLAY_ANSWER_SECONDS."""
        answer = await self._ask(lambda ask: msgspec.structs.replace(question, ask=ask), PLAY_ANSWER_SECONDS)
        if not isinstance(answer, PlayAnswer):
            raise TimeoutError
        return answer

    async def _ask(self, question: Callable[[int], AnyMessage], seconds: float) -> AnyMessage:
        async with asyncio.timeout(seconds) as patience:
            while True:
                await self._connected.wait()
                ask = next(self._asks)
                answer: asyncio.Future[AnyMessage] = asyncio.get_running_loop().create_future()
                self._answers[ask], self._patience[ask] = answer, patience
                try:
                    self.send(question(ask))
                    return await answer
                except ConnectionError:
                    continue
                finally:
                    del self._answers[ask], self._patience[ask]

    @property
    def is_connected(self) -> bool:
        """Whether somebody hears what is sent now."""
        return self._writer is not None

    def send(self, message: AnyMessage) -> None:
        """Tell control something; while it is away this is dropped, and the next Hello says what still
        counts."""
        if self._writer is not None:
            self._writer.write(encode(message))

    async def _run(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            try:
                await self._serve(reader, writer)
            except ValueError as error:
                log.error("control speaks gibberish", error=str(error))
            finally:
                self._disconnected()
                writer.close()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.send(self._hello())
        async for message in read_messages(reader):
            match message:
                case Configure():
                    self._configure(message)
                    self._connected.set()
                case Patience():
                    self._wait_longer(message.ask)
                case PublishAnswer() | PlayAnswer():
                    answer = self._answers.get(message.ask)
                    if answer is not None and not answer.done():
                        answer.set_result(message)
                case Cut():
                    self._cut(message)

    def _wait_longer(self, ask: int) -> None:
        patience = self._patience.get(ask)
        if patience is not None and not patience.expired():
            patience.reschedule(asyncio.get_running_loop().time() + ANSWER_SECONDS)

    def _disconnected(self) -> None:
        self._writer = None
        self._connected.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError())
