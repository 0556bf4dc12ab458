"""The server's end of one RTMP connection (RTMP 7.2), handshake included, without a socket."""

import os
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from oxbow.proto import amf0
from oxbow.proto.rtmp import commands
from oxbow.proto.rtmp.capabilities import enhanced_capabilities
from oxbow.proto.rtmp.chunks import DEFAULT_CHUNK_SIZE, OUT_CHUNK_SIZE, ChunkReader, encode_message
from oxbow.proto.rtmp.commands import Command
from oxbow.proto.rtmp.events import (
    Acknowledged,
    ConnectRequested,
    Event,
    PauseRequested,
    PingAnswered,
    PlayRequested,
    PublishRequested,
    StreamClosed,
)
from oxbow.proto.rtmp.handshake import Random, ServerHandshake
from oxbow.proto.rtmp.message import (
    ACKNOWLEDGEMENT,
    AGGREGATE,
    AUDIO,
    COMMAND,
    COMMAND_AMF3,
    DATA,
    DATA_AMF3,
    USER_CONTROL,
    VIDEO,
    WINDOW_ACKNOWLEDGEMENT_SIZE,
    Message,
    RtmpError,
)

MAX_STREAMS: Final = 4
"""Message streams that one connection may create; encoders and players need one."""
WINDOW_SIZE: Final = 2_500_000
"""Bytes after which the client is asked to acknowledge."""

_MEDIA: Final = frozenset({AUDIO, VIDEO})
_CONTROL_CSID, _COMMAND_CSID, _STREAM_CSID = 2, 3, 5


class _Use(Enum):
    """What a message stream is used for; one thing at a time."""

    NOTHING = "nothing"
    PUBLISH = "publish"
    PLAY = "play"


class _Stream:
    """A message stream that createStream handed out."""

    __slots__ = ("name", "reset", "use")

    def __init__(self) -> None:
        self.use = _Use.NOTHING
        self.name = ""
        self.reset = False


