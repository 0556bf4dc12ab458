"""What can be done with accounts and key pairs."""

from __future__ import annotations

import time
from collections.abc import Callable

from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.accounts.models import ROOT, Account, KeyPair, new_key
from oxbow.kernel.accounts.store import AccountStore
from oxbow.kernel.logs import get_logger
from oxbow.kernel.settings import KernelSettings

log = get_logger(__name__)


class AccountService:
    """The use cases; a change counts in this process as soon as its method returns."""

    def __init__(self, store: AccountStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self.ring = KeyRing(store)

    async def open(self, settings: KernelSettings) -> Account:
        """See to it that the root account exists and can sign; call it once the database is migrated.

        The pair in the settings, if any, is added, or updated and enabled: who can write the settings can get
        back in.  Without one, and with no pair in the database, a random pair is made.
        """
        root = await self._store.ensure_account(ROOT, self._now())
        if settings.root_access_key and settings.root_secret_key:
            await self._put_configured(
                root, settings.root_access_key, settings.root_secret_key.get_secret_value()
            )
        else:
            pair = self._new_pair(root, "made at the first start")
            if await self._store.add_first(pair):
                log.info("root_key_created", access_key=pair.access_key)
        await self.ring.refresh()
        return root

    async def root(self) -> Account:
        """The root account."""
        return await self._store.ensure_account(ROOT, self._now())

    async def keys(self, account: Account) -> list[KeyPair]:
        """The account's key pairs, the oldest first, secrets included."""
        return await self._store.keys(account)

    async def create_key(self, account: Account, note: str = "") -> KeyPair:
        """Make a new, enabled pair."""
        pair = self._new_pair(account, note)
        await self._store.add(pair)
        await self.ring.refresh()
        return pair

    async def set_enabled(self, account: Account, access_key: str, enabled: bool) -> None:
        """Enable or disable a pair; the last enabled one cannot be disabled."""
        await self._store.set_enabled(account, access_key, enabled)
        await self._changed("enabled" if enabled else "disabled", access_key)

    async def delete_key(self, account: Account, access_key: str) -> None:
        """Delete a pair for good; the last enabled one cannot be deleted."""
        await self._store.delete(account, access_key)
        await self._changed("deleted", access_key)

    def _new_pair(self, account: Account, note: str) -> KeyPair:
        return KeyPair(new_key(), new_key(), account, enabled=True, note=note, created_at=self._now())

    async def _put_configured(self, root: Account, access_key: str, secret_key: str) -> None:
        known = {pair.access_key: pair for pair in await self._store.keys()}.get(access_key)
        note, created_at = (known.note, known.created_at) if known else ("from the settings", self._now())
        await self._store.put(KeyPair(access_key, secret_key, root, True, note, created_at))

    async def _changed(self, what: str, access_key: str) -> None:
        await self.ring.refresh()
        log.info(f"key_{what}", access_key=access_key)

    def _now(self) -> int:
        return int(self._clock())
