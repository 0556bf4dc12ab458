"""What there is to grant, what somebody was granted, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from oxbow.kernel.audit.service import AuditService
from oxbow.kernel.audit.store import SUBJECT_LENGTH, AuditQuery
from oxbow.kernel.gateway import Authenticated, json_body
from oxbow.kernel.gateway.query import query_integer, query_text
from oxbow.kernel.iam import answers
from oxbow.kernel.iam.actions import Action, Catalogue, by_subject
from oxbow.kernel.iam.bodies import Question
from oxbow.kernel.iam.decision import Authority, Decision, Reach, decide
from oxbow.kernel.iam.errors import BadField, NotThere
from oxbow.kernel.iam.loading import shown as shown_statement
from oxbow.kernel.iam.reading import check_resource
from oxbow.kernel.iam.service import IamService
from oxbow.kernel.iam.statements import parse_resource, qrn

RESOURCES = "/{alias}/services/{service}/actions/{action}/resources"
AUDIT_LIMIT, MAX_AUDIT_LIMIT = 20, 2000
MAX_ID = 2**63 - 1


def questions_router(iam: IamService) -> APIRouter:
    """The clients' questions."""
    router = APIRouter(prefix="/iam/v1", tags=["iam"])

    @router.get("/services", summary="The services that actions are of")
    async def get_services(who: Authenticated) -> dict[str, Any]:
        return answers.data(iam.catalogue.services)

    @router.get("/actions", summary="The actions that can be granted")
    async def get_actions(who: Authenticated, request: Request) -> dict[str, Any]:
        service = query_text(request.query_params, "service", 64)
        found = [action for action in iam.catalogue if service in ("", action.service)]
        return answers.page(found, request.query_params, answers.action)

    @router.get("/users/{alias}/services", summary="The services of which a user may do something")
    async def get_user_available_services(who: Authenticated, alias: str) -> dict[str, Any]:
        directory = await iam.directory()
        authority = directory.authority(directory.user(who.account.id, alias).id)
        questions = iam.catalogue.questions
        allowed = (
            name for name, product in questions if decide(authority, name, Reach.ANY, "", product).allowed
        )
        return answers.data(sorted({name.partition("/")[0] for name in allowed}))

    @router.get("/users" + RESOURCES, summary="What a user may do an action to")
    async def get_user_service_action_resources(
        who: Authenticated, alias: str, service: str, action: str
    ) -> dict[str, Any]:
        directory = await iam.directory()
        authority = directory.authority(directory.user(who.account.id, alias).id)
        return answers.data(_resources(authority, _known(iam.catalogue, f"{service}/{action}")))

    @router.get("/groups" + RESOURCES, summary="What a group may do an action to")
    async def get_group_service_action_resources(
        who: Authenticated, alias: str, service: str, action: str
    ) -> dict[str, Any]:
        directory = await iam.directory()
        authority = directory.group_authority(directory.group(who.account.id, alias))
        return answers.data(_resources(authority, _known(iam.catalogue, f"{service}/{action}")))

    return router


def audits_router(audit: AuditService) -> APIRouter:
    """The audit, as the clients read it."""
    router = APIRouter(prefix="/iam/v1", tags=["iam"])

    @router.get("/audits", summary="Who changed what, as the IAM clients ask for it")
    @by_subject
    async def get_audits(who: Authenticated, request: Request) -> dict[str, Any]:
        query = _audit_query(request.query_params)
        found = await audit.page(who.account.id, query)
        visible = [record for record in found if who.may_about(record.subject)]
        marker = str(found[-1].id) if found and len(found) == query.limit else ""
        return answers.data({"marker": marker, "list": [answers.audit(record) for record in visible]})

    return router


def iam_extensions_router(iam: IamService) -> APIRouter:
    """What the clients do not have."""
    router = APIRouter(prefix="/iam/v1", tags=["iam", "extension"])

    @router.post("/explain", summary="Say whether a user may do something, and why")
    async def explain_access(
        who: Authenticated, body: Annotated[Question, Depends(json_body(Question))]
    ) -> dict[str, Any]:
        directory = await iam.directory()
        user = directory.user(who.account.id, body.user)
        action = _known(iam.catalogue, body.action)
        product, reach, name = _asked(body.resource, action, who.account.id, iam.catalogue)
        decision = decide(directory.authority(user.id), action.name, reach, name, product)
        return _explained(decision, user.enabled, action, qrn(product, who.account.id, name or "*"))

    return router


def _known(catalogue: Catalogue, name: str) -> Action:
    action = catalogue.get(name)
    if action is None:
        raise NotThere("action", name)
    return action


def _asked(resource: str, action: Action, account: int, catalogue: Catalogue) -> tuple[str, Reach, str]:
    check_resource("resource", resource, account, catalogue)
    pattern = parse_resource(resource, account)
    if pattern.product not in ("", *action.products):
        raise BadField("resource", f"is not one of {', '.join(action.products)}, which the action is about")
    if pattern.open and pattern.prefix:
        raise BadField("resource", "must be one resource by its name, or * for all")
    product = pattern.product or action.service
    if pattern.open:
        return product, (Reach.ALL if action.reach is Reach.ONE else action.reach), ""
    return product, Reach.ONE, pattern.prefix


def _explained(decision: Decision, enabled: bool, action: Action, resource: str) -> dict[str, Any]:
    grant = decision.grant
    return {
        "allowed": decision.allowed and enabled,
        "reason": decision.reason if enabled else "user_disabled",
        "action": action.name,
        "resource": resource,
        "policy": grant.policy if grant else "",
        "number": grant.number if grant else -1,
        "statement": shown_statement(grant.statement) if grant else None,
    }


def _resources(authority: Authority, action: Action) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"allow": [], "deny": []}
    for product in action.products:
        rules = authority.rules(action.name, product)
        for side, names in (("allow", rules.allow), ("deny", rules.deny)):
            patterns = (*names.exact, *(f"{prefix}*" for prefix in names.prefixes))
            found[side] += [qrn(product, authority.account, name) for name in patterns]
    return {side: sorted(resources) for side, resources in found.items()}


def _audit_query(query: Mapping[str, str]) -> AuditQuery:
    service, action = query_text(query, "service", 64), query_text(query, "action", 100)
    if action and not service:
        raise BadField("service", "is required with an action")
    return AuditQuery(
        subject=query_text(query, "resource", SUBJECT_LENGTH),
        action=f"{service}/{action or '*'}" if service else "",
        user=query_integer(query, "iuid", 0, MAX_ID) or None,
        since=_time(query, "start_time"),
        until=_time(query, "end_time"),
        before=query_integer(query, "marker", 1, MAX_ID),
        limit=query_integer(query, "limit", 0, MAX_AUDIT_LIMIT) or AUDIT_LIMIT,
    )


def _time(query: Mapping[str, str], name: str) -> int | None:
    """RFC 3339."""
    text = query_text(query, name, 64)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        raise BadField(name, "must be a time with its zone, such as 2026-01-31T08:00:00Z") from None
