"""Reading the audit over HTTP, an extension in the dialect's style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from oxbow.kernel.audit.service import AuditService
from oxbow.kernel.audit.store import SUBJECT_LENGTH, AuditQuery, AuditRecord
from oxbow.kernel.gateway.query import MAX_TIME, query_integer, query_text
from oxbow.kernel.gateway.signature import Authenticated
from oxbow.kernel.iam.actions import by_subject

MAX_ID = 2**63 - 1
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
TEXT_LENGTH = 200


def audit_router(service: AuditService) -> APIRouter:
    """Who changed what; an account reads what concerns it."""
    router = APIRouter(prefix="/v2", tags=["iam", "extension"])

    @router.get("/audit", summary="Who changed what, the newest first")
    @by_subject
    async def list_changes(who: Authenticated, request: Request) -> dict[str, Any]:
        query = _read(request.query_params)
        records = await service.page(who.account.id, query)
        full = len(records) == query.limit
        return {
            "items": [_shown(record) for record in records if who.may_about(record.subject)],
            "marker": str(records[-1].id) if full and records else "",
        }

    return router


def _read(query: Mapping[str, str]) -> AuditQuery:
    return AuditQuery(
        subject=query_text(query, "subject", SUBJECT_LENGTH),
        action=query_text(query, "action", TEXT_LENGTH),
        actor=query_text(query, "actor", TEXT_LENGTH),
        request_id=query_text(query, "reqid", TEXT_LENGTH),
        since=query_integer(query, "from", 0, MAX_TIME),
        until=query_integer(query, "to", 0, MAX_TIME),
        before=query_integer(query, "marker", 1, MAX_ID),
        limit=query_integer(query, "limit", 0, MAX_LIMIT) or DEFAULT_LIMIT,
    )


def _shown(record: AuditRecord) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "at": record.at,
        "subject": record.subject,
        "action": record.action,
        "actor": record.actor,
        "accessKey": record.access_key,
        "clientIP": record.client,
        "userAgent": record.user_agent,
        "reqid": record.request_id,
        "before": record.before,
        "after": record.after,
    }
