"""Durable tasks: long pieces of work that survive the process, and that a person can see and steer."""

from oxbow.kernel.tasks.context import TaskContext
from oxbow.kernel.tasks.crash import crash_point
from oxbow.kernel.tasks.errors import StepFailed, TaskNotFound, TaskRefused
from oxbow.kernel.tasks.models import Task, TaskKind, TaskState
from oxbow.kernel.tasks.service import TaskService

__all__ = [
    "StepFailed",
    "Task",
    "TaskContext",
    "TaskKind",
    "TaskNotFound",
    "TaskRefused",
    "TaskService",
    "TaskState",
    "crash_point",
]
