"""What belongs together: users and groups to policies, users to groups, each asked for from either side.

As the IAM clients have it, POST puts the given ones in the place of those that are there, PATCH adds them,
and DELETE, with a body, takes them away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request

from oxbow.kernel.gateway import Authenticated, Principal, json_body
from oxbow.kernel.iam import answers
from oxbow.kernel.iam.bodies import GroupAliases, IamBody, PolicyAliases, UserAliases
from oxbow.kernel.iam.directory import Directory
from oxbow.kernel.iam.models import Kind
from oxbow.kernel.iam.service import ADD, REMOVE, REPLACE, Editor, IamService

_PLURALS = {Kind.USER: "users", Kind.GROUP: "groups", Kind.POLICY: "policies"}
_BODIES: dict[Kind, type[IamBody]] = {
    Kind.USER: UserAliases,
    Kind.GROUP: GroupAliases,
    Kind.POLICY: PolicyAliases,
}
_SHOWN: dict[Kind, Callable[[Any], Any]] = {
    Kind.USER: answers.user,
    Kind.GROUP: answers.group,
    Kind.POLICY: answers.policy,
}


@dataclass(frozen=True, slots=True)
class Relation:
    """One side of what belongs together."""

    of: Kind
    what: Kind
    listed: Callable[[Directory, int, str], Sequence[Any]]
    """Those of the second kind that belong to one of the first, by its account and alias."""
    verbs: tuple[str, ...]
    """The methods that the clients use."""


_ALL = ("POST", "PATCH", "DELETE")
RELATIONS = (
    Relation(Kind.USER, Kind.POLICY, lambda d, owner, alias: d.policies_of(d.user(owner, alias)), _ALL),
    Relation(Kind.USER, Kind.GROUP, lambda d, owner, alias: d.groups_of(d.user(owner, alias)), ("POST",)),
    Relation(Kind.GROUP, Kind.USER, lambda d, owner, alias: d.users_of(d.group(owner, alias)), _ALL),
    Relation(Kind.GROUP, Kind.POLICY, lambda d, owner, alias: d.policies_of(d.group(owner, alias)), _ALL),
    Relation(Kind.POLICY, Kind.USER, lambda d, owner, alias: d.users_of(d.policy(owner, alias)), ("POST",)),
    Relation(
        Kind.POLICY, Kind.GROUP, lambda d, owner, alias: d.groups_with(d.policy(owner, alias)), ("POST",)
    ),
)
_CHANGES = {
    "POST": ("update", "Set", REPLACE),
    "PATCH": ("modify", "Add to", ADD),
    "DELETE": ("delete", "Take from", REMOVE),
}


def editor(who: Principal) -> Editor:
    """On whose behalf a request changes something."""
    return Editor(who.account.id, who.user.id if who.user else None)


def links_router(iam: IamService) -> APIRouter:
    """All of :data:`RELATIONS`."""
    router = APIRouter(prefix="/iam/v1", tags=["iam"])
    for relation in RELATIONS:
        _add_listing(router, iam, relation)
        for verb in relation.verbs:
            _add_change(router, iam, relation, verb)
    return router


def _path(relation: Relation) -> str:
    return f"/{_PLURALS[relation.of]}/{{alias}}/{_PLURALS[relation.what]}"


def _add_listing(router: APIRouter, iam: IamService, relation: Relation) -> None:
    async def listing(who: Authenticated, alias: str, request: Request) -> dict[str, Any]:
        found = relation.listed(await iam.directory(), who.account.id, alias)
        return answers.page(found, request.query_params, _SHOWN[relation.what])

    router.add_api_route(
        _path(relation),
        listing,
        methods=["GET"],
        name=f"get_{relation.of}_{_PLURALS[relation.what]}",
        summary=f"List the {_PLURALS[relation.what]} of a {relation.of}",
    )


def _add_change(router: APIRouter, iam: IamService, relation: Relation, verb: str) -> None:
    word, text, change = _CHANGES[verb]
    field = f"{relation.what}_aliases"
    given_body = Depends(json_body(_BODIES[relation.what]))  # An annotation could not name a local.

    async def changing(who: Authenticated, alias: str, body: IamBody = given_body) -> dict[str, Any]:
        given: Sequence[str] = getattr(body, field)
        await iam.link(editor(who), relation.of, alias, relation.what, given, change)
        return {}

    router.add_api_route(
        _path(relation),
        changing,
        methods=[verb],
        name=f"{word}_{relation.of}_{_PLURALS[relation.what]}",
        summary=f"{text} the {_PLURALS[relation.what]} of a {relation.of}",
    )
