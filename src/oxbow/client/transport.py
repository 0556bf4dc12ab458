"""Signed requests to the running server's HTTP API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlencode

import httpx

from oxbow.kernel.settings import ListenAddress
from oxbow.kernel.signing import SignedRequest, sign_qiniu

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_JSON = "application/json"
READY_SECONDS = 5.0


class ServerUnreachableError(Exception):
    """Nothing answers at the API's address, or what answers is no HTTP server."""


class RefusedError(Exception):
    """The server answered with an error; the text is the server's own.

    :param status: HTTP status, which in this dialect may be above 599.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def base_url(listen: ListenAddress) -> str:
    """The URL at which a server listening at `listen` is reached from its own machine."""
    return f"http://{ListenAddress(_WILDCARDS.get(listen.host, listen.host), listen.port)}"


def is_ready(url: str) -> bool:
    """Whether the server at `url` says that it can work; ServerUnreachableError when there is none."""
    try:
        return (
            httpx.get(f"{url}/readyz", trust_env=False, timeout=READY_SECONDS).status_code == httpx.codes.OK
        )
    except httpx.HTTPError as error:
        raise _unreachable(url, error) from error


class Client:
    """One account's view of one server. Blocking; use it as a context manager.

    :param url: scheme, host and port, such as `http://127.0.0.1:7070`.
    :param timeout: seconds that connecting, and then each read, may take.
    """

    def __init__(self, url: str, access_key: str, secret_key: str, *, timeout: float = 10.0) -> None:
        self.url = url
        self._access_key = access_key
        self._secret_key = secret_key
        # A proxy of the environment has no business between this command and its own server.
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """Fetch JSON; RefusedError when the server says no, ServerUnreachableError when there is none."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Send a JSON body and return the JSON of the answer; raises like `get`."""
        return self._call("POST", path, json.dumps(dict(body)).encode())

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """The same as `post`, by PATCH."""
        return self._call("PATCH", path, json.dumps(dict(body)).encode())

    def delete(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Delete and return the JSON of the answer; raises like `get`."""
        return self._call("DELETE", path, json.dumps(dict(body)).encode() if body is not None else b"")

    def _call(self, method: str, target: str, body: bytes = b"") -> Any:
        request = self._http.build_request(method, target, content=body or None)
        if body:
            request.headers["Content-Type"] = _JSON
        request.headers["X-Qiniu-Date"] = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        request.headers["Authorization"] = self._authorization(request, body)
        try:
            return _result(self._http.send(request))
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error

    def _authorization(self, request: httpx.Request, body: bytes) -> str:
        path, _, query = request.url.raw_path.partition(b"?")
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        signed = SignedRequest.of_headers(request.method, path, query, headers, body)
        return sign_qiniu(signed, self._access_key, self._secret_key)


def _unreachable(url: str, error: httpx.HTTPError) -> ServerUnreachableError:
    return ServerUnreachableError(f"no server answers at {url} ({error})")


def _result(response: httpx.Response) -> Any:
    """The JSON of a success; RefusedError with the server's words otherwise."""
    try:
        document = response.json()
    except ValueError:
        document = {}
    if response.is_success:
        return document
    message = document.get("error") if isinstance(document, dict) else None
    raise RefusedError(
        response.status_code, message or f"the server answered with status {response.status_code}"
    )
