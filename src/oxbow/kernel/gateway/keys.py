"""Key pairs over HTTP, an extension in the dialect's style."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from oxbow.kernel.accounts.models import NOTE_LENGTH, KeyPair
from oxbow.kernel.accounts.service import AccountService
from oxbow.kernel.gateway.json_body import JsonBody, json_body
from oxbow.kernel.gateway.signature import Authenticated


class NewKey(JsonBody):
    """The body of creating a key pair."""

    note: str = Field(default="", max_length=NOTE_LENGTH)


def keys_router(service: AccountService) -> APIRouter:
    """The routes below ``/v2/keys``; each account sees and changes its own pairs only."""
    router = APIRouter(prefix="/v2/keys", tags=["iam", "extension"])

    @router.get("", summary="List the account's key pairs, without their secrets")
    async def list_keys(principal: Authenticated) -> dict[str, Any]:
        return {"items": [_shown(pair) for pair in await service.keys(principal.account)]}

    @router.post("", summary="Create a key pair; its secret is told this once")
    async def create_key(
        principal: Authenticated, body: Annotated[NewKey, Depends(json_body(NewKey))]
    ) -> dict[str, Any]:
        principal.demand_own_key()
        pair = await service.create_key(principal.account, body.note)
        return {**_shown(pair), "secretKey": pair.secret_key}

    @router.post("/{access_key}/disable", summary="Disable a key pair")
    async def disable_key(principal: Authenticated, access_key: str) -> dict[str, Any]:
        principal.demand_own_key()
        await service.set_enabled(principal.account, access_key, False)
        return {}

    @router.post("/{access_key}/enable", summary="Enable a key pair")
    async def enable_key(principal: Authenticated, access_key: str) -> dict[str, Any]:
        principal.demand_own_key()
        await service.set_enabled(principal.account, access_key, True)
        return {}

    @router.delete("/{access_key}", summary="Delete a key pair")
    async def delete_key(principal: Authenticated, access_key: str) -> dict[str, Any]:
        principal.demand_own_key()
        await service.delete_key(principal.account, access_key)
        return {}

    return router


def _shown(pair: KeyPair) -> dict[str, Any]:
    return {
        "accessKey": pair.access_key,
        "state": "enabled" if pair.enabled else "disabled",
        "note": pair.note,
        "createdAt": pair.created_at,
    }
