"""Commands and protocol control messages as values (RTMP 5.4, 7.1 and 7.2)."""

from typing import Any, Final, NamedTuple

from oxbow.proto import amf0, flv
from oxbow.proto.rtmp.message import (
    ACKNOWLEDGEMENT,
    COMMAND,
    COMMAND_AMF3,
    DATA,
    DATA_AMF3,
    SET_CHUNK_SIZE,
    SET_PEER_BANDWIDTH,
    USER_CONTROL,
    WINDOW_ACKNOWLEDGEMENT_SIZE,
    Message,
    RtmpError,
)

MAX_COMMAND_SIZE: Final = 64 << 10
"""Bytes of one command; the largest that clients send, ``connect``, takes less than one kilobyte."""
MAX_NAME_LENGTH: Final = 1024
"""Characters of a stream or application name, query string included."""

STREAM_BEGIN: Final = 0
STREAM_EOF: Final = 1
PING_REQUEST: Final = 6
PING_RESPONSE: Final = 7
_DYNAMIC_LIMIT: Final = 2
_SET_DATA_FRAME: Final = amf0.encode("@setDataFrame")
_CLEAR_DATA_FRAME: Final = amf0.encode("@clearDataFrame")
_AGGREGATE_HEADER: Final = flv.TAG_HEADER_SIZE


class Command(NamedTuple):
    """A command message, taken apart."""

    name: str
    transaction: float
    """0 when no answer is wanted."""
    object: Any
    """The command object: a dict for ``connect``, otherwise mostly None."""
    arguments: list[Any]
    stream_id: int

    def argument(self, index: int, default: Any = None) -> Any:
        """The argument at ``index``, or ``default`` when the client left it out."""
        return self.arguments[index] if index < len(self.arguments) else default


def parse_command(message: Message) -> Command:
    """The command in a message of type 20, or of type 17, which puts one byte in front of the same AMF0.

    Raises RtmpError or AmfError.
    """
    payload = message.payload
    if len(payload) > MAX_COMMAND_SIZE:
        raise RtmpError(f"command of {len(payload)} bytes; at most {MAX_COMMAND_SIZE} are accepted")
    if message.type_id == COMMAND_AMF3 and payload[:1] == b"\x00":
        payload = payload[1:]
    values = amf0.decode(payload)
    if len(values) < 2 or not isinstance(values[0], str) or not isinstance(values[1], float):
        raise RtmpError("a command begins with its name (string) and transaction id (number)")
    command_object = values[2] if len(values) > 2 else None
    return Command(values[0], values[1], command_object, values[3:], message.stream_id)


def command(name: str, transaction: float, *values: object, stream_id: int = 0) -> Message:
    """A command message; ``values`` are the command object and the arguments."""
    return Message(COMMAND, 0, stream_id, amf0.encode(name, transaction, *values))


def data(*values: object, stream_id: int, timestamp: int = 0) -> Message:
    """A script data message, such as ``onMetaData``."""
    return Message(DATA, timestamp, stream_id, amf0.encode(*values))


def status(level: str, code: str, description: str, **details: object) -> dict[str, object]:
    """The information object of ``onStatus``, ``_result`` and ``_error``."""
    return {"level": level, "code": code, "description": description, **details}


def set_chunk_size(size: int) -> Message:
    return Message(SET_CHUNK_SIZE, 0, 0, size.to_bytes(4, "big"))


def acknowledgement(received: int) -> Message:
    """``received`` is the number of bytes so far; it wraps at 32 bits."""
    return Message(ACKNOWLEDGEMENT, 0, 0, (received & 0xFFFFFFFF).to_bytes(4, "big"))


def window_acknowledgement_size(size: int) -> Message:
    return Message(WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 0, size.to_bytes(4, "big"))


def set_peer_bandwidth(size: int) -> Message:
    return Message(SET_PEER_BANDWIDTH, 0, 0, size.to_bytes(4, "big") + bytes((_DYNAMIC_LIMIT,)))


def user_control(event: int, value: int) -> Message:
    """A user control message with one 32-bit value: a stream id, or the timestamp of a ping."""
    payload = event.to_bytes(2, "big") + (value & 0xFFFFFFFF).to_bytes(4, "big")
    return Message(USER_CONTROL, 0, 0, payload)


def checked_name(value: object, what: str) -> str:
    """``value`` if it may name a stream or an application. Raises RtmpError that names ``what``."""
    if not isinstance(value, str):
        raise RtmpError(f"the {what} must be a string")
    if len(value) > MAX_NAME_LENGTH:
        raise RtmpError(f"the {what} has {len(value)} characters; at most {MAX_NAME_LENGTH} are accepted")
    if not value.isprintable():
        raise RtmpError(f"the {what} contains control or other unprintable characters")
    return value


def number(value: object, default: float) -> float:
    """``value`` if it is a number that fits an integer of 53 bits, else ``default``."""
    return value if isinstance(value, float) and abs(value) < 1 << 53 else default


def plain_data(message: Message) -> Message | None:
    """Script data as FLV has it: type 18, and without the ``@setDataFrame`` that only addresses the server.

    None for ``@clearDataFrame``, which has no meaning downstream.
    """
    payload = message.payload
    if message.type_id == DATA_AMF3 and payload[:1] == b"\x00":
        payload = payload[1:]
    if payload.startswith(_CLEAR_DATA_FRAME):
        return None
    payload = payload.removeprefix(_SET_DATA_FRAME)
    return message._replace(type_id=DATA, payload=payload)


def split_aggregate(message: Message) -> list[Message]:
    """The messages in an aggregate (RTMP 7.1.6): FLV tags, whose first carries the aggregate's own time.

    Raises RtmpError when a tag is cut short.
    """
    payload = message.payload
    parts: list[Message] = []
    position, shift = 0, 0
    while position < len(payload):
        body = position + _AGGREGATE_HEADER
        header = payload[position:body]
        end = body + int.from_bytes(header[1:4], "big")
        if len(header) < _AGGREGATE_HEADER or end > len(payload):
            raise RtmpError("aggregate message ends within one of its parts")
        timestamp = header[7] << 24 | int.from_bytes(header[4:7], "big")
        if not parts:
            shift = message.timestamp - timestamp
        parts.append(Message(header[0], timestamp + shift & 0xFFFFFFFF, message.stream_id, payload[body:end]))
        position = end + flv.PREVIOUS_TAG_SIZE
    return parts
