"""The rules of a task's life."""

from dataclasses import replace

import pytest

from oxbow.kernel.tasks import Task, TaskContext, TaskKind, TaskState
from oxbow.kernel.tasks.rules import after_cancel, after_failure, after_pause, after_retry, after_success

NOW = 1_700_000_000.0


async def nothing(context: TaskContext) -> None:
    """A kind that has nothing to do."""


PLAIN = TaskKind("test.plain", "Cannot be undone", nothing, attempts=3, backoff_seconds=5.0)
UNDOABLE = replace(PLAIN, name="test.undoable", rollback=nothing)


def running(**changes: object) -> Task:
    task = Task("1", "test", 1, "", {}, TaskState.RUNNING, 0, 0, 0, attempt=1, attempt_limit=3, turn=7)
    return replace(task, lease="held", deadline=NOW + 60, waits_for="it", waiting_since=NOW, **changes)


def test_success_ends_it():
    task = after_success(running(error="of the first attempt", progress=0.4), NOW)
    assert (task.state, task.progress, task.error, task.finished_at) == (TaskState.SUCCEEDED, 1.0, "", NOW)


def test_whatever_follows_is_a_turn_of_its_own_and_waits_for_nothing():
    for task in (after_success(running(), NOW), after_failure(running(), PLAIN, "no", NOW)):
        assert task.turn == 8
        assert (task.lease, task.deadline, task.waits_for, task.waiting_since) == ("", None, "", None)


@pytest.mark.parametrize(("attempt", "pause"), [(1, 5), (2, 10)])
def test_a_failure_is_followed_by_another_attempt_after_a_pause_that_doubles(attempt: int, pause: float):
    task = after_failure(running(attempt=attempt), PLAIN, "broken", NOW)
    assert (task.state, task.run_at, task.error) == (TaskState.QUEUED, NOW + pause, "broken")
    assert not task.handed


def test_the_pause_has_an_end():
    patient = replace(PLAIN, attempts=99)
    assert after_failure(running(attempt=80, attempt_limit=99), patient, "", NOW).run_at == NOW + 3600


def test_the_last_failure_ends_it_where_nothing_can_be_undone():
    task = after_failure(running(attempt=3), PLAIN, "broken", NOW)
    assert (task.state, task.error, task.finished_at) == (TaskState.FAILED, "broken", NOW)


def test_the_last_failure_is_followed_by_the_rollback():
    task = after_failure(running(attempt=3), UNDOABLE, "broken", NOW)
    assert (task.state, task.run_at, task.finished_at) == (TaskState.ROLLING_BACK, NOW, None)
    undone = after_success(task, NOW + 1)
    assert (undone.state, undone.error) == (TaskState.ROLLED_BACK, "broken")


def test_what_is_of_no_use_is_not_tried_again():
    assert after_failure(running(), PLAIN, "no such domain", NOW, permanent=True).state is TaskState.FAILED
    task = after_failure(running(), UNDOABLE, "no such domain", NOW, permanent=True)
    assert task.state is TaskState.ROLLING_BACK


def test_a_rollback_is_tried_as_often_as_the_task_was():
    task = after_failure(running(attempt=3), UNDOABLE, "broken", NOW)
    for pause in (5, 10):
        task = after_failure(task, UNDOABLE, "can't", NOW)
        assert (task.state, task.run_at) == (TaskState.ROLLING_BACK, NOW + pause)
    task = after_failure(task, UNDOABLE, "can't", NOW)
    assert (task.state, task.error) == (TaskState.FAILED, "the rollback failed: can't")


def test_a_pause_gives_up_the_place_and_keeps_the_rest():
    task = after_pause(running(runs=3), NOW + 5, NOW)
    assert (task.lease, task.handed, task.run_at, task.runs) == ("", False, NOW + 5, 0)
    assert (task.turn, task.deadline, task.waits_for, task.waiting_since) == (7, NOW + 60, "it", NOW)


def test_a_pause_ends_at_the_deadline():
    assert after_pause(running(), NOW + 3600, NOW).run_at == NOW + 60


def test_cancelling_what_has_not_begun_ends_it():
    task = after_cancel(running(state=TaskState.QUEUED, attempt=0), UNDOABLE, NOW)
    assert (task.state, task.handed) == (TaskState.CANCELLED, True)


def test_cancelling_what_has_begun_undoes_it():
    task = after_cancel(running(), UNDOABLE, NOW)
    assert task.state is TaskState.ROLLING_BACK
    assert after_success(task, NOW).state is TaskState.CANCELLED
    assert after_cancel(running(), PLAIN, NOW).state is TaskState.CANCELLED


def test_a_failure_after_it_was_cancelled_is_not_tried_again():
    assert after_failure(running(cancelling=True), PLAIN, "broken", NOW).state is TaskState.CANCELLED


def test_a_retry_has_as_many_attempts_as_at_first():
    failed = after_failure(running(attempt=3), PLAIN, "broken", NOW)
    again = after_retry(failed, PLAIN.attempts, NOW)
    assert (again.state, again.attempt, again.attempt_limit) == (TaskState.QUEUED, 3, 6)
    assert (again.finished_at, again.run_at) == (None, NOW)
    assert after_failure(replace(again, attempt=4), PLAIN, "broken", NOW).run_at == NOW + 5


def test_long_errors_are_cut():
    assert len(after_failure(running(attempt=3), PLAIN, "x" * 5000, NOW).error) == 1000
