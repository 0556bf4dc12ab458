"""The little of the WebSocket protocol that a sender of large binary messages needs (RFC 6455)."""

import base64
import hashlib
import struct

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL_BINARY = 0x82
MAX_CLOSE_REASON = 123


def accept_key(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept value for a client's Sec-WebSocket-Key (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def binary_header(size: int) -> bytes:
    """What a server sends before an unfragmented binary message of `size` bytes (RFC 6455 section 5.2)."""
    if size < 126:
        return bytes((_FINAL_BINARY, size))
    if size < 1 << 16:
        return struct.pack(">BBH", _FINAL_BINARY, 126, size)
    return struct.pack(">BBQ", _FINAL_BINARY, 127, size)


def close_reason(text: str) -> str:
    """As much of a text as a Close frame can carry (RFC 6455 section 5.5: 125 bytes with the code)."""
    return text.encode()[:MAX_CLOSE_REASON].decode(errors="ignore")