class ServerConnection:
    """One client. Feed ``receive``, act on its events, send what ``data_to_send`` returns.

    Answered without the caller: the handshake, windows and acknowledgements, pings, createStream, and
    the courtesies of encoders (releaseStream, FCPublish, getStreamLength, _checkbw). The caller
    decides about connect, publish and play, and may do so later, while it goes on feeding.
    """

    def __init__(self, *, random: Random = os.urandom, max_message_size: int = 4 << 20) -> None:
        self._handshake: ServerHandshake | None = ServerHandshake(random=random)
        self._reader = ChunkReader(max_message_size=max_message_size)
        self._out = bytearray()
        self._out_chunk_size = DEFAULT_CHUNK_SIZE
        self._connect: Command | None = None
        self._streams: dict[int, _Stream] = {}
        self._publishing: set[int] = set()
        self._received = 0
        self._acknowledged = 0
        self._window = 0

    @property
    def bytes_received(self) -> int:
        """All bytes fed so far, handshake included."""
        return self._received

    @property
    def handshake_done(self) -> bool:
        return self._handshake is None

    def data_to_send(self) -> bytes:
        """What waits for the socket; it is forgotten here once it is returned."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes) -> list[Event]:
        """What the client's ``data`` means, in order. Raises ProtocolError; the connection is over then."""
        self._received += len(data)
        if self._handshake is not None:
            data = self._shake_hands(self._handshake, data)
        events: list[Event] = []
        publishing = self._publishing
        for message in self._reader.receive(data):
            if message[0] in _MEDIA and message[2] in publishing:
                events.append(message)
            else:
                self._dispatch(message, events)
        if self._window and self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._control(commands.acknowledgement(self._received))
        return events

    def _shake_hands(self, handshake: ServerHandshake, data: bytes) -> bytes:
        self._out += handshake.receive(data)
        if handshake.done:
            self._handshake = None
        return handshake.leftover

    # What the caller answers.

    def accept_connect(self) -> None:
        """Welcome the client, and announce our window and chunk size."""
        connect = self._asked_connect()
        properties = connect.object if isinstance(connect.object, dict) else {}
        self._control(commands.window_acknowledgement_size(WINDOW_SIZE))
        self._control(commands.set_peer_bandwidth(WINDOW_SIZE))
        self._control(commands.set_chunk_size(OUT_CHUNK_SIZE))
        self._out_chunk_size = OUT_CHUNK_SIZE
        server = {"fmsVer": "FMS/3,5,7,7009", "capabilities": 31, "mode": 1}
        encoding = 3 if properties.get("objectEncoding") == 3 else 0
        info = commands.status(
            "status", "NetConnection.Connect.Success", "Connection succeeded.", objectEncoding=encoding
        )
        self._reply(connect, "_result", server | enhanced_capabilities(properties), info)

    def reject_connect(self, description: str) -> None:
        """Refuse the application; close the connection afterwards."""
        info = commands.status("error", "NetConnection.Connect.Rejected", description)
        self._reply(self._asked_connect(), "_error", None, info)

    def accept_publish(self, stream_id: int = 1) -> None:
        """The publisher may send; it usually waits for this."""
        name = self._asked(stream_id, _Use.PUBLISH).name
        self._control(commands.user_control(commands.STREAM_BEGIN, stream_id))
        self._status(stream_id, "status", "NetStream.Publish.Start", f"{_bare(name)} is now published.")

    def reject_publish(self, description: str, stream_id: int = 1) -> None:
        """Refuse, with a reason that the publisher's software shows; close the connection afterwards."""
        self._asked(stream_id, _Use.PUBLISH)
        self._release(stream_id)
        self._status(stream_id, "error", "NetStream.Publish.BadName", description)

    def accept_play(self, stream_id: int = 1) -> None:
        """Tell the player that media follows; the caller writes it behind this, on its own chunk streams."""
        stream = self._asked(stream_id, _Use.PLAY)
        name = _bare(stream.name)
        self._control(commands.user_control(commands.STREAM_BEGIN, stream_id))
        if stream.reset:
            self._status(stream_id, "status", "NetStream.Play.Reset", f"Playing and resetting {name}.")
        self._status(stream_id, "status", "NetStream.Play.Start", f"Started playing {name}.")
        access = commands.data("|RtmpSampleAccess", True, True, stream_id=stream_id)
        start = commands.data("onStatus", {"code": "NetStream.Data.Start"}, stream_id=stream_id)
        self._send(access, _STREAM_CSID)
        self._send(start, _STREAM_CSID)

    def reject_play(self, code: str, description: str, stream_id: int = 1) -> None:
        """Refuse, with a code such as NetStream.Play.StreamNotFound."""
        self._asked(stream_id, _Use.PLAY)
        self._release(stream_id)
        self._status(stream_id, "error", code, description)

    def unpublish_notify(self, stream_id: int = 1) -> None:
        """Tell a player that the publisher has gone."""
        name = self._asked(stream_id, _Use.PLAY).name
        description = f"{_bare(name)} is now unpublished."
        self._status(stream_id, "status", "NetStream.Play.UnpublishNotify", description)

    def stream_eof(self, stream_id: int = 1) -> None:
        """Tell a player that no media follows."""
        self._control(commands.user_control(commands.STREAM_EOF, stream_id))

    def ping_request(self, timestamp: int) -> None:
        """Ask the client for a PingAnswered event with the same ``timestamp`` (32 bits)."""
        self._control(commands.user_control(commands.PING_REQUEST, timestamp))

    # What comes in.

    def _dispatch(self, message: Message, events: list[Event]) -> None:
        """Everything but the audio and video of a stream that is being published."""
        type_id = message.type_id
        if type_id in (COMMAND, COMMAND_AMF3):
            self._on_command(commands.parse_command(message), events)
        elif type_id in (DATA, DATA_AMF3):
            self._on_data(message, events)
        elif type_id == AGGREGATE:
            self._on_aggregate(message, events)
        elif type_id == USER_CONTROL:
            self._on_user_control(message.payload, events)
        elif type_id == ACKNOWLEDGEMENT:
            events.append(Acknowledged(int.from_bytes(message.payload[:4], "big")))
        elif type_id == WINDOW_ACKNOWLEDGEMENT_SIZE:
            self._window = int.from_bytes(message.payload[:4], "big")
        # The rest is shared objects, bandwidth limits, and media of a stream that nobody publishes.

    def _on_data(self, message: Message, events: list[Event]) -> None:
        if message.stream_id in self._publishing:
            plain = commands.plain_data(message)
            if plain is not None:
                events.append(plain)

    def _on_aggregate(self, message: Message, events: list[Event]) -> None:
        if message.stream_id not in self._publishing:
            return
        for part in commands.split_aggregate(message):
            if part.type_id in _MEDIA:
                events.append(part)
            elif part.type_id in (DATA, DATA_AMF3):
                self._on_data(part, events)

    def _on_user_control(self, payload: bytes, events: list[Event]) -> None:
        event, value = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:6], "big")
        if event == commands.PING_REQUEST:
            self._control(commands.user_control(commands.PING_RESPONSE, value))
        elif event == commands.PING_RESPONSE:
            events.append(PingAnswered(value))

    def _on_command(self, command: Command, events: list[Event]) -> None:
        if command.name != "connect" and self._connect is None:
            raise RtmpError(f"{command.name[:32]!r} came before connect")
        handler = _HANDLERS.get(command.name)
        if handler is not None:
            handler(self, command, events)
        elif command.transaction and command.name not in ("_result", "_error"):
            info = commands.status("error", "NetConnection.Call.Failed", "No such method.")
            self._reply(command, "_error", None, info)

    def _on_connect(self, command: Command, events: list[Event]) -> None:
        if self._connect is not None:
            raise RtmpError("connect came twice")
        self._connect = command
        properties = command.object if isinstance(command.object, dict) else {}
        try:
            app = commands.checked_name(properties.get("app", ""), "application name")
            tc_url = commands.checked_name(properties.get("tcUrl") or "", "tcUrl")
        except RtmpError as error:
            self.reject_connect(str(error))
            raise
        events.append(ConnectRequested(app, tc_url, properties))

    def _on_create_stream(self, command: Command, _events: list[Event]) -> None:
        if len(self._streams) >= MAX_STREAMS:
            description = f"A connection has at most {MAX_STREAMS} streams."
            info = commands.status("error", "NetConnection.Call.Failed", description)
            self._reply(command, "_error", None, info)
            return
        stream_id = next(number for number in range(1, MAX_STREAMS + 1) if number not in self._streams)
        self._streams[stream_id] = _Stream()
        self._reply(command, "_result", None, stream_id)

    def _on_publish(self, command: Command, events: list[Event]) -> None:
        name = self._begin(command, _Use.PUBLISH, "NetStream.Publish.BadName")
        if name is None:
            return
        self._publishing.add(command.stream_id)
        publish_type = command.argument(1)
        if not isinstance(publish_type, str):
            publish_type = "live"
        events.append(PublishRequested(command.stream_id, name, publish_type[:16], command.transaction))

    def _on_play(self, command: Command, events: list[Event]) -> None:
        name = self._begin(command, _Use.PLAY, "NetStream.Play.Failed")
        if name is None:
            return
        start = _number(command.argument(1), -2.0)
        duration = _number(command.argument(2), -1.0)
        reset = command.argument(3) not in (False, 0)
        self._streams[command.stream_id].reset = reset
        events.append(PlayRequested(command.stream_id, name, start, duration, reset, command.transaction))

    def _begin(self, command: Command, use: _Use, refusal: str) -> str | None:
        """Take a stream for ``use`` and return the name that was asked for; None when it is refused.

        A name that no stream can have raises RtmpError, once the client has been told.
        """
        stream_id = command.stream_id
        stream = self._streams.get(stream_id)
        if stream is None or stream.use is not _Use.NOTHING:
            problem = "was not created" if stream is None else f"is already used to {stream.use.value}"
            self._status(stream_id, "error", refusal, f"Stream {stream_id} {problem}.")
            return None
        try:
            name = commands.checked_name(command.argument(0), "stream name")
            if not name:
                raise RtmpError("the stream name is empty")
        except RtmpError as error:
            self._status(stream_id, "error", refusal, str(error))
            raise
        stream.use, stream.name = use, name
        return name

    def _on_pause(self, command: Command, events: list[Event]) -> None:
        stream = self._streams.get(command.stream_id)
        if stream is None or stream.use is not _Use.PLAY:
            return
        paused = bool(command.argument(0, True))
        code = "NetStream.Pause.Notify" if paused else "NetStream.Unpause.Notify"
        self._status(command.stream_id, "status", code, "Paused." if paused else "Playing on.")
        events.append(PauseRequested(command.stream_id, paused, _number(command.argument(1), 0.0)))

    def _on_seek(self, command: Command, _events: list[Event]) -> None:
        if command.stream_id in self._streams:
            self._status(
                command.stream_id, "error", "NetStream.Seek.Failed", "A live stream cannot be sought in."
            )

    def _on_close_stream(self, command: Command, events: list[Event]) -> None:
        self._close(command.stream_id, events)

    def _on_delete_stream(self, command: Command, events: list[Event]) -> None:
        stream_id = int(_number(command.argument(0), 0.0))
        self._close(stream_id, events)
        self._streams.pop(stream_id, None)

    def _on_fc_unpublish(self, command: Command, events: list[Event]) -> None:
        self._courtesy(command, "onFCUnpublish", "NetStream.Unpublish.Success")
        for stream_id in list(self._publishing):
            if self._streams[stream_id].name == command.argument(0):
                self._close(stream_id, events)

    def _on_fc_publish(self, command: Command, _events: list[Event]) -> None:
        self._courtesy(command, "onFCPublish", "NetStream.Publish.Start")

    def _on_courtesy(self, command: Command, _events: list[Event]) -> None:
        if command.transaction:
            self._reply(command, "_result", None, amf0.UNDEFINED)

    def _on_get_stream_length(self, command: Command, _events: list[Event]) -> None:
        self._reply(command, "_result", None, 0)  # A live stream has none.

    def _ignore(self, command: Command, _events: list[Event]) -> None:
        """Flash Media Server answers nothing to these either."""

    # What goes out.

    def _close(self, stream_id: int, events: list[Event]) -> None:
        stream = self._streams.get(stream_id)
        if stream is None or stream.use is _Use.NOTHING:
            return
        if stream.use is _Use.PUBLISH:
            description = f"{_bare(stream.name)} is now unpublished."
            self._status(stream_id, "status", "NetStream.Unpublish.Success", description)
        self._release(stream_id)
        events.append(StreamClosed(stream_id))

    def _release(self, stream_id: int) -> None:
        self._streams[stream_id].use = _Use.NOTHING
        self._publishing.discard(stream_id)

    def _asked_connect(self) -> Command:
        if self._connect is None:
            raise RuntimeError("the client has not asked to connect")
        return self._connect

    def _asked(self, stream_id: int, use: _Use) -> _Stream:
        stream = self._streams.get(stream_id)
        if stream is None or stream.use is not use:
            raise RuntimeError(f"the client has not asked to {use.value} on stream {stream_id}")
        return stream

    def _courtesy(self, command: Command, name: str, code: str) -> None:
        """The answer of Flash Media Server to FCPublish and FCUnpublish, for which old encoders wait."""
        if command.transaction:
            self._reply(command, "_result", None, amf0.UNDEFINED)
        asked = command.argument(0)
        info = commands.status("status", code, _bare(asked) if isinstance(asked, str) else "")
        self._send(commands.command(name, 0, None, info), _COMMAND_CSID)

    def _reply(self, command: Command, name: str, *values: object) -> None:
        answer = commands.command(name, command.transaction, *values, stream_id=command.stream_id)
        self._send(answer, _COMMAND_CSID)

    def _status(self, stream_id: int, level: str, code: str, description: str) -> None:
        info = commands.status(level, code, description)
        self._send(commands.command("onStatus", 0, None, info, stream_id=stream_id), _STREAM_CSID)

    def _control(self, message: Message) -> None:
        self._send(message, _CONTROL_CSID)

    def _send(self, message: Message, csid: int) -> None:
        self._out += encode_message(message, csid=csid, chunk_size=self._out_chunk_size)


def _bare(name: str) -> str:
    """A stream name without its query string, which may hold a secret."""
    return name.partition("?")[0]


def _number(value: Any, default: float) -> float:
    return value if isinstance(value, float) and abs(value) < 1 << 53 else default


_HANDLERS: Final[dict[str, Callable[[ServerConnection, Command, list[Event]], None]]] = {
    "connect": ServerConnection._on_connect,
    "createStream": ServerConnection._on_create_stream,
    "publish": ServerConnection._on_publish,
    "play": ServerConnection._on_play,
    "pause": ServerConnection._on_pause,
    "seek": ServerConnection._on_seek,
    "closeStream": ServerConnection._on_close_stream,
    "deleteStream": ServerConnection._on_delete_stream,
    "releaseStream": ServerConnection._on_courtesy,
    "FCPublish": ServerConnection._on_fc_publish,
    "FCUnpublish": ServerConnection._on_fc_unpublish,
    "FCSubscribe": ServerConnection._on_courtesy,
    "getStreamLength": ServerConnection._on_get_stream_length,
    "_checkbw": ServerConnection._on_courtesy,
    "receiveAudio": ServerConnection._ignore,
    "receiveVideo": ServerConnection._ignore,
    "onStatus": ServerConnection._ignore,
}
