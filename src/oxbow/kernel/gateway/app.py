"""The app: what every request passes, in order, and the routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from oxbow import __version__
from oxbow.kernel.accounts import AccountService
from oxbow.kernel.gateway.access_log import AccessLog, HttpMetrics
from oxbow.kernel.gateway.authorisation import authorize
from oxbow.kernel.gateway.body import WholeBody
from oxbow.kernel.gateway.error_map import ErrorMap, framework_error
from oxbow.kernel.gateway.keys import keys_router
from oxbow.kernel.gateway.operations import PUBLIC_PATHS, operations_router
from oxbow.kernel.gateway.refusal_record import RefusalRecord
from oxbow.kernel.gateway.request_id import RequestId
from oxbow.kernel.gateway.signature import Signature
from oxbow.kernel.health import Health
from oxbow.kernel.iam.actions import Catalogue
from oxbow.kernel.iam.decision import NOBODY, Authority
from oxbow.kernel.metrics import Metrics
from oxbow.kernel.refusals.models import Refusal
from oxbow.kernel.settings import KernelSettings

EXTENSION = "extension"  # The tag of routes that the dialect's pages do not have.


async def _no_rights(user: int) -> Authority:
    return NOBODY


def create_app(
    settings: KernelSettings,
    *,
    accounts: AccountService,
    metrics: Metrics,
    health: Health,
    routers: Iterable[APIRouter] = (),
    public_paths: Collection[str] = (),
    refused: Callable[[Refusal], None] = lambda _: None,
    rights: Callable[[int], Awaitable[Authority]] = _no_rights,
    catalogue: Catalogue | None = None,
) -> FastAPI:
    """Put the API together.

    A router carries its own prefix, so that the path of its routes is the whole path.  Each route has a
    ``summary``, and the tag :data:`EXTENSION` unless the dialect's pages describe it.

    :param public_paths: further paths that need no signature.
    :param rights: what a user was granted, by the user's id; nothing by default.
    :param catalogue: learns the actions of the routes.
    :param refused: keeps the record of refused requests.
    """
    public = {*PUBLIC_PATHS, *public_paths}
    app = FastAPI(
        dependencies=[Depends(authorize)],
        title="Oxbow",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={HTTPException: framework_error, RequestValidationError: framework_error},
        middleware=[
            Middleware(RequestId),
            Middleware(AccessLog),
            Middleware(HttpMetrics, metrics=metrics),
            Middleware(RefusalRecord, keep=refused),
            Middleware(ErrorMap),
            Middleware(WholeBody, limit=settings.api_body_limit, seconds=settings.api_body_seconds),
            Middleware(
                Signature,
                keys=accounts.ring,
                skew=settings.request_date_skew_seconds,
                public=public,
                rights=rights,
            ),
        ],
    )
    app.state.routers = [operations_router(metrics, health), keys_router(accounts), *routers]
    app.state.catalogue = catalogue or Catalogue()
    app.state.catalogue.look_at(app.state.routers, public)
    for router in app.state.routers:
        app.include_router(router)
    return app


@dataclass(frozen=True, slots=True)
class RouteDoc:
    """One row of the table of routes."""

    method: str
    path: str
    summary: str
    tags: tuple[str, ...]


def documented_routes(app: FastAPI) -> list[RouteDoc]:
    """Every route of the app, for the table in the documentation and the test that compares them."""
    return [
        RouteDoc(method.upper(), path, operation.get("summary", ""), tuple(operation.get("tags", ())))
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    ]
