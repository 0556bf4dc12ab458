"""The key pairs in memory, so that checking a signature does not wait for the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from oxbow.kernel.accounts.models import KeyPair
from oxbow.kernel.accounts.store import AccountStore
from oxbow.kernel.database import Remembered


class KeyRing:
    """Finds key pairs, those of accounts and of users, by their access key."""

    def __init__(self, store: AccountStore, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._pairs = Remembered(self._read, clock)

    async def find(self, access_key: str) -> KeyPair | None:
        """The pair, enabled or not, or None; that of a disabled user is disabled.

        :raises DatabaseUnavailableError: only while the keys have never been read.
        """
        return (await self._pairs.get()).get(access_key)

    async def signing(self, account: int) -> KeyPair | None:
        """The pair that signs what we send in the account's name: its own oldest enabled one, no user's.

        :raises DatabaseUnavailableError: only while the keys have never been read.
        """
        pairs = [pair for pair in (await self._pairs.get()).values() if pair.user is None]
        own = [pair for pair in pairs if pair.account.id == account and pair.enabled]
        return min(own, key=lambda pair: (pair.created_at, pair.access_key), default=None)

    async def refresh(self) -> None:
        """Read all key pairs now."""
        await self._pairs.refresh()

    async def _read(self) -> dict[str, KeyPair]:
        return {pair.access_key: _effective(pair) for pair in await self._store.keys()}


def _effective(pair: KeyPair) -> KeyPair:
    return pair if pair.user is None or pair.user.enabled else replace(pair, enabled=False)
