"""Every way a request can fail, mapped to the one shape of an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from oxbow.kernel.errors import ApiError, error_response
from oxbow.kernel.gateway.middleware import HttpMiddleware, on_start
from oxbow.kernel.logs import get_logger

log = get_logger(__name__)

_ERROR = "oxbow.error"
_ROUTER_TEXTS = {404: "no such endpoint", 405: "method not allowed"}


class ErrorMap(HttpMiddleware):
    """Answer whatever was raised; a response that has begun is cut off instead."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and catch what it raises."""
        started = False

        def note(message: Message) -> None:
            nonlocal started
            started = True

        try:
            await self.app(scope, receive, on_start(send, note))
        except ClientDisconnect:
            log.info("client_left")
        except Exception as error:
            if started:
                raise
            note_error(scope, error)
            await response_for(error)(scope, receive, send)


async def framework_error(request: Request, error: Exception) -> Response:
    """FastAPI's hook for the errors it would otherwise answer in its own words."""
    note_error(request.scope, error)
    response = response_for(error)
    if response.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return response


def _methods_at(request: Request) -> set[str]:
    """What all routes of a path take together; the framework knows of the first one only."""
    return {
        method
        for router in request.app.state.routers
        for route in router.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    }


def note_error(scope: Scope, error: Exception) -> None:
    """Leave the error with its request, for those outside who keep a record."""
    scope[_ERROR] = error


def error_of(scope: Scope) -> Exception | None:
    """What the request failed with, None if it did not."""
    return scope.get(_ERROR)


def response_for(error: Exception) -> Response:
    """Find the words for an error; one that nobody foresaw is logged and answered with no detail."""
    if isinstance(error, ApiError):
        return error_response(error.status, error.message, error.headers)
    if isinstance(error, RequestValidationError):
        return error_response(400, describe(error.errors()))
    if isinstance(error, HTTPException):
        text = _ROUTER_TEXTS.get(error.status_code, str(error.detail))
        return error_response(error.status_code, text, error.headers)
    log.error("unhandled_error", exc_info=error)
    return error_response(500, "internal error; the server's log tells more under this response's X-Reqid")


def describe(errors: Iterable[Mapping[str, Any]]) -> str:
    """Say in one line what is wrong with which field, from pydantic's account of it."""
    return "; ".join(f"{_field(error['loc'])}: {_complaint(error)}" for error in errors)


def _field(location: tuple[str | int, ...]) -> str:
    # FastAPI puts the place first ("query", "path"); the field's own name is what the caller wrote.
    names = (
        location[1:] if len(location) > 1 and location[0] in ("query", "path", "body", "header") else location
    )
    text = "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in names)
    return text.removeprefix(".") or "body"


def _complaint(error: Mapping[str, Any]) -> str:
    if error["type"] == "missing":
        return "is required"
    if error["type"] == "extra_forbidden":
        return "is not a field of this request"
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].lower() + text[1:]
