"""The key pairs in memory, so that checking a signature does not wait for the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from oxbow.kernel.accounts.models import KeyPair
from oxbow.kernel.accounts.store import AccountStore
from oxbow.kernel.database import DatabaseUnavailableError

FRESH_SECONDS = 1.0  # What another process changed counts here after at most this long ...
PATIENCE_SECONDS = 0.5  # ... unless the database takes longer than this to tell; then what is known counts.


class KeyRing:
    """Finds key pairs by their access key.

    What this process changes is known at once (it calls :meth:`refresh`), and what others change within
    ``FRESH_SECONDS``.  While the database is away, the keys known last go on working.
    """

    def __init__(self, store: AccountStore, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._clock = clock
        self._pairs: dict[str, KeyPair] | None = None
        self._next_look = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()

    async def find(self, access_key: str) -> KeyPair | None:
        """The pair, enabled or not, or None.

        :raises DatabaseUnavailableError: only while the keys have never been read.
        """
        if self._clock() >= self._next_look:
            await self._look()
        if self._pairs is None:
            raise DatabaseUnavailableError
        return self._pairs.get(access_key)

    async def signing(self, account: int) -> KeyPair | None:
        """The pair that signs what we send in the account's name: its oldest enabled one.

        :raises DatabaseUnavailableError: only while the keys have never been read.
        """
        if self._clock() >= self._next_look:
            await self._look()
        pairs = (self._pairs or {}).values()
        own = [pair for pair in pairs if pair.account.id == account and pair.enabled]
        return min(own, key=lambda pair: (pair.created_at, pair.access_key), default=None)

    async def refresh(self) -> None:
        """Read all key pairs now."""
        # One at a time, or a slow earlier read would put back what a later one has seen changed.
        async with self._reading:
            self._pairs = {pair.access_key: pair for pair in await self._store.keys()}
            self._wait_before_the_next()

    async def _look(self) -> None:
        """Refresh, once however many ask, and not for longer than a signature check may wait."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._refresh_or_keep())
        known = self._pairs is not None
        await asyncio.wait([self._looking], timeout=PATIENCE_SECONDS if known else None)
        if self._looking is not None:
            self._wait_before_the_next()

    async def _refresh_or_keep(self) -> None:
        try:
            await self.refresh()
        except DatabaseUnavailableError:
            self._wait_before_the_next()
        finally:
            self._looking = None

    def _wait_before_the_next(self) -> None:
        self._next_look = self._clock() + FRESH_SECONDS
