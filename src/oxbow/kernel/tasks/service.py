"""Durable tasks: what rooms and the API ask for."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database
from oxbow.kernel.settings.tasks import TaskSettings
from oxbow.kernel.tasks import rules
from oxbow.kernel.tasks.crash import arm
from oxbow.kernel.tasks.engine_on_demand import EngineOnDemand
from oxbow.kernel.tasks.errors import TaskNotFound, TaskRefused
from oxbow.kernel.tasks.keeper import Counts, Keeper
from oxbow.kernel.tasks.models import Queue, Task, TaskKind, TaskState
from oxbow.kernel.tasks.presence import Presence
from oxbow.kernel.tasks.runner import Runner
from oxbow.kernel.tasks.store import TaskStore

SUBJECT_LENGTH = 512
KEY_LENGTH = 200
ORPHANS = Queue("tasks of no kind", 4)


class TaskService:
    """Kinds are registered before `open`; tasks may be started at any time, and run once it is open.

    :param server: the name of this server among those that share the database; the same at its next start.
    """

    settings_section = TaskSettings

    def __init__(self, settings: TaskSettings, database: Database, *, server: str) -> None:
        self._settings = settings
        self._database = database
        self._server = server
        self._kinds: dict[str, TaskKind] = {}
        self._store = TaskStore(database)
        self._runner = Runner(self._store, self._kinds, server, self._poke)
        self._stretches: dict[str, int] = {}
        self._engine = EngineOnDemand(database.url, server, self._runner.execute)
        self._keeper = self._new_keeper()
        self._running: asyncio.Task[None] | None = None
        self._account = 0

    def register(self, kind: TaskKind) -> None:
        """Make a kind known; ValueError for a name that is taken, or a queue of another size."""
        if kind.name in self._kinds:
            raise ValueError(f"task kind {kind.name} is registered already")
        if any(known.queue == kind.queue and known.concurrency != kind.concurrency for known in self.kinds):
            raise ValueError(f"the kinds of queue {kind.queue} must agree on its concurrency")
        self._kinds[kind.name] = kind

    @property
    def kinds(self) -> Iterable[TaskKind]:
        """All that are registered."""
        return self._kinds.values()

    @property
    def counts(self) -> Counts:
        """Of each kind and state: how many there are, and since when the oldest waits; some seconds old."""
        return self._keeper.counts

    async def open(self, account: int) -> None:
        """Begin to run tasks, in the background: to start the engine may take a second.

        :param account: whose the tasks are that start by themselves.
        """
        arm(self._settings.crash_dir)
        self._account = account
        self._running = asyncio.create_task(self._keeper.run(), name="tasks")

    async def close(self) -> None:
        """Stop. What runs is begun again at the next start."""
        if self._running is None:
            return
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self._runner.close()
        await self._engine.close()

    async def start(
        self,
        kind: str,
        *,
        account: int,
        subject: str,
        arguments: Mapping[str, Any] | None = None,
        key: str | None = None,
        at: float | None = None,
    ) -> Task:
        """Record a task that will run, whatever happens to this process once this returns.

        :param arguments: JSON; what the kind needs to know.
        :param key: if the account has a task of this kind with the same key, ended or not, it is returned.
        :param at: when it may begin, in Unix seconds; at once by default.
        """
        added = await self._store.add(self._new(kind, account, subject, arguments, at), key)
        self._poke()
        return added

    def start_within(
        self,
        session: AsyncSession,
        kind: str,
        *,
        account: int,
        subject: str,
        arguments: Mapping[str, Any] | None = None,
    ) -> Task:
        """Record a task in somebody's transaction: it will run if that is committed, and was never if not."""
        task = self._new(kind, account, subject, arguments, None)
        TaskStore.add_within(session, task)
        return task

    def _new(
        self, kind: str, account: int, subject: str, arguments: Mapping[str, Any] | None, at: float | None
    ) -> Task:
        now = time.time()
        return Task(
            id=_new_id(now),
            kind=kind,
            account=account,
            subject=subject[:SUBJECT_LENGTH],
            arguments=dict(arguments or {}),
            state=TaskState.QUEUED,
            created_at=now,
            updated_at=now,
            run_at=now if at is None else at,
            attempt_limit=self._kinds[kind].attempts,
        )

    async def get(self, id: str, account: int | None = None) -> Task:
        """One task; TaskNotFound, also if it is not the account's."""
        task = await self._store.find(id)
        if task is None or account not in (None, task.account):
            raise TaskNotFound
        return task

    def about(self, task: Task) -> str:
        """What a task concerns, such as `hub/live`; empty if that is a whole account."""
        kind = self._kinds.get(task.kind)
        return kind.about(task.arguments) if kind is not None else ""

    async def list(
        self,
        account: int,
        *,
        kind: str | None = None,
        state: TaskState | None = None,
        subject: str | None = None,
        marker: str = "",
        limit: int = 100,
    ) -> Sequence[Task]:
        """An account's tasks, newest first; `marker` is the id of the last one of the page before."""
        return await self._store.page(
            account, before=marker, limit=limit, kind=kind, state=state, subject=subject
        )

    async def retry(self, id: str, account: int | None = None) -> Task:
        """Try a task again that ended without success, or try one at once that waits for its next attempt.

        :raises TaskRefused: for one that runs, or that succeeded.
        """
        task = await self.get(id, account)
        if task.state is TaskState.SUCCEEDED:
            raise TaskRefused("the task has succeeded")
        if task.state.ended:
            after = rules.after_retry(task, self._attempts(task), time.time())
        elif task.lease:
            raise TaskRefused("the task is running")
        else:
            after = replace(task, run_at=min(task.run_at, time.time()), updated_at=time.time())
        return await self._change(task, after)

    async def cancel(self, id: str, account: int | None = None) -> Task:
        """End a task: one that has begun is undone where its kind can do that.

        :raises TaskRefused: for one that has ended, or is being undone.
        """
        task = await self.get(id, account)
        if task.state.ended:
            raise TaskRefused(f"the task has ended: {task.state}")
        if task.state is TaskState.ROLLING_BACK:
            raise TaskRefused("the task is being rolled back")
        if not task.lease:
            return await self._change(task, rules.after_cancel(task, self._kinds.get(task.kind), time.time()))
        changed = await self._change(task, replace(task, cancelling=True, updated_at=time.time()))
        self._runner.cancel(task.lease)
        return changed

    async def _change(self, before: Task, after: Task) -> Task:
        if not await self._store.change(before, after, audited=True):
            raise TaskRefused("the task has moved on meanwhile, look at it again")
        self._poke()
        return after

    async def _start_periodic(self) -> None:
        """One task for each stretch of the clock; its key lets one of several servers be the one."""
        for kind in self._kinds.values():
            if kind.every_seconds:
                stretch = int(time.time() // kind.every_seconds)
                if self._stretches.get(kind.name) != stretch:
                    await self.start(kind.name, account=self._account, subject="", key=f"every {stretch}")
                    self._stretches[kind.name] = stretch

    def _new_keeper(self) -> Keeper:
        presence = None
        if self._database.backend == "postgresql":
            presence = Presence(self._database, self._server, self._settings.takeover_seconds)
        return Keeper(
            self._store,
            self._runner,
            self._engine,
            presence,
            server=self._server,
            settings=self._settings,
            queues=self._queues,
            start_periodic=self._start_periodic,
        )

    def _poke(self) -> None:
        self._keeper.poke()

    def _attempts(self, task: Task) -> int:
        kind = self._kinds.get(task.kind)
        return kind.attempts if kind is not None else 1

    def _queues(self, others: Iterable[str]) -> dict[str, Queue]:
        """The queue of each kind, and of others; tasks of kinds that nobody knows end soon."""
        known = {kind.name: Queue(kind.queue, kind.concurrency) for kind in self._kinds.values()}
        return dict.fromkeys(others, ORPHANS) | known


def _new_id(now: float) -> str:
    return f"{int(now * 1000):012x}{secrets.token_hex(8)}"
