"""Users and their keys, as the IAM clients of https://github.com/qiniu/go-sdk ask for them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from oxbow.kernel.gateway import Authenticated, json_body
from oxbow.kernel.gateway.query import query_text
from oxbow.kernel.iam import answers
from oxbow.kernel.iam.bodies import ChangedUser, NewUser
from oxbow.kernel.iam.models import Kind
from oxbow.kernel.iam.routes_links import editor
from oxbow.kernel.iam.service import IamService

KEY = "/{alias}/keypairs/{access_key}"


def users_router(iam: IamService) -> APIRouter:
    """Who acts for the account."""
    router = APIRouter(prefix="/iam/v1/users", tags=["iam"])

    @router.get("", summary="List users")
    async def get_users(who: Authenticated, request: Request) -> dict[str, Any]:
        wanted = query_text(request.query_params, "alias", 64)
        found = (await iam.directory()).all(Kind.USER, who.account.id)
        fitting = [user for user in found if wanted in user.alias]
        return answers.page(fitting, request.query_params, answers.user)

    @router.post("", summary="Create a user")
    async def create_user(
        who: Authenticated, body: Annotated[NewUser, Depends(json_body(NewUser))]
    ) -> dict[str, Any]:
        await iam.create_user(editor(who), body.alias, body.password)
        return answers.data(answers.user((await iam.directory()).user(who.account.id, body.alias)))

    @router.get("/{alias}", summary="A user")
    async def get_user(who: Authenticated, alias: str) -> dict[str, Any]:
        return answers.data(answers.user((await iam.directory()).user(who.account.id, alias)))

    @router.patch("/{alias}", summary="Enable or disable a user, or set its password")
    async def modify_user(
        who: Authenticated, alias: str, body: Annotated[ChangedUser, Depends(json_body(ChangedUser))]
    ) -> dict[str, Any]:
        await iam.change_user(editor(who), alias, enabled=body.enabled, password=body.password)
        return answers.data(answers.user((await iam.directory()).user(who.account.id, alias)))

    @router.delete("/{alias}", summary="Delete a user with its keys")
    async def delete_user(who: Authenticated, alias: str) -> dict[str, Any]:
        await iam.remove(editor(who), Kind.USER, alias)
        return {}

    return router


def user_keys_router(iam: IamService) -> APIRouter:
    """The keys that users sign with."""
    router = APIRouter(prefix="/iam/v1/users", tags=["iam"])

    @router.get("/{alias}/keypairs", summary="List a user's key pairs, without their secrets")
    async def get_user_keypairs(who: Authenticated, alias: str, request: Request) -> dict[str, Any]:
        directory = await iam.directory()
        keys = directory.keys(directory.user(who.account.id, alias))
        return answers.page(keys, request.query_params, answers.key)

    @router.post("/{alias}/keypairs", summary="Create a key pair of a user; its secret is told this once")
    async def create_user_keypairs(who: Authenticated, alias: str) -> dict[str, Any]:
        return answers.data(answers.key(*await iam.create_key(editor(who), alias)))

    @router.delete(KEY, summary="Delete a user's key pair")
    async def delete_user_keypair(who: Authenticated, alias: str, access_key: str) -> dict[str, Any]:
        await iam.remove_key(editor(who), alias, access_key)
        return {}

    @router.post(KEY + "/enable", summary="Enable a user's key pair")
    async def enable_user_keypair(who: Authenticated, alias: str, access_key: str) -> dict[str, Any]:
        await iam.enable_key(editor(who), alias, access_key, True)
        return {}

    @router.post(KEY + "/disable", summary="Disable a user's key pair")
    async def disable_user_keypair(who: Authenticated, alias: str, access_key: str) -> dict[str, Any]:
        await iam.enable_key(editor(who), alias, access_key, False)
        return {}

    return router
