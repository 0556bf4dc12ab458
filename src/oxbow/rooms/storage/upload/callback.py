"""The callback of an upload: signed as the official SDKs verify it, and sent by the guarded client."""

from __future__ import annotations

import json

from oxbow.kernel.outbound import OutboundClient, OutboundError, parse_url
from oxbow.kernel.signing import SignedRequest, sign_qbox
from oxbow.rooms.storage.errors import CallbackFailed
from oxbow.rooms.storage.upload.grants import Grant

SECONDS = 10.0
MAX_ANSWER = 1 << 20


class UploadCaller:
    """Tries the addresses of the policy in turn, until one answers with 200 and JSON."""

    def __init__(self, client: OutboundClient) -> None:
        self._client = client

    async def call(self, grant: Grant, body: str, content_type: str) -> object:
        """The JSON that the application answers; CallbackFailed with the last address's reason."""
        failure = CallbackFailed("callbackUrl names no address")
        for url in filter(None, grant.policy.callback_url.split(";")):
            try:
                return await self._try(url.strip(), grant, body, content_type)
            except CallbackFailed as error:
                failure = error
        raise failure

    async def _try(self, url: str, grant: Grant, body: str, content_type: str) -> object:
        try:
            answer = await self._client.request(
                "POST",
                url,
                headers=_headers(url, grant, body.encode(), content_type),
                content=body.encode(),
                timeout=SECONDS,
                max_bytes=MAX_ANSWER,
                redirects=0,
            )
        except OutboundError as error:
            raise CallbackFailed(str(error)) from None
        if answer.status != 200:
            raise CallbackFailed(f"the application answered with status {answer.status}")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise CallbackFailed("the application's answer is no JSON") from None


def _headers(url: str, grant: Grant, body: bytes, content_type: str) -> dict[str, str]:
    target = parse_url(url)
    request = SignedRequest.of_headers(
        "POST",
        target.raw_path.partition(b"?")[0],
        target.query,
        [(b"content-type", content_type.encode())],
        body,
    )
    headers = {
        "Content-Type": content_type,
        "Authorization": sign_qbox(request, grant.access_key, grant.secret_key),
    }
    if grant.policy.callback_host:
        headers["Host"] = grant.policy.callback_host
    return headers
