"""What the one who asks may do: each route is an action, and a user needs to have been granted it."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request

from oxbow.kernel.audit import acting_as_action
from oxbow.kernel.gateway.principal import principal_of, set_principal
from oxbow.kernel.iam.actions import Catalogue


async def authorize(request: Request) -> None:
    """The dependency of every route of the app; it runs before the route reads anything.

    An account's own keys may do everything.  :class:`NotGranted` names what a user's keys lack.
    """
    principal = principal_of(request.scope)
    if principal is None:  # A public path; the signature's middleware lets nothing else pass.
        return
    catalogue: Catalogue = request.app.state.catalogue
    action = catalogue.of(request.scope["route"])
    principal = replace(principal, action=action)
    set_principal(request.scope, principal)
    acting_as_action(action.name)
    principal.demand_route(_named(request, action.parameter))


def _named(request: Request, parameter: str) -> str:
    """The value as the endpoint will read it; empty where it is missing."""
    return str(request.path_params.get(parameter) or request.query_params.get(parameter, ""))
