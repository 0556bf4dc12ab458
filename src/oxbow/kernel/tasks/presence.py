"""Which servers of a shared database are alive.

Clocks of different machines don't agree, so no moment is compared: each server counts upwards, and one whose
number has not moved for long enough, by the watcher's own clock, is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import delete, select, update

from oxbow.kernel.database import Database
from oxbow.kernel.tasks.tables import TaskServerRow


class Presence:
    """This server's heartbeat, and what it sees of the others'.

    :param clock: monotonic seconds.
    """

    def __init__(
        self, database: Database, name: str, patience: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._name = name
        self._patience = patience
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    async def beat(self) -> None:
        """Say that this server lives."""
        mine = TaskServerRow.name == self._name
        async with self._database.session() as session:
            found = await session.scalar(
                update(TaskServerRow)
                .where(mine)
                .values(beat=TaskServerRow.beat + 1)
                .returning(TaskServerRow.beat)
            )
            if found is None:
                session.add(TaskServerRow(name=self._name, beat=1))

    async def gone(self) -> list[str]:
        """Servers that have been silent for too long."""
        async with self._database.session(readonly=True) as session:
            rows = await session.execute(select(TaskServerRow.name, TaskServerRow.beat))
            beats = {name: beat for name, beat in rows if name != self._name}
        now = self._clock()
        before, self._seen = self._seen, {}
        for name, beat in beats.items():
            known = before.get(name)
            self._seen[name] = known if known is not None and known[0] == beat else (beat, now)
        return [name for name, (_, since) in self._seen.items() if now - since >= self._patience]

    async def forget(self, name: str) -> None:
        """Its tasks are taken care of; it is a new server should it come back."""
        async with self._database.session() as session:
            await session.execute(delete(TaskServerRow).where(TaskServerRow.name == name))
        self._seen.pop(name, None)
