"""One publisher a stream, also among servers that share a database.

Who lets a publisher in claims the stream, and renews the claims of all its streams once a second, in one
statement, with the streams' figures. A claim that isn't answered belongs to somebody else by now: its
publisher is cut. While the database is away publishers go on, and new ones are decided with what is known
here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.rooms.live.board import LiveBoard, OnAir
from oxbow.rooms.live.control.messages import LivePublisher
from oxbow.rooms.live.policy import PublishRefused
from oxbow.rooms.live.store.claims import CLAIM_SECONDS, ClaimStore, Held

RENEW_SECONDS = 1.0
GOODBYE_SECONDS = 0.5
"""How long the end of a broadcast on another server may take to become known here."""
PATIENCE_SECONDS = 2.0
"""What a publisher waits for the database at most, before it is let in without a claim."""

log = get_logger(__name__)


class Claims:
    """Of one server. Does nothing where the database can't be shared.

    :param learn: reads what others have changed, so that whoever is cut on their order is told why.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        store: ClaimStore,
        board: LiveBoard,
        learn: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._board = board
        self._learn = learn
        self._clock = clock
        self._steady_since: float | None = None
        # A renewal under way knows nothing of what is claimed or released meanwhile, and would undo it.
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Renew from now on."""
        if self._store.shared:
            self._spawn(self._keep())

    async def close(self) -> None:
        """Stop. What is still on air belongs to whoever comes after CLAIM_SECONDS."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def claim(self, publisher: LivePublisher, *, takeover: bool) -> None:
        """Take the stream; PublishRefused if another server has it and keeps it.

        :param takeover: whether another server's publisher has to go.
        """
        if not self._store.shared:
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS + GOODBYE_SECONDS):
                # An encoder that hangs up and is back at once may be faster than the news of its end.
                if await self._try(publisher, takeover):
                    return
                await asyncio.sleep(GOODBYE_SECONDS)
                if await self._try(publisher, takeover):
                    return
        except (DatabaseUnavailableError, TimeoutError):
            log.warning("published_without_a_claim", hub=publisher.hub, stream=publisher.stream)
            return
        raise PublishRefused("already_publishing", "the stream is being published already, on another server")

    def release(self, publisher: LivePublisher) -> None:
        """The publisher has gone; in the background. Nothing happens to a stream that it did not hold."""
        if self._store.shared:
            self._spawn(self._release(publisher.session))

    async def renew(self) -> None:
        """Show that everything here is on; cut what is another's by now, or what another wants cut."""
        async with self._writing:
            on_air = self._board.all()
            broadcasts = [self._board.broadcast(one) for one in on_air]
            try:
                answers = await self._store.claim(broadcasts, inherit=self._is_steady)
            except DatabaseUnavailableError:
                self._steady_since = None
                return
        if self._steady_since is None:
            self._steady_since = self._clock()
        held = {answer.session: answer for answer in answers}
        for one in on_air:
            self._obey(one, held.get(one.publisher.session))

    @property
    def _is_steady(self) -> bool:
        """Whether silence of another server means that it is gone, and not that the database was."""
        since = self._steady_since
        return since is not None and self._clock() - since >= CLAIM_SECONDS

    def _obey(self, one: OnAir, held: Held | None) -> None:
        who = one.publisher
        if self._board.get(who.hub, who.stream) is not one:
            return  # it has ended meanwhile
        if held is None:
            log.warning("another server has the stream", hub=who.hub, stream=who.stream)
            self._spawn(self._board.cut(who.hub, who.stream, "taken_over", viewers=False))
        elif held.cut:
            self._spawn(self._carry_out(who.hub, who.stream, held.cut))

    async def _carry_out(self, hub: str, stream: str, reason: str) -> None:
        await self._learn()
        await self._board.cut(hub, stream, reason)

    async def _try(self, publisher: LivePublisher, takeover: bool) -> bool:
        async with self._writing:
            newcomer = self._board.broadcast(OnAir(0, publisher))
            return bool(await self._store.claim([newcomer], takeover=takeover, inherit=self._is_steady))

    async def _release(self, session: str) -> None:
        async with self._writing:
            with contextlib.suppress(DatabaseUnavailableError):
                await self._store.release([session])

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self.renew()
            except Exception:
                log.exception("claims_not_renewed")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
