"""Reading and repeating callbacks: an extension in the dialect's style."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request

from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway import Authenticated, Principal
from oxbow.kernel.gateway.app import EXTENSION
from oxbow.kernel.gateway.query import query_integer, query_text
from oxbow.kernel.iam.actions import by_subject
from oxbow.kernel.webhooks.models import Delivery, DeliveryState, masked_url, masked_vars
from oxbow.kernel.webhooks.service import DeliveryNotFound, WebhookService
from oxbow.kernel.webhooks.store import DeliveryFilter

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
LONGEST_TEXT = 300


def webhooks_router(
    webhooks: WebhookService, about: Callable[[str, str], str] = lambda event, subject: ""
) -> APIRouter:
    """The delivery log of the account that asks; what a user may not see is not found.

    :param about: what an event with a subject concerns, such as `hub/live`; empty for the whole account.
    """
    router = APIRouter(prefix="/v2/webhooks/deliveries", tags=["webhooks", EXTENSION])

    def visible(who: Principal, delivery: Delivery) -> bool:
        return who.may_about(about(delivery.event, delivery.subject))

    async def one(who: Principal, id: str) -> Delivery:
        delivery = await webhooks.get(who.account.id, id)
        if not visible(who, delivery):
            raise DeliveryNotFound
        return delivery

    @router.get("", summary="List callbacks, newest first")
    @by_subject
    async def list_deliveries(who: Authenticated, request: Request) -> dict[str, Any]:
        query = request.query_params
        limit = query_integer(query, "limit", 0, MAX_LIMIT) or DEFAULT_LIMIT
        texts = (query_text(query, name, LONGEST_TEXT) for name in ("event", "subject"))
        which = DeliveryFilter(next(texts), next(texts), _state(query))
        found = await webhooks.page(who.account.id, which, query_text(query, "marker", 24), limit)
        marker = found[-1].id if len(found) == limit else ""
        return {"items": [_item(delivery) for delivery in found if visible(who, delivery)], "marker": marker}

    @router.get("/{id}", summary="A callback: what was sent, and what was answered")
    @by_subject
    async def get_delivery(who: Authenticated, id: str) -> dict[str, Any]:
        delivery = await one(who, id)
        hook = delivery.hook
        return _item(delivery) | {
            "type": hook.method,
            "vars": masked_vars(hook.vars),
            "timeout": hook.timeout,
            "retryTimes": hook.retry_times,
            "retryInterval": hook.retry_interval,
            "successCode": hook.success_code,
            "failCode": hook.fail_code,
            "answer": delivery.answer,
        }

    @router.post("/{id}/replay", summary="Send a callback once more")
    @by_subject
    async def replay_delivery(who: Authenticated, id: str) -> dict[str, Any]:
        return {"id": (await webhooks.replay(who.account.id, (await one(who, id)).id)).id}

    return router


def _item(delivery: Delivery) -> dict[str, Any]:
    waits = delivery.state == DeliveryState.WAITING
    return {
        "id": delivery.id,
        "event": delivery.event,
        "subject": delivery.subject,
        "url": masked_url(delivery.hook.url),
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "error": delivery.error,
        "durationMs": round(delivery.duration * 1000),
        "createdAt": int(delivery.created_at),
        "nextAttemptAt": int(delivery.next_attempt_at) if waits else 0,
        "finishedAt": int(delivery.finished_at or 0),
        "replayOf": delivery.replay_of,
    }


def _state(query: Mapping[str, str]) -> str:
    state = query.get("state", "")
    if state and state not in list(DeliveryState):
        raise ApiError(400, f"state: must be one of {', '.join(DeliveryState)}")
    return state
