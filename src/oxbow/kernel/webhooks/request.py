"""A hook as an HTTP request, signed as the official SDKs check callbacks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from oxbow.kernel.accounts import KeyPair
from oxbow.kernel.outbound import parse_url
from oxbow.kernel.signing import FORM, SignedRequest, sign_qbox, sign_qiniu
from oxbow.kernel.webhooks.models import Hook

_JSON = b"application/json"


@dataclass(frozen=True)
class HookRequest:
    """What goes over the wire."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes


def hook_request(hook: Hook, pair: KeyPair | None) -> HookRequest:
    """Build and sign the request; OutboundRefused if no request may have the URL.

    GET and FORM are signed as `QBox`, which every SDK's verifyCallback knows. JSON is signed as `Qiniu`,
    since QBox covers no body but a form's. Without a pair, because the account has none, nothing is signed.
    """
    address = hook.url
    if hook.method == "GET" and hook.vars:
        address += ("&" if "?" in address else "?") + urlencode(hook.vars)
    url = parse_url(address)
    content_type, content = b"", b""
    if hook.method == "FORM":
        content_type, content = FORM, urlencode(hook.vars).encode()
    elif hook.method == "JSON":
        content_type, content = _JSON, json.dumps(dict(hook.vars), ensure_ascii=False).encode()
    headers = {"content-type": content_type.decode()} if content_type else {}
    method = "GET" if hook.method == "GET" else "POST"
    if pair is not None:
        path, _, query = url.raw_path.partition(b"?")
        signed = SignedRequest(method, path, query, url.netloc, content_type, body=content)
        sign = sign_qiniu if hook.method == "JSON" else sign_qbox
        headers["authorization"] = sign(signed, pair.access_key, pair.secret_key)
    return HookRequest(method, str(url), headers, content)
