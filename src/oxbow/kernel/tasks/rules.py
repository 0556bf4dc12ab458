"""The rules of a task's life: what becomes of it when its present turn ends, without I/O.

A turn is one execution of one attempt, or of the rollback. Ending it begins the next one, or ends the task.
"""

from __future__ import annotations

from dataclasses import replace

from oxbow.kernel.tasks.models import Task, TaskKind, TaskState

MAX_BACKOFF_SECONDS = 3600.0
MAX_RUNS = 10
"""How often one turn is begun anew because its server died, until the turn itself is suspected of that."""
ERROR_LENGTH = 1000
_DOUBLINGS = 30


def after_success(task: Task, now: float) -> Task:
    """The turn has done its work."""
    if task.state is TaskState.ROLLING_BACK:
        return _ended(task, TaskState.CANCELLED if task.cancelling else TaskState.ROLLED_BACK, now)
    return replace(_ended(task, TaskState.SUCCEEDED, now), progress=1.0, error="")


def after_failure(task: Task, kind: TaskKind, error: str, now: float, *, permanent: bool = False) -> Task:
    """The turn has failed: another attempt, the rollback, or the end."""
    failed = replace(task, error=error[:ERROR_LENGTH])
    if task.state is TaskState.ROLLING_BACK:
        return _after_failed_rollback(failed, kind, now)
    if task.attempt < task.attempt_limit and not permanent and not task.cancelling:
        failures = task.attempt - (task.attempt_limit - kind.attempts) - 1
        return _next_turn(failed, TaskState.QUEUED, now + _backoff(kind, failures), now)
    return _given_up(failed, kind, now)


def after_pause(task: Task, until: float, now: float) -> Task:
    """The turn gives up its place, and goes on later; its deadline stays, and is not slept through."""
    run_at = min(until, task.deadline or until)
    # A server that died while it ran is forgiven: what could pause is not what kills servers.
    return replace(task, run_at=run_at, updated_at=now, lease="", handed=False, runs=0)


def anew(task: Task) -> Task:
    """The engine's records of the turn are no use: another turn of the attempt, with nothing recorded."""
    return replace(task, turn=task.turn + 1, lease="", handed=False)


def after_cancel(task: Task, kind: TaskKind | None, now: float) -> Task:
    """Somebody wants the task gone, and it does not run, or runs no more."""
    cancelled = replace(task, cancelling=True)
    if task.attempt == 0 or kind is None:
        return _ended(cancelled, TaskState.CANCELLED, now)
    return _given_up(cancelled, kind, now)


def after_retry(task: Task, attempts: int, now: float) -> Task:
    """Somebody wants the task tried again: from now on, and as often as at first."""
    fresh = replace(
        task,
        attempt_limit=task.attempt + attempts,
        cancelling=False,
        rollbacks=0,
        progress=0.0,
        note="",
        finished_at=None,
    )
    return _next_turn(fresh, TaskState.QUEUED, now, now)


def of_no_kind(task: Task, now: float) -> Task:
    """This server knows no such kind: a newer one made it, or an older one."""
    return replace(_ended(task, TaskState.FAILED, now), error=f"this version knows no task {task.kind}")


def _after_failed_rollback(task: Task, kind: TaskKind, now: float) -> Task:
    task = replace(task, rollbacks=task.rollbacks + 1)
    if task.rollbacks < kind.attempts:
        return _next_turn(task, TaskState.ROLLING_BACK, now + _backoff(kind, task.rollbacks - 1), now)
    error = f"the rollback failed: {task.error}"[:ERROR_LENGTH]
    return replace(_ended(task, TaskState.FAILED, now), error=error)


def _given_up(task: Task, kind: TaskKind, now: float) -> Task:
    if kind.rollback is None:
        return _ended(task, TaskState.CANCELLED if task.cancelling else TaskState.FAILED, now)
    return _next_turn(replace(task, rollbacks=0), TaskState.ROLLING_BACK, now, now)


def _next_turn(task: Task, state: TaskState, run_at: float, now: float) -> Task:
    return replace(_idle(task, now), state=state, turn=task.turn + 1, run_at=run_at, handed=False, runs=0)


def _ended(task: Task, state: TaskState, now: float) -> Task:
    # A turn of its own, which nobody executes: what the engine may still hold of the last one is void.
    return replace(_idle(task, now), state=state, turn=task.turn + 1, finished_at=now, handed=True)


def _idle(task: Task, now: float) -> Task:
    return replace(task, updated_at=now, waits_for="", waiting_since=None, deadline=None, lease="")


def _backoff(kind: TaskKind, failures: int) -> float:
    return min(kind.backoff_seconds * 2.0 ** min(max(failures, 0), _DOUBLINGS), MAX_BACKOFF_SECONDS)
