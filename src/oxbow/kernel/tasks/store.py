"""Tasks in the database: the only SQL about them. What the engine knows besides is its own business."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.audit import record
from oxbow.kernel.database import Database
from oxbow.kernel.tasks.models import ENDED, Task, TaskState
from oxbow.kernel.tasks.tables import TaskRow

FORGET_AT_ONCE = 1000


class TaskStore:
    """Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, task: Task, key: str | None) -> Task:
        """Keep a new task; if its account has one of its kind and key, that one is returned instead."""
        try:
            async with self._database.session() as session:
                known = await session.scalar(_with_key(task, key)) if key is not None else None
                if known is not None:
                    return task_of(known)
                session.add(TaskRow(key=key, **_columns_of(task)))
                return task
        except IntegrityError:  # Another server was faster.
            async with self._database.session(readonly=True) as session:
                return task_of((await session.scalars(_with_key(task, key))).one())

    @staticmethod
    def add_within(session: AsyncSession, task: Task) -> None:
        """Keep a new task if the transaction is committed."""
        session.add(TaskRow(key=None, **_columns_of(task)))

    async def find(self, id: str) -> Task | None:
        async with self._database.session(readonly=True) as session:
            row = await session.get(TaskRow, id)
            return task_of(row) if row is not None else None

    async def page(self, account: int, *, before: str, limit: int, **wanted: str | None) -> list[Task]:
        """An account's tasks, newest first, behind the id `before`; `wanted` are columns and their values."""
        query = select(TaskRow).where(TaskRow.account == account).order_by(TaskRow.id.desc()).limit(limit)
        if before:
            query = query.where(TaskRow.id < before)
        for column, value in wanted.items():
            if value is not None:
                query = query.where(getattr(TaskRow, column) == value)
        async with self._database.session(readonly=True) as session:
            return [task_of(row) for row in await session.scalars(query)]

    async def due(self, now: float, limit: int) -> list[Task]:
        """Tasks the engine has to be told of."""
        query = (
            select(TaskRow)
            .where(~TaskRow.handed, TaskRow.run_at <= now)
            .order_by(TaskRow.run_at)
            .limit(limit)
        )
        async with self._database.session(readonly=True) as session:
            return [task_of(row) for row in await session.scalars(query)]

    async def mark_handed(self, tasks: Iterable[Task]) -> None:
        """The engine knows of these turns now."""
        turns = [(task.id, task.turn) for task in tasks]
        statement = update(TaskRow).where(tuple_(TaskRow.id, TaskRow.turn).in_(turns)).values(handed=True)
        async with self._database.session() as session:
            await session.execute(statement)

    async def claim(
        self, id: str, turn: int, *, lease: str, server: str, now: float, deadline_seconds: float
    ) -> Task | None:
        """Begin a turn, or begin it anew after its server died; None if it is not the task's present one.

        A run that holds an older lease has no say any more from here on.
        """
        async with self._database.session() as session:
            row = await session.get(TaskRow, id, with_for_update=True)
            if row is None or row.turn != turn or TaskState(row.state) in ENDED:
                return None
            if row.state != TaskState.ROLLING_BACK:
                row.attempt += row.runs == 0
                row.state = TaskState.RUNNING
            row.runs += 1
            row.lease, row.server, row.handed = lease, server, True
            row.deadline = row.deadline or now + deadline_seconds
            row.started_at = row.started_at or now
            row.updated_at = now
            return task_of(row)

    async def holds(self, task: Task) -> bool:
        """Whether the lease is still the one that counts."""
        async with self._database.session(readonly=True) as session:
            return (await session.scalar(select(TaskRow.lease).where(TaskRow.id == task.id))) == task.lease

    async def change(self, before: Task, after: Task, *, audited: bool = False) -> bool:
        """Write what differs, unless the task has moved on since `before` was read.

        :param audited: somebody wants it so, and it is to be found in the audit.
        """
        old, new = _columns_of(before), _columns_of(after)
        changes = {name: value for name, value in new.items() if value != old[name]}
        statement = (
            update(TaskRow)
            .where(TaskRow.id == before.id, TaskRow.turn == before.turn, TaskRow.lease == before.lease)
            .values(**changes)
        )
        async with self._database.session() as session:
            done = cast("CursorResult[Any]", await session.execute(statement)).rowcount == 1
            if done and audited:
                record(
                    session, f"task/{before.id}", _steered(before), _steered(after), account=before.account
                )
            return done

    async def leased_to(self, server: str) -> list[Task]:
        """The tasks that a server runs, as far as the database knows."""
        query = select(TaskRow).where(TaskRow.server == server, TaskRow.lease != "")
        async with self._database.session(readonly=True) as session:
            return [task_of(row) for row in await session.scalars(query)]

    async def counts(self) -> Sequence[tuple[str, str, int, float | None]]:
        """Of each kind and state: how many there are, and since when the oldest waits."""
        query = select(TaskRow.kind, TaskRow.state, func.count(), func.min(TaskRow.waiting_since)).group_by(
            TaskRow.kind, TaskRow.state
        )
        async with self._database.session(readonly=True) as session:
            return [(kind, state, count, since) for kind, state, count, since in await session.execute(query)]

    async def forget(self, before: float) -> int:
        """Delete tasks that ended before a moment, so many at a time; how many."""
        old = select(TaskRow.id).where(TaskRow.finished_at < before).limit(FORGET_AT_ONCE)
        async with self._database.session() as session:
            result = await session.execute(delete(TaskRow).where(TaskRow.id.in_(old)))
            return cast("CursorResult[Any]", result).rowcount


def task_of(row: TaskRow) -> Task:
    values = {item.name: getattr(row, item.name) for item in fields(Task)}
    return Task(**values | {"arguments": json.loads(row.arguments), "state": TaskState(row.state)})


def _columns_of(task: Task) -> dict[str, Any]:
    values = {item.name: getattr(task, item.name) for item in fields(Task)}
    return values | {"arguments": json.dumps(task.arguments), "state": str(task.state)}


def _steered(task: Task) -> dict[str, Any]:
    return {"state": str(task.state), "cancelling": task.cancelling, "attempt_limit": task.attempt_limit}


def _with_key(task: Task, key: str | None) -> Any:
    return select(TaskRow).where(
        TaskRow.kind == task.kind, TaskRow.account == task.account, TaskRow.key == key
    )
