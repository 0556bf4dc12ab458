"""What a task is: plain data, and the rules of its life. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oxbow.kernel.tasks.context import TaskContext

Work = Callable[["TaskContext"], Awaitable[None]]


class TaskState(StrEnum):
    """Where a task stands; the values are what the API shows."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    ROLLING_BACK = "rollingBack"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolledBack"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens unless somebody asks for it."""
        return self in ENDED


ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.ROLLED_BACK})


@dataclass(frozen=True)
class TaskKind:
    """A sort of work: how it is done, undone, queued, and how long it may take.

    An attempt that raises, or is not done `deadline_seconds` after it began, has failed. The next one begins
    after `backoff_seconds`, doubled each time. After the last one `rollback` runs, under the same rules.
    """

    name: str
    """`live.bind_domain`: the room, and what is done."""
    description: str
    """One line for people."""
    run: Work
    rollback: Work | None = None
    queue: str = "default"
    """Kinds of one queue share its places."""
    concurrency: int = 4
    """How many tasks of the queue run at a time, on all servers of the database together; one that waits
    gives up its place meanwhile."""
    deadline_seconds: float = 600.0
    """How long one attempt may take, waiting included."""
    attempts: int = 3
    backoff_seconds: float = 5.0
    about: Callable[[Mapping[str, Any]], str] = lambda arguments: ""
    """What a task with these arguments concerns, such as `hub/live`; users who may do something about that
    may do it about the task. Empty for what concerns a whole account."""
    every_seconds: float | None = None
    """Start one by itself in every such stretch of the clock; on several servers one of them does."""


@dataclass(frozen=True)
class Queue:
    """So many tasks of its kinds run at a time, on all servers together; one that waits does not count."""

    name: str
    places: int


@dataclass(frozen=True)
class Task:
    """One piece of work, as people see it and as the database keeps it."""

    id: str
    kind: str
    account: int
    subject: str
    """What it is about: a domain, a hub, a stream."""
    arguments: dict[str, Any]
    """JSON, for the kind's eyes only: they may hold a secret."""
    state: TaskState
    created_at: float
    updated_at: float
    run_at: float
    """When it may begin, or when its next attempt may."""
    progress: float = 0.0
    """0 to 1."""
    note: str = ""
    waits_for: str = ""
    waiting_since: float | None = None
    deadline: float | None = None
    """When the present attempt has failed; None while none runs."""
    attempt: int = 0
    """How many attempts were begun."""
    attempt_limit: int = 1
    error: str = ""
    """Why the last attempt, or the last rollback, failed."""
    started_at: float | None = None
    finished_at: float | None = None
    cancelling: bool = False
    server: str = ""
    """Which server runs it, or ran it last."""
    turn: int = 0
    """Grows with everything the task is queued for; names one execution of one attempt or rollback."""
    handed: bool = False
    """Whether the task has a place, or has ended: nobody need care for it."""
    lease: str = ""
    """Names the run of this turn that counts; empty while none does."""
    runs: int = 0
    """How often this turn was begun since it paused last: more than once only if a server died."""
    rollbacks: int = 0
    """How often the rollback was tried and failed."""

    @property
    def execution(self) -> str:
        """The name of the present turn."""
        return f"{self.id}.{self.turn}"
