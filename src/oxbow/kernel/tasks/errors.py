"""What goes wrong with tasks."""

# ruff: noqa: N818 - a refusal is named by what it says.

from __future__ import annotations

import asyncio

from oxbow.kernel.errors import ApiError


class StepFailed(Exception):
    """A step of a task failed; the text becomes the task's last error.

    A kind raises it itself to choose that text, and to say that trying again is of no use.

    :param permanent: give up now: no further attempt, only the rollback.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


class TaskNotFound(ApiError):
    """Also for a task of another account: whether it exists is that account's business."""

    def __init__(self) -> None:
        super().__init__(612, "task not found")


class TaskRefused(ApiError):
    """A task cannot be retried or cancelled in the state it is in."""

    def __init__(self, message: str) -> None:
        super().__init__(409, message)


class Superseded(asyncio.CancelledError):
    """This run is no longer the one that counts: the task was taken over, or has ended meanwhile.

    A cancellation, and not an error that could be recorded as the outcome of the step it happened in.
    """


class Paused(asyncio.CancelledError):
    """This run gives up its place, and the task goes on later; a cancellation for the same reason."""
