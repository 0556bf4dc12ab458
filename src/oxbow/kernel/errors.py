"""The one shape of an error on the wire, and the exception that carries it there.

Every error of the HTTP API is ``{"error": "<text>"}`` with ``Content-Type: application/json``: the official
clients read the text only from that field and only under that type.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse


class ApiError(Exception):
    """A refusal the client should read.

    Rooms raise subclasses of it; nothing but the gateway turns it into a response.

    :param status: the HTTP status, 400 to 999 (the dialect uses codes above 599, such as 612 and 614).
    :param message: what went wrong, for the caller's eyes; it must hold no secret.
    :param headers: further response headers, for example ``Retry-After``.
    :param rule: what refuses, for the record of refusals; by the status where it is empty.
    :param why: what the record tells the owner beyond the message; never on the wire.
    :param access_key: the key that was tried, where the request is not known to be its owner's.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        rule: str = "",
        why: str = "",
        access_key: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.rule = rule
        self.why = why
        self.access_key = access_key


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Build the response of an error; no other place in Oxbow formats one."""
    return JSONResponse({"error": message}, status_code=status, headers=dict(headers or {}))
