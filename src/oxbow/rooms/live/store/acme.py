"""What orders of certificates have to remember between a question to the authority and the next."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete

from oxbow.kernel.database import Database
from oxbow.rooms.live.store.certificate_tables import AcmeAccountRow, AcmeChallengeRow, AcmeKeyRow
from oxbow.rooms.live.store.rows import announce_change


class AcmeStore:
    """An order is named by the task that it is for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def account(self, directory: str, new_key: str) -> tuple[str, str]:
        """(key in PEM, URL) of the account at an authority: made with `new_key` by the first who asks."""
        async with self._database.session() as session:
            await announce_change(session)  # two servers that ask at once get one account
            row = await session.get(AcmeAccountRow, directory)
            if row is None:
                row = AcmeAccountRow(directory=directory, key_pem=new_key, url="")
                session.add(row)
            return row.key_pem, row.url

    async def registered(self, directory: str, url: str) -> None:
        """The authority knows the account."""
        async with self._database.session() as session:
            row = await session.get_one(AcmeAccountRow, directory)
            row.url = url

    async def key(self, order: str, new_key: str, now: int) -> str:
        """The certificate's private key in PEM: `new_key`, unless the order has one already."""
        async with self._database.session() as session:
            row = await session.get(AcmeKeyRow, order, with_for_update=True)
            if row is None:
                row = AcmeKeyRow(order=order, key_pem=new_key, created_at=now)
                session.add(row)
            return row.key_pem

    async def challenge(self, order: str, answers: Mapping[str, str], now: int) -> None:
        """Let every media worker give these answers, by token."""
        async with self._database.session() as session:
            await announce_change(session)
            for token, answer in answers.items():
                await session.merge(AcmeChallengeRow(token=token, order=order, answer=answer, created_at=now))

    async def forget(self, order: str) -> None:
        """The order is over: no answer and no key is kept."""
        async with self._database.session() as session:
            await announce_change(session)
            await session.execute(delete(AcmeChallengeRow).where(AcmeChallengeRow.order == order))
            await session.execute(delete(AcmeKeyRow).where(AcmeKeyRow.order == order))
