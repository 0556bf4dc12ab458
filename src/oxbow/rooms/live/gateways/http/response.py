"""HTTP answers of the media port."""

import json
from http import HTTPStatus

from wsproto.frame_protocol import CloseReason

MAX_HEAD = 16 * 1024
"""Bytes of a request's head."""

_CORS = b"Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Content-Length, X-Reqid\r\n"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}


def head(status: int, headers: dict[str, str], reqid: str, *, keep_alive: bool) -> bytes:
    """Status line and headers. Browsers of every origin may play, and every answer carries its request's
    id."""
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {phrase}", "Server: oxbow", f"X-Reqid: {reqid}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n" + _CORS + b"\r\n"


def error_body(message: str) -> bytes:
    """An error as everywhere in the cloud."""
    return json.dumps({"error": message}, ensure_ascii=False).encode()


def close_code(payload: object) -> int:
    """The code in a Close frame as wsproto reads it."""
    return int(payload[0]) if isinstance(payload, tuple) else int(CloseReason.NORMAL_CLOSURE)


def upgraded(accept: str, reqid: str) -> bytes:
    """The head that turns a connection into a WebSocket (RFC 6455 section 4.2.2)."""
    lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    return "\r\n".join((*lines, f"Sec-WebSocket-Accept: {accept}", f"X-Reqid: {reqid}", "", "")).encode()
