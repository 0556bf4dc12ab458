"""Policies and groups, as the IAM clients of https://github.com/qiniu/go-sdk ask for them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from oxbow.kernel.gateway import Authenticated, json_body
from oxbow.kernel.iam import answers
from oxbow.kernel.iam.bodies import ChangedGroup, ChangedPolicy, NewGroup, NewPolicy
from oxbow.kernel.iam.models import Kind
from oxbow.kernel.iam.reading import read_statements
from oxbow.kernel.iam.routes_links import editor
from oxbow.kernel.iam.service import IamService


def policies_router(iam: IamService) -> APIRouter:
    """What can be granted."""
    router = APIRouter(prefix="/iam/v1/policies", tags=["iam"])

    @router.get("", summary="List policies")
    async def get_policies(who: Authenticated, request: Request) -> dict[str, Any]:
        found = (await iam.directory()).all(Kind.POLICY, who.account.id)
        return answers.page(found, request.query_params, answers.policy)

    @router.post("", summary="Create a policy")
    async def create_policy(
        who: Authenticated, body: Annotated[NewPolicy, Depends(json_body(NewPolicy))]
    ) -> dict[str, Any]:
        statements = read_statements(body.statement, who.account.id, iam.catalogue)
        await iam.create_policy(editor(who), body.alias, body.description, body.edit_type, statements)
        return answers.data(answers.policy((await iam.directory()).policy(who.account.id, body.alias)))

    @router.get("/{alias}", summary="A policy")
    async def get_policy(who: Authenticated, alias: str) -> dict[str, Any]:
        return answers.data(answers.policy((await iam.directory()).policy(who.account.id, alias)))

    @router.patch("/{alias}", summary="Change a policy")
    async def modify_policy(
        who: Authenticated, alias: str, body: Annotated[ChangedPolicy, Depends(json_body(ChangedPolicy))]
    ) -> dict[str, Any]:
        fields = body.model_dump(include={"alias", "description"}, exclude_none=True)
        if body.statement is not None:
            fields["statements"] = read_statements(body.statement, who.account.id, iam.catalogue)
        await iam.change(editor(who), Kind.POLICY, alias, **fields)
        changed = (await iam.directory()).policy(who.account.id, body.alias or alias)
        return answers.data(answers.policy(changed))

    @router.delete("/{alias}", summary="Delete a policy, and take it from whom it was granted to")
    async def delete_policy(who: Authenticated, alias: str) -> dict[str, Any]:
        await iam.remove(editor(who), Kind.POLICY, alias)
        return {}

    return router


def groups_router(iam: IamService) -> APIRouter:
    """Users who were granted the same."""
    router = APIRouter(prefix="/iam/v1/groups", tags=["iam"])

    @router.get("", summary="List groups")
    async def get_groups(who: Authenticated, request: Request) -> dict[str, Any]:
        found = (await iam.directory()).all(Kind.GROUP, who.account.id)
        return answers.page(found, request.query_params, answers.group)

    @router.post("", summary="Create a group")
    async def create_group(
        who: Authenticated, body: Annotated[NewGroup, Depends(json_body(NewGroup))]
    ) -> dict[str, Any]:
        await iam.create_group(editor(who), body.alias, body.description)
        return answers.data(answers.group((await iam.directory()).group(who.account.id, body.alias)))

    @router.get("/{alias}", summary="A group")
    async def get_group(who: Authenticated, alias: str) -> dict[str, Any]:
        return answers.data(answers.group((await iam.directory()).group(who.account.id, alias)))

    @router.patch("/{alias}", summary="Change a group")
    async def modify_group(
        who: Authenticated, alias: str, body: Annotated[ChangedGroup, Depends(json_body(ChangedGroup))]
    ) -> dict[str, Any]:
        await iam.change(editor(who), Kind.GROUP, alias, **body.model_dump(exclude_none=True))
        changed = (await iam.directory()).group(who.account.id, body.alias or alias)
        return answers.data(answers.group(changed))

    @router.delete("/{alias}", summary="Delete a group; its users stay")
    async def delete_group(who: Authenticated, alias: str) -> dict[str, Any]:
        await iam.remove(editor(who), Kind.GROUP, alias)
        return {}

    return router
