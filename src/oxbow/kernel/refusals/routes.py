"""Asking why something was refused; an extension in the dialect's style."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request

from oxbow.kernel.accounts.models import ROOT
from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.principal import Principal
from oxbow.kernel.gateway.query import MAX_TIME, query_integer
from oxbow.kernel.gateway.signature import Authenticated
from oxbow.kernel.iam.actions import by_subject
from oxbow.kernel.refusals.models import WHATS, Refusal
from oxbow.kernel.refusals.service import RefusalService
from oxbow.kernel.refusals.store import RefusalQuery

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_ID = 10**18 - 1
NOBODY = 0
_TEXTS = ("reqid", "what", "hub", "stream", "address", "rule")
_FIELDS = (*_TEXTS, "from", "to", "marker", "limit")


def refusals_router(refusals: RefusalService) -> APIRouter:
    """The one route; each account sees what concerns its own hubs and keys, root also what is nobody's."""
    router = APIRouter(tags=["extension"])

    @router.get("/v2/refusals", summary="Why publishers, viewers and API calls were refused")
    @by_subject
    async def list_refusals(who: Authenticated, request: Request) -> dict[str, Any]:
        query = refusal_query(who, request)
        found = await refusals.find(query)
        marker = str(found[-1][0]) if len(found) == query.limit else ""
        visible = [refusal for _, refusal in found if who.may_about(f"hub/{refusal.hub}")]
        return {"items": [shown(refusal) for refusal in visible], "marker": marker}

    return router


def shown(refusal: Refusal) -> dict[str, Any]:
    """A record as the API shows it: `more` further ones like it, the last of them `until`."""
    fields = {field.encode_name: getattr(refusal, field.name) for field in msgspec.structs.fields(Refusal)}
    del fields["account"]
    return fields


def refusal_query(who: Principal, request: Request) -> RefusalQuery:
    """Read the parameters; ApiError 400 names the one that cannot be used."""
    asked = request.query_params
    unknown = [name for name in asked if name not in _FIELDS]
    if unknown:
        raise ApiError(400, f"{unknown[0][:64]}: is not a parameter of this request")
    texts = {name: _text(name, asked.get(name, "")) for name in _TEXTS}
    if texts["what"] not in ("", *WHATS):
        raise ApiError(400, f"what: must be one of {', '.join(WHATS)}")
    start, end = query_integer(asked, "from", 0, MAX_TIME) or 0, query_integer(asked, "to", 0, MAX_TIME) or 0
    if end and start > end:
        raise ApiError(400, "from: must not be after to")
    accounts = (who.account.id, NOBODY) if who.account.name == ROOT else (who.account.id,)
    return RefusalQuery(
        accounts,
        **texts,
        start=start,
        end=end,
        before=query_integer(asked, "marker", 0, MAX_ID) or 0,
        limit=query_integer(asked, "limit", 0, MAX_LIMIT) or DEFAULT_LIMIT,
    )


def _text(name: str, value: str) -> str:
    if len(value) > 200 or not value.isprintable():
        raise ApiError(400, f"{name}: takes at most 200 printable characters")
    return value
