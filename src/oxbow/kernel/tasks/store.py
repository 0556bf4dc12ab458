"""Tasks in the database: the only SQL about them. What the engine knows besides is its own business."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.audit import record
from oxbow.kernel.database import Database
from oxbow.kernel.tasks.models import Queue, Task, TaskState
from oxbow.kernel.tasks.tables import TaskRow

FORGET_AT_ONCE = 1000
TAKE_AT_ONCE = 50
_ADVISORY_LOCK = 0x6F78_7461_736B  # "oxtask"


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

    async def look(self, now: float, server: str) -> tuple[set[str], list[Task]]:
        """The kinds of which tasks are due, and the tasks that have a place on a server."""
        async with self._database.session(readonly=True) as session:
            kinds = set(await session.scalars(select(TaskRow.kind).where(*_due(now)).distinct()))
            held = select(TaskRow).where(TaskRow.server == server, TaskRow.lease != "")
            return kinds, [task_of(row) for row in await session.scalars(held)]

    async def take(self, now: float, server: str, queues: Mapping[str, Queue]) -> list[Task]:
        """Give due tasks the free places of their queues, on a server; each gets a lease.

        Who has not waited yet goes before those who only want to look whether their waiting is over.

        :param queues: the queue of each kind.
        """
        taken: list[Task] = []
        async with self._database.session() as session:
            await self._one_server_at_a_time(session)
            for queue, kinds in await self._free(session, queues):
                query = (
                    select(TaskRow)
                    .where(TaskRow.kind.in_(kinds), *_due(now))
                    .order_by(TaskRow.waiting_since.is_not(None), TaskRow.run_at)
                    .limit(min(queue.places, TAKE_AT_ONCE))
                    .with_for_update()
                )
                for row in await session.scalars(query):
                    row.lease, row.server, row.handed = secrets.token_hex(16), server, True
                    taken.append(task_of(row))
        return taken

    async def _one_server_at_a_time(self, session: AsyncSession) -> None:
        """What is free must still be free when it is taken; in SQLite whoever writes is alone anyhow."""
        if self._database.backend == "postgresql":
            await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})

    @staticmethod
    async def _free(session: AsyncSession, queues: Mapping[str, Queue]) -> list[tuple[Queue, list[str]]]:
        """The queues that have free places, how many, and their kinds."""
        held = select(TaskRow.kind, func.count()).where(TaskRow.lease != "").group_by(TaskRow.kind)
        free = {queue.name: queue.places for queue in queues.values()}
        for kind, count in await session.execute(held):
            if kind in queues:
                free[queues[kind].name] -= count
        kinds: dict[str, list[str]] = {}
        for kind, queue in queues.items():
            kinds.setdefault(queue.name, []).append(kind)
        return [(Queue(name, free[name]), kinds[name]) for name in kinds if free[name] > 0]

    async def release(self, tasks: Iterable[Task]) -> None:
        """Let tasks that nobody runs any more be taken again; they go on where they were."""
        leases = [task.lease for task in tasks]
        statement = update(TaskRow).where(TaskRow.lease.in_(leases), TaskRow.lease != "")
        async with self._database.session() as session:
            await session.execute(statement.values(lease="", handed=False))

    async def begin(self, id: str, lease: str, *, now: float, deadline_seconds: float) -> Task | None:
        """Begin a turn, or go on with it after a pause or a crash; None if the lease is not the task's."""
        async with self._database.session() as session:
            row = await session.get(TaskRow, id, with_for_update=True)
            if row is None or row.lease != lease:
                return None
            if row.state != TaskState.ROLLING_BACK:
                if row.cancelling:
                    return task_of(row)
                row.attempt += row.deadline is None
                row.state = TaskState.WAITING if row.waits_for else TaskState.RUNNING
            row.runs += 1
            row.deadline = row.deadline or now + deadline_seconds
            row.started_at = row.started_at or now
            row.updated_at = now
            return task_of(row)

    async def present(self, ids: Iterable[str]) -> set[str]:
        """The present executions of these tasks."""
        query = select(TaskRow.id, TaskRow.turn).where(TaskRow.id.in_(list(ids)))
        async with self._database.session(readonly=True) as session:
            return {f"{id}.{turn}" for id, turn in await session.execute(query)}

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


def _due(now: float) -> tuple[ColumnElement[bool], ...]:
    return (~TaskRow.handed, TaskRow.run_at <= now)


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
