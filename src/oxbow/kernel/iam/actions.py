"""What can be asked for, as policies name it: one action for each route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute

from oxbow.kernel.iam.decision import Reach

_UNNAMED = {"extension"}
"""Tags that name no service."""
_OURSELVES = "oxbow"
"""The service of routes that name none: what concerns the server itself."""
_PARTLY = "__oxbow_partly__"

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

    @property
    def name(self) -> str:
        """As policies spell it."""
        return f"{self.service}/{self.alias}"


def partly(endpoint: F) -> F:
    """Declare that an endpoint without a hub in its path answers only with what its caller may see.

    The endpoint asks ``who.may(name)`` or ``who.demand(name)`` for each name.  Without this declaration a
    user needs the action on all resources.
    """
    setattr(endpoint, _PARTLY, True)
    return endpoint


class Catalogue:
    """The actions of an app's routes.

    The first tag of a route, but `extension`, is its service, and the name of its function the action:
    ``list_hubs`` is ``ListHubs``.

    :param services: what policies call the service of a tag, where that is not the tag itself; ``oxbow`` is
        the service of routes without a tag.
    :param types: what a service's resources are called, by its name.
    """

    def __init__(
        self, services: Mapping[str, str] | None = None, types: Mapping[str, str] | None = None
    ) -> None:
        self._services = services or {}
        self.types = types or {}
        self._public: frozenset[str] = frozenset()
        self._routers: Sequence[APIRouter] = ()
        self._of: dict[int, tuple[APIRoute, Action]] = {}

    def look_at(self, routers: Iterable[APIRouter], public: Iterable[str]) -> None:
        """Take the routes of an app's routers; anybody may ask for the public paths."""
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
        alias = "".join(word[:1].upper() + word[1:] for word in route.name.split("_"))
        reads = alias.startswith(("Get", "List", "Explain"))
        return Action(service, alias, route.summary or "", _reach(route), reads)

    def __iter__(self) -> Iterator[Action]:
        """Every action once, in the order of their names."""
        found = {action.name: action for action in map(self.of, self._guarded())}
        return iter([found[name] for name in sorted(found)])

    @property
    def services(self) -> list[str]:
        """Every service once, in the order of their names."""
        return sorted({action.service for action in self})

    def get(self, name: str) -> Action | None:
        """The action of a name."""
        return next((action for action in self if action.name == name), None)

    def _guarded(self) -> Iterator[APIRoute]:
        for router in self._routers:
            for route in router.routes:
                if isinstance(route, APIRoute) and route.path not in self._public:
                    yield route


def _reach(route: APIRoute) -> Reach:
    if "{hub}" in route.path:
        return Reach.ONE
    return Reach.ANY if getattr(route.endpoint, _PARTLY, False) else Reach.ALL
