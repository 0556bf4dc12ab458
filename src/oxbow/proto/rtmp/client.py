"""The client's end of one RTMP connection, to publish or to play one stream, without a socket.

Tests and benchmarks drive the server with it; it speaks as FFmpeg does.
"""

import os
from dataclasses import dataclass
from typing import Any

from oxbow.proto import amf0
from oxbow.proto.rtmp import commands
from oxbow.proto.rtmp.chunks import OUT_CHUNK_SIZE, ChunkReader
from oxbow.proto.rtmp.commands import Command
from oxbow.proto.rtmp.handshake import ClientHandshake, Random
from oxbow.proto.rtmp.message import (
    AUDIO,
    COMMAND,
    COMMAND_AMF3,
    DATA,
    USER_CONTROL,
    VIDEO,
    WINDOW_ACKNOWLEDGEMENT_SIZE,
    Message,
)
from oxbow.proto.rtmp.outbox import AUDIO_CSID, STREAM_CSID, VIDEO_CSID, Outbox

_CSIDS = {AUDIO: AUDIO_CSID, VIDEO: VIDEO_CSID, DATA: STREAM_CSID}


@dataclass(frozen=True, slots=True)
class Connected:
    """The server accepted the application."""

    properties: dict[str, Any]
    """fmsVer, capabilities, and what Enhanced RTMP adds."""


@dataclass(frozen=True, slots=True)
class StatusReceived:
    """``onStatus``, or the reason in an ``_error``: how the server answers publish and play."""

    level: str
    """"status", "warning" or "error"."""
    code: str
    """Such as NetStream.Publish.Start."""
    description: str


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """The server said that no media follows."""


ClientEvent = Message | Connected | StatusReceived | StreamEnded


class ClientConnection:
    """Say ``publish`` or ``play`` once; the connection gets there as the server's answers come in."""

    def __init__(
        self,
        app: str,
        tc_url: str,
        *,
        properties: dict[str, object] | None = None,
        chunk_size: int = OUT_CHUNK_SIZE,
        random: Random = os.urandom,
    ) -> None:
        """``properties`` are added to those of ``connect``; ``chunk_size`` is what this end writes."""
        self._handshake: ClientHandshake | None = ClientHandshake(random=random)
        self._reader = ChunkReader()
        self._out = Outbox()
        self._out.raw(self._handshake.start())
        self._properties = {"app": app, "tcUrl": tc_url, "flashVer": "FMLE/3.0 (Oxbow)"} | (properties or {})
        self._chunk_size = chunk_size
        self._waiting: dict[float, str] = {}
        self._transaction = 0
        self._goal: tuple[str, str] | None = None
        self._connected = False
        self._received = self._acknowledged = self._window = 0
        self.stream_id = 0
        """The message stream the server handed out; 0 until then."""

    def data_to_send(self) -> bytes:
        """What waits for the socket; it is forgotten here once it is returned."""
        return self._out.take()

    def publish(self, name: str) -> None:
        """Publish ``name`` (with its query string) live, as soon as the server allows it."""
        self._pursue("publish", name)

    def play(self, name: str) -> None:
        """Play ``name`` (with its query string), as soon as the server allows it."""
        self._pursue("play", name)

    def send(self, type_id: int, timestamp: int, payload: bytes) -> None:
        """Send audio (8), video (9) or script data (18) on the published stream."""
        self._out.message(Message(type_id, timestamp, self.stream_id, payload), _CSIDS[type_id])

    def send_metadata(self, metadata: dict[str, object]) -> None:
        """Send ``metadata`` as ``onMetaData``, the way encoders do."""
        self.send(DATA, 0, amf0.encode("@setDataFrame", "onMetaData", amf0.EcmaArray(metadata)))

    def close_stream(self) -> None:
        """End publishing or playing."""
        if self._goal is not None and self._goal[0] == "publish":
            self._call("FCUnpublish", None, self._goal[1])
        self._call("deleteStream", None, self.stream_id)

    def receive(self, data: bytes) -> list[ClientEvent]:
        """What the server's ``data`` means, in order. Raises ProtocolError; the connection is over then."""
        self._received += len(data)
        if self._handshake is not None:
            data = self._shake_hands(self._handshake, data)
        events: list[ClientEvent] = []
        for message in self._reader.receive(data):
            self._dispatch(message, events)
        if self._window and self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._out.control(commands.acknowledgement(self._received))
        return events

    def _shake_hands(self, handshake: ClientHandshake, data: bytes) -> bytes:
        self._out.raw(handshake.receive(data))
        if handshake.done:
            self._handshake = None
            self._out.announce_chunk_size(self._chunk_size)
            self._call("connect", self._properties)
        return handshake.leftover

    def _pursue(self, verb: str, name: str) -> None:
        if self._goal is not None:
            raise RuntimeError("a client connection publishes or plays one stream")
        self._goal = (verb, name)
        if self._connected:
            self._ask_for_stream()

    def _ask_for_stream(self) -> None:
        if self._goal is not None and self._goal[0] == "publish":
            self._call("releaseStream", None, self._goal[1])
            self._call("FCPublish", None, self._goal[1])
        self._call("createStream", None)

    def _call(self, name: str, *values: object) -> None:
        self._transaction += 1
        self._waiting[self._transaction] = name
        self._out.command(name, self._transaction, *values)

    def _dispatch(self, message: Message, events: list[ClientEvent]) -> None:
        if message.type_id in _CSIDS:
            events.append(message)
        elif message.type_id in (COMMAND, COMMAND_AMF3):
            self._on_command(commands.parse_command(message), events)
        elif message.type_id == WINDOW_ACKNOWLEDGEMENT_SIZE:
            self._window = int.from_bytes(message.payload[:4], "big")
        elif message.type_id == USER_CONTROL:
            self._on_user_control(message.payload, events)

    def _on_user_control(self, payload: bytes, events: list[ClientEvent]) -> None:
        event, value = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:6], "big")
        if event == commands.PING_REQUEST:
            self._out.control(commands.user_control(commands.PING_RESPONSE, value))
        elif event == commands.STREAM_EOF:
            events.append(StreamEnded())

    def _on_command(self, command: Command, events: list[ClientEvent]) -> None:
        if command.name == "_result":
            self._on_result(self._waiting.pop(command.transaction, ""), command, events)
        elif command.name in ("onStatus", "_error"):
            self._waiting.pop(command.transaction, "")
            events.append(_status_of(command))

    def _on_result(self, asked: str, command: Command, events: list[ClientEvent]) -> None:
        if asked == "connect":
            self._connected = True
            events.append(Connected(command.object if isinstance(command.object, dict) else {}))
            if self._goal is not None:
                self._ask_for_stream()
        elif asked == "createStream" and self._goal is not None:
            self.stream_id = int(commands.number(command.argument(0), 1.0)) & 0xFFFFFFFF
            verb, name = self._goal
            options: tuple[object, ...] = ("live",) if verb == "publish" else (-2, -1, True)
            self._out.command(verb, 0, None, name, *options, stream_id=self.stream_id)


def _status_of(command: Command) -> StatusReceived:
    info = command.argument(0)
    if not isinstance(info, dict):
        info = {}
    level, code, description = (str(info.get(key, "")) for key in ("level", "code", "description"))
    return StatusReceived(level, code, description)
