"""Messages into chunks (RTMP 5.3.1)."""

from typing import Final

from oxbow.proto.rtmp.message import Message

OUT_CHUNK_SIZE: Final = 60_000
"""What this server announces and writes: most frames then travel in one chunk."""
MAX_MESSAGE_SIZE: Final = 0xFFFFFF
"""What the header's 24 bits can say."""
EXTENDED: Final = 0xFFFFFF
"""In the header's timestamp field: the timestamp takes 32 bits behind the header."""


def encode_message(message: Message, *, csid: int, chunk_size: int) -> bytes:
    """The chunks of ``message`` on chunk stream ``csid`` (2 to 65599), each at most ``chunk_size`` bytes.

    The first has a full header (type 0) with the absolute timestamp, the others have type 3, so the
    bytes mean the same whatever was sent before them.
    """
    type_id, timestamp, stream_id, payload = message
    timestamp %= 1 << 32
    extended = timestamp.to_bytes(4, "big") if timestamp >= EXTENDED else b""
    header = b"".join(
        (
            basic_header(0, csid),
            min(timestamp, EXTENDED).to_bytes(3, "big"),
            len(payload).to_bytes(3, "big"),
            bytes((type_id,)),
            stream_id.to_bytes(4, "little"),
            extended,
        )
    )
    if len(payload) <= chunk_size:
        return header + payload
    separator = basic_header(3, csid) + extended
    pieces = [payload[start : start + chunk_size] for start in range(0, len(payload), chunk_size)]
    return header + separator.join(pieces)


def basic_header(form: int, csid: int) -> bytes:
    """The one to three bytes that name a chunk's header type and chunk stream (RTMP 5.3.1.1)."""
    if csid < 64:
        return bytes((form << 6 | csid,))
    if csid < 320:
        return bytes((form << 6, csid - 64))
    return bytes((form << 6 | 1, csid - 64 & 0xFF, csid - 64 >> 8))
