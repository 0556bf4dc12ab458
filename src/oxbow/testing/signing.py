"""Signing test requests: ``httpx.AsyncClient(auth=QiniuAuth(access_key, secret_key), ...)``."""

from __future__ import annotations

from collections.abc import Generator

import httpx

from oxbow.kernel.signing import SignedRequest, sign_qbox, sign_qiniu


class QiniuAuth(httpx.Auth):
    """Signs each request, in the ``Qiniu`` scheme unless told otherwise, and without a date of its own."""

    requires_request_body = True

    def __init__(self, access_key: str, secret_key: str, *, qbox: bool = False) -> None:
        self._keys = access_key, secret_key
        self._sign = sign_qbox if qbox else sign_qiniu

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the Authorization header."""
        path, _, query = request.url.raw_path.partition(b"?")
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        signed = SignedRequest.of_headers(request.method, path, query, headers, request.content)
        request.headers["Authorization"] = self._sign(signed, *self._keys)
        yield request
