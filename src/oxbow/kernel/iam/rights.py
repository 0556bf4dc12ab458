"""What users were granted, in memory: any process that lets them do something asks here."""

from __future__ import annotations

from oxbow.kernel.accounts.models import KeyPair
from oxbow.kernel.database import Remembered
from oxbow.kernel.iam.decision import Authority, Reach, decide
from oxbow.kernel.iam.directory import Directory
from oxbow.kernel.iam.errors import NotGranted
from oxbow.kernel.iam.models import State
from oxbow.kernel.iam.store import IamStore


class Rights:
    """Users and policies as the database last told them, at most a second ago.

    While the database is away, what was known last goes on counting.
    """

    def __init__(self, store: IamStore) -> None:
        self._store = store
        self._directory = Directory(State())
        self._remembered = Remembered(self._read)

    async def _read(self) -> Directory:
        state = await self._store.load(self._directory.state)
        if state is not self._directory.state:
            self._directory = Directory(state)
        return self._directory

    async def directory(self) -> Directory:
        """Everything; DatabaseUnavailableError only while it has never been read."""
        return await self._remembered.get()

    async def of(self, user: int) -> Authority:
        """What a user was granted; raises like :meth:`directory`."""
        return (await self._remembered.get()).authority(user)

    async def demand(self, pair: KeyPair, action: str, name: str) -> None:
        """NotGranted unless whoever holds the pair may do this to the resource of this name.

        An account's own keys may do everything.
        """
        if pair.user is None:
            return
        if not decide(await self.of(pair.user.id), action, Reach.ONE, name).allowed:
            raise NotGranted(pair.account.id, action, name)

    async def refresh(self) -> None:
        """Read what has changed now."""
        await self._remembered.refresh()
