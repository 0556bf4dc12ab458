"""What the IAM endpoints answer, as its clients read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from oxbow.kernel.audit.store import AuditRecord
from oxbow.kernel.gateway.query import query_integer
from oxbow.kernel.iam.actions import Action
from oxbow.kernel.iam.decision import Reach
from oxbow.kernel.iam.loading import shown as shown_statement
from oxbow.kernel.iam.models import Group, IamUser, Named, Policy, UserKey

PAGE_SIZE, MAX_PAGE_SIZE, MAX_PAGE = 20, 2000, 1_000_000

T = TypeVar("T")


def data(content: object) -> dict[str, Any]:
    """Where the clients look."""
    return {"data": content}


def page(items: Sequence[T], query: Mapping[str, str], shown: Callable[[T], Any]) -> dict[str, Any]:
    """One page of a list, by ``page`` from 1 on and ``page_size``; ApiError 400."""
    number = query_integer(query, "page", 0, MAX_PAGE) or 1
    size = query_integer(query, "page_size", 0, MAX_PAGE_SIZE) or PAGE_SIZE
    first = (number - 1) * size
    return data({"count": len(items), "list": [shown(item) for item in items[first : first + size]]})


def moment(seconds: float) -> str:
    """RFC 3339, in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _times(item: Named) -> dict[str, Any]:
    return {"created_at": moment(item.created_at), "updated_at": moment(item.updated_at)}


def user(item: IamUser) -> dict[str, Any]:
    """A user; nobody logs in yet, so there is no last time."""
    return {
        "id": str(item.id),
        "root_uid": item.account,
        "iuid": item.id,
        "alias": item.alias,
        "enabled": item.enabled,
        "last_login_time": "",
        **_times(item),
    }


def group(item: Group) -> dict[str, Any]:
    """A group."""
    return {
        "id": str(item.id),
        "root_uid": item.account,
        "alias": item.alias,
        "description": item.description,
        "enabled": True,
        **_times(item),
    }


def policy(item: Policy) -> dict[str, Any]:
    """A policy."""
    return {
        "id": str(item.id),
        "root_uid": item.account,
        "alias": item.alias,
        "description": item.description,
        "enabled": True,
        "edit_type": item.edit_type,
        "statement": [shown_statement(statement) for statement in item.statements],
        **_times(item),
    }


def key(item: UserKey, secret: str = "") -> dict[str, Any]:
    """A key pair; its secret is there when it was made a moment ago."""
    return {
        "id": item.access_key,
        "access_key": item.access_key,
        "secret_key": secret,
        "user_id": str(item.user),
        "created_at": moment(item.created_at),
        "enabled": item.enabled,
    }


def action(item: Action) -> dict[str, Any]:
    """An action; its scope is 1 if it is granted for single resources, else 0."""
    return {
        "id": item.name,
        "name": item.description,
        "alias": item.alias,
        "service": item.service,
        "scope": int(item.reach is not Reach.ALL),
        "reads": item.reads,
        "enabled": True,
        "created_at": "",
        "updated_at": "",
    }


def audit(record: AuditRecord) -> dict[str, Any]:
    """A change, as an entry of the clients' audit log; only what succeeded is in it."""
    service, slash, alias = record.action.partition("/")
    return {
        "id": str(record.id),
        "root_uid": record.account or 0,
        "iuid": record.user or 0,
        "service": service if slash else "",
        "action": alias if slash else record.action,
        "resource": record.subject,
        "created_at": moment(record.at),
        "event_time": moment(record.at),
        "duration_ms": 0,
        "source_ip": record.client,
        "user_event": record.user_agent,
        "error_code": 0,
        "error_message": "",
        "request_id": record.request_id,
    }
