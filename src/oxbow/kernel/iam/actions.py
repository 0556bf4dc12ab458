"""What can be asked for, as policies name it: one action for each route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute

from oxbow.kernel.iam.decision import Reach

_UNNAMED = {"extension"}
"""Tags that name no service."""
_OURSELVES = "oxbow"
"""The service of routes that name none: what concerns the server itself."""
_HUB = "hub"
_PARTLY, _BY_SUBJECT, _ABOUT = "__oxbow_partly__", "__oxbow_by_subject__", "__oxbow_about__"

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Action:
    """Something an account may let its users do."""

    service: str
    alias: str
    description: str
    reach: Reach
    reads: bool
    """Whether it changes nothing."""
    parameter: str = ""
    """For :attr:`Reach.ONE`: the part of the path, or of the query, that names the resource."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Of resources of other services that it may be about: the service by the first part of a subject."""

    @property
    def name(self) -> str:
        """As policies spell it."""
        return f"{self.service}/{self.alias}"

    @property
    def products(self) -> tuple[str, ...]:
        """The services whose resources it may be about, its own first."""
        return (self.service, *self.kinds.values())


def partly(endpoint: F) -> F:
    """Declare that an endpoint without a hub in its path answers only with what its caller may see.

    The endpoint asks ``who.may(name)`` or ``who.demand(name)`` for each name.  Without this declaration a
    user needs the action on all resources.
    """
    setattr(endpoint, _PARTLY, True)
    return endpoint


def by_subject(endpoint: F) -> F:
    """Declare that an endpoint answers only with what its caller may see of things of other services.

    What it tells of has a subject, such as ``hub/live`` or ``hub/live/stream/one``, and the endpoint asks
    ``who.may_about(subject)`` for each.
    """
    setattr(endpoint, _BY_SUBJECT, True)
    return endpoint


def about(parameter: str) -> Callable[[F], F]:
    """Declare which parameter of the path or the query names the one resource that an endpoint is about.

    ``{hub}`` in a path needs no declaration.
    """

    def declare(endpoint: F) -> F:
        setattr(endpoint, _ABOUT, parameter)
        return endpoint

    return declare


def alias_of(function: str) -> str:
    """What the action of a route with this name is called: ``ListHubs`` for ``list_hubs``."""
    return "".join(word[:1].upper() + word[1:] for word in function.split("_"))


class Catalogue:
    """The actions of an app's routes.

    The first tag of a route, but `extension`, is its service, and the name of its function the action:
    ``list_hubs`` is ``ListHubs``.

    :param services: what policies call the service of a tag, where that is not the tag itself; ``oxbow`` is
        the service of routes without a tag.
    :param types: what a service's resources are called, by its name.
    :param others: actions that are no routes of the app, since other processes carry them out.
    """

    def __init__(
        self,
        services: Mapping[str, str] | None = None,
        types: Mapping[str, str] | None = None,
        others: Iterable[Action] = (),
    ) -> None:
        self._services = services or {}
        self.types = types or {}
        self._others = tuple(others)
        self._public: frozenset[str] = frozenset()
        self._routers: Sequence[APIRouter] = ()
        self._of: dict[int, tuple[APIRoute, Action]] = {}

    def look_at(self, routers: Iterable[APIRouter], public: Iterable[str]) -> None:
        """Take the routes of an app's routers, once; anybody may ask for the public paths."""
        self._routers = tuple(routers)
        self._public = frozenset(public)

    def of(self, route: APIRoute) -> Action:
        """A route's action."""
        known = self._of.get(id(route))
        if known is None:  # A route cannot be hashed; kept along, it keeps its id, too.
            known = self._of[id(route)] = route, self._action(route)
        return known[1]

    def _action(self, route: APIRoute) -> Action:
        tag = next((str(tag) for tag in route.tags if tag not in _UNNAMED), _OURSELVES)
        service = self._services.get(tag, tag)
        alias = alias_of(route.name)
        reads = alias.startswith(("Get", "List", "Explain", "Stat", "BucketInfo"))
        reach, parameter = _reach(route)
        kinds = {kind: product for product, kind in self.types.items() if product != service}
        by_subject = getattr(route.endpoint, _BY_SUBJECT, False)
        return Action(
            service, alias, route.summary or "", reach, reads, parameter, kinds if by_subject else {}
        )

    def __iter__(self) -> Iterator[Action]:
        """Every action once, in the order of their names."""
        return iter(self._all.values())

    @cached_property
    def _all(self) -> dict[str, Action]:
        found = {action.name: action for action in (*map(self.of, self.guarded()), *self._others)}
        return {name: found[name] for name in sorted(found)}

    @cached_property
    def questions(self) -> list[tuple[str, str]]:
        """Every action with each service whose resources it may be about."""
        return [(action.name, product) for action in self for product in action.products]

    @cached_property
    def services(self) -> list[str]:
        """Every service once, in the order of their names."""
        return sorted({action.service for action in self})

    def get(self, name: str) -> Action | None:
        """The action of a name."""
        return self._all.get(name)

    def guarded(self) -> Iterator[APIRoute]:
        """Every route that is not public."""
        for router in self._routers:
            for route in router.routes:
                if isinstance(route, APIRoute) and route.path not in self._public:
                    yield route


def _reach(route: APIRoute) -> tuple[Reach, str]:
    parameter = getattr(route.endpoint, _ABOUT, _HUB if f"{{{_HUB}}}" in route.path else "")
    if parameter:
        return Reach.ONE, parameter
    partly = any(getattr(route.endpoint, mark, False) for mark in (_PARTLY, _BY_SUBJECT))
    return (Reach.ANY if partly else Reach.ALL), ""
