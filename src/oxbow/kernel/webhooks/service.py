"""What rooms and the API ask of webhooks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from oxbow.kernel.database import Database, DatabaseUnavailableError
from oxbow.kernel.errors import ApiError
from oxbow.kernel.logs import get_logger
from oxbow.kernel.outbound import OutboundClient
from oxbow.kernel.webhooks.attempt import Attempts, FindPair
from oxbow.kernel.webhooks.dispatcher import Dispatcher, tell
from oxbow.kernel.webhooks.models import Delivery, DeliveryState, Hook, new_id
from oxbow.kernel.webhooks.store import DeliveryFilter, DeliveryStore

MAX_UNWRITTEN = 20_000
"""Deliveries that wait in memory while the database is away; further ones are lost, and counted."""
DAY = 86_400

log = get_logger(__name__)


class DeliveryNotFound(ApiError):  # noqa: N818 - a refusal is named by what it says.
    def __init__(self) -> None:
        super().__init__(612, "delivery not found")


class WebhookService:
    """Delivers every callback at least once, and remembers what became of it.

    :param find_pair: the key pair that signs an account's callbacks.
    :param keep_days: for how long finished deliveries can be read and replayed.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        database: Database,
        client: OutboundClient,
        find_pair: FindPair,
        *,
        keep_days: int = 7,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = DeliveryStore(database)
        self._attempts = Attempts(client, find_pair, clock)
        self._dispatcher = Dispatcher(self._store, self._attempts, keep_days * DAY, clock)
        self._clock = clock
        self.lost = 0
        """Deliveries thrown away because too many waited for the database."""

    @property
    def attempts(self) -> Mapping[str, int]:
        """How many attempts led to which state since the start."""
        return self._attempts.outcomes

    @property
    def unwritten(self) -> int:
        """Deliveries that wait for the database."""
        return self._dispatcher.unwritten

    def open(self) -> None:
        """Begin to deliver what waits, also from before a restart."""
        self._dispatcher.open()

    async def close(self) -> None:
        await self._dispatcher.close()

    def send(
        self, account: int, event: str, subject: str, hook: Hook, *, delay: float = 0.0, key: str = ""
    ) -> Delivery:
        """Deliver in the background, `delay` seconds from now, unless it is cancelled by its `key` before."""
        now = self._clock()
        delivery = Delivery(
            account, event, subject, hook, now, id=new_id(now), key=key, next_attempt_at=now + delay
        )
        self._remember(delivery)
        return delivery

    async def ask(self, account: int, event: str, subject: str, hook: Hook) -> Delivery:
        """Deliver now, retries included, and return what became of it: the caller decides by that."""
        now = self._clock()
        delivery = Delivery(account, event, subject, hook, now, id=new_id(now))
        while True:
            delivery = await self._attempts.attempt(delivery)
            tell(delivery)
            if delivery.state != DeliveryState.WAITING:
                self._remember(delivery)
                return delivery
            await asyncio.sleep(hook.retry_interval)

    async def cancel(self, *keys: str) -> int:
        """Cancel what is still delayed under these names; how many that were. DatabaseUnavailableError."""
        await self._dispatcher.flush()
        return await self._store.cancel(keys, self._clock())

    async def get(self, account: int, id_: str) -> Delivery:
        """DeliveryNotFound."""
        delivery = await self._store.find(account, id_)
        if delivery is None:
            raise DeliveryNotFound
        return delivery

    async def page(self, account: int, which: DeliveryFilter, before: str, limit: int) -> list[Delivery]:
        """At most `limit` deliveries, newest first, older than the one named `before`, if any."""
        return await self._store.page(account, which, before, limit)

    async def replay(self, account: int, id_: str) -> Delivery:
        """Send the same once more, as a delivery of its own; DeliveryNotFound."""
        old = await self.get(account, id_)
        now = self._clock()
        again = Delivery(
            account,
            old.event,
            old.subject,
            old.hook,
            now,
            id=new_id(now),
            next_attempt_at=now,
            replay_of=old.id,
        )
        self._remember(again)
        await self._dispatcher.flush()
        return again

    async def flush(self) -> bool:
        """Write what waits; False if the database is away."""
        try:
            await self._dispatcher.flush()
        except DatabaseUnavailableError:
            return False
        return True

    def _remember(self, delivery: Delivery) -> None:
        if self.unwritten >= MAX_UNWRITTEN:
            self.lost += 1
            return
        self._dispatcher.add(replace(delivery))
