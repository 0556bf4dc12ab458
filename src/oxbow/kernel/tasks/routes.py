"""Seeing tasks and steering them over HTTP, an extension in the dialect's style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.principal import Principal
from oxbow.kernel.gateway.query import query_integer, query_text
from oxbow.kernel.gateway.signature import Authenticated
from oxbow.kernel.iam.actions import by_subject
from oxbow.kernel.tasks.errors import TaskNotFound
from oxbow.kernel.tasks.models import Task, TaskState
from oxbow.kernel.tasks.service import SUBJECT_LENGTH, TaskService

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
KIND_LENGTH, ID_LENGTH = 64, 32
PARAMETERS = ("kind", "state", "subject", "marker", "limit")
_NAMES = ", ".join(PARAMETERS)


def tasks_router(tasks: TaskService) -> APIRouter:
    """An account's own tasks; somebody else's are not found, nor what a user may not see."""
    router = APIRouter(prefix="/v2/tasks", tags=["tasks", "extension"])

    async def one(who: Principal, task: str) -> Task:
        found = await tasks.get(_id(task), who.account.id)
        if not who.may_about(tasks.about(found)):
            raise TaskNotFound
        return found

    @router.get("", summary="Tasks, the newest first")
    @by_subject
    async def list_tasks(who: Authenticated, request: Request) -> dict[str, Any]:
        query = request.query_params
        _refuse_unknown(query)
        limit = query_integer(query, "limit", 0, MAX_LIMIT) or DEFAULT_LIMIT
        found = await tasks.list(
            who.account.id,
            kind=query_text(query, "kind", KIND_LENGTH) or None,
            state=_state(query),
            subject=query_text(query, "subject", SUBJECT_LENGTH) or None,
            marker=query_text(query, "marker", ID_LENGTH),
            limit=limit,
        )
        return {
            "items": [shown(task) for task in found if who.may_about(tasks.about(task))],
            "marker": found[-1].id if len(found) == limit else "",
        }

    @router.get("/{task}", summary="A task: how far it is, and what it waits for")
    @by_subject
    async def get_task(who: Authenticated, task: str) -> dict[str, Any]:
        return shown(await one(who, task))

    @router.post("/{task}/retry", summary="Try a task again")
    @by_subject
    async def retry_task(who: Authenticated, task: str) -> dict[str, Any]:
        return shown(await tasks.retry((await one(who, task)).id))

    @router.post("/{task}/cancel", summary="End a task, and undo what it did")
    @by_subject
    async def cancel_task(who: Authenticated, task: str) -> dict[str, Any]:
        return shown(await tasks.cancel((await one(who, task)).id))

    return router


def shown(task: Task) -> dict[str, Any]:
    """A task as the API shows it; moments are Unix seconds, 0 for what is not the case."""
    return {
        "id": task.id,
        "kind": task.kind,
        "subject": task.subject,
        "state": str(task.state),
        "cancelling": task.cancelling,
        "progress": task.progress,
        "note": task.note,
        "waitsFor": task.waits_for,
        "waitingSince": _moment(task.waiting_since),
        "deadline": _moment(task.deadline),
        "attempts": task.attempt,
        "maxAttempts": task.attempt_limit,
        "nextAttemptAt": _moment(None if task.state.ended or task.lease else task.run_at),
        "error": task.error,
        "server": task.server,
        "createdAt": _moment(task.created_at),
        "startedAt": _moment(task.started_at),
        "updatedAt": _moment(task.updated_at),
        "finishedAt": _moment(task.finished_at),
    }


def _moment(seconds: float | None) -> int:
    return int(seconds or 0)


def _id(text: str) -> str:
    """Zero bytes and the like are no id of ours, and PostgreSQL would not compare with them."""
    return text if len(text) <= ID_LENGTH and text.isalnum() else ""


def _state(query: Mapping[str, str]) -> TaskState | None:
    value = query.get("state", "")
    if value and value not in list(TaskState):
        raise ApiError(400, f"state: must be one of {', '.join(TaskState)}")
    return TaskState(value) if value else None


def _refuse_unknown(query: Mapping[str, str]) -> None:
    for name in query:
        if name not in PARAMETERS:
            raise ApiError(400, f"{name[:64]}: is not a parameter of this request, which takes {_NAMES}")
