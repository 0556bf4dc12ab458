"""Works the queue off: claims what is due, attempts it, and writes down what became of it.

A callback is a row and not a task of the task table. A thousand streams that drop at once are a thousand
rows in one insert, claimed by the dozen and written back in batches; a task each would be tens of thousands
of records of steps. What a task promises holds for a row all the same: state, attempts, the last error and
the next attempt can be seen, it survives a crash, and it can be sent again. A claim is a promise to be done
by a moment; when a server dies, its rows are due again then, so that a receiver may get an event twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

from oxbow.kernel.database import DatabaseUnavailableError
from oxbow.kernel.logs import get_logger
from oxbow.kernel.webhooks.attempt import Attempts
from oxbow.kernel.webhooks.models import Delivery, DeliveryState, masked_url
from oxbow.kernel.webhooks.store import DeliveryStore, origin_of

IN_FLIGHT = 128
"""Attempts at a time on this server, ..."""
PER_ORIGIN = 16
"""... and those to one host, so that one that hangs leaves room for the others."""
POLL_SECONDS = 1.0
"""How late a retry, or what another server left behind, may be noticed."""
CLAIM_SECONDS = 60.0
"""Longer than any attempt with what it waits for on this machine."""
PRUNE_SECONDS = 600.0
PRUNE_ROWS = 1000

log = get_logger(__name__)


class Dispatcher:
    """One per server; several on one database share the work.

    :param keep_seconds: how long finished deliveries can be read.
    """

    def __init__(
        self, store: DeliveryStore, attempts: Attempts, keep_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._wake = asyncio.Event()
        self._fresh: list[Delivery] = []
        self._done: list[Delivery] = []
        self._busy: Counter[str] = Counter()
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._pruned_at = 0.0
        self._storing = asyncio.Lock()

    @property
    def unwritten(self) -> int:
        """Deliveries that wait for the database."""
        return len(self._fresh) + len(self._done)

    def add(self, delivery: Delivery) -> None:
        """Take a delivery; it is in the database a moment later."""
        self._fresh.append(delivery)
        self._wake.set()

    async def flush(self) -> None:
        """Write what is new and what is done; DatabaseUnavailableError, with all of it still here."""
        async with self._storing:
            fresh, done = list(self._fresh), list(self._done)
            if fresh:
                await self._store.add(fresh)
                del self._fresh[: len(fresh)]
            if done:
                await self._store.finish(done)
                del self._done[: len(done)]

    def open(self) -> None:
        self._loop = asyncio.create_task(self._run(), name="webhooks")

    async def close(self) -> None:
        """Stop; what is under way is sent again by whoever comes next."""
        tasks = [*self._running, *([self._loop] if self._loop is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(DatabaseUnavailableError):
            await self.flush()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._round()
            except DatabaseUnavailableError:
                await asyncio.sleep(POLL_SECONDS)
            except Exception:
                log.exception("webhooks_not_dispatched")
                await asyncio.sleep(POLL_SECONDS)

    async def _round(self) -> None:
        await self.flush()
        now = self._clock()
        room = IN_FLIGHT - len(self._running)
        if room > 0 and await self._store.has_due(now):
            claimed = await self._store.claim(now, now + CLAIM_SECONDS, room, PER_ORIGIN, dict(self._busy))
            for delivery in claimed:
                self._begin(delivery)
        if now - self._pruned_at > PRUNE_SECONDS:
            pruned = await self._store.prune(now - self._keep_seconds, PRUNE_ROWS)
            self._pruned_at = now if pruned < PRUNE_ROWS else 0.0  # the rest with the next round

    def _begin(self, delivery: Delivery) -> None:
        self._busy[origin_of(delivery.hook.url)] += 1
        task = asyncio.create_task(self._attempt(delivery))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _attempt(self, delivery: Delivery) -> None:
        origin = origin_of(delivery.hook.url)
        try:
            done = await self._attempts.attempt(delivery)
        finally:
            self._busy[origin] -= 1
            if not self._busy[origin]:
                del self._busy[origin]
        self._done.append(done)
        tell(done)
        self._wake.set()
        if done.state == DeliveryState.WAITING:
            asyncio.get_running_loop().call_later(done.hook.retry_interval, self._wake.set)


def tell(delivery: Delivery) -> None:
    """Log what became of an attempt."""
    level = log.info if delivery.state == DeliveryState.DELIVERED else log.warning
    level(
        "webhook_attempted",
        id=delivery.id,
        webhook=delivery.event,
        subject=delivery.subject,
        url=masked_url(delivery.hook.url),
        state=delivery.state.value,
        attempt=delivery.attempts,
        status=delivery.status,
        error=delivery.error,
    )
