"""The server's end of one RTMP connection (RTMP 7.2), handshake included, without a socket."""

import os
from collections.abc import Callable
from typing import Any, Final

from oxbow.proto import amf0
from oxbow.proto.rtmp import commands
from oxbow.proto.rtmp.capabilities import enhanced_capabilities
from oxbow.proto.rtmp.chunks import OUT_CHUNK_SIZE, ChunkReader
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
from oxbow.proto.rtmp.outbox import Outbox
from oxbow.proto.rtmp.streams import Stream, StreamTable, Use

WINDOW_SIZE: Final = 2_500_000
"""Bytes after which the client is asked to acknowledge."""

_MEDIA: Final = frozenset({AUDIO, VIDEO})
_SERVER: Final = {"fmsVer": "FMS/3,5,7,7009", "capabilities": 31, "mode": 1}
_PUBLISH_REFUSED: Final = "NetStream.Publish.BadName"


class ServerConnection:
    """One client. Feed ``receive``, act on its events, send what ``data_to_send`` returns.

    Answered without the caller: the handshake, windows and acknowledgements, pings, createStream, and
    the courtesies of encoders (releaseStream, FCPublish, getStreamLength, _checkbw). The caller
    decides about connect, publish and play, and may do so later, while it goes on feeding.
    """

    def __init__(self, *, random: Random = os.urandom, max_message_size: int = 4 << 20) -> None:
        self._handshake: ServerHandshake | None = ServerHandshake(random=random)
        self._reader = ChunkReader(max_message_size=max_message_size)
        self._out = Outbox()
        self._connect: Command | None = None
        self._streams = StreamTable()
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
        return self._out.take()

    def receive(self, data: bytes) -> list[Event]:
        """What the client's ``data`` means, in order. Raises ProtocolError; the connection is over then."""
        events: list[Event] = []
        self._consume(data, events.append, events.append)
        return events

    def receive_media(self, data: bytes, media: list[Message], events: list[Event]) -> None:
        """As ``receive``, but sound, picture and script data go to ``media`` and only the rest to
        ``events``: a server that carries hundreds of frames a tick needn't look at each again to tell which
        is which."""
        self._consume(data, media.append, events.append)

    def _consume(self, data: bytes, take: Callable[[Message], None], tell: Callable[[Event], None]) -> None:
        self._received += len(data)
        if self._handshake is not None:
            data = self._shake_hands(self._handshake, data)
        publishing = self._streams.publishing
        for message in self._reader.receive(data):
            if message[0] in _MEDIA and message[2] in publishing:
                take(message)
            else:
                found: list[Event] = []
                self._dispatch(message, found)
                for event in found:
                    if isinstance(event, Message):
                        take(event)
                    else:
                        tell(event)
        if self._window and self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._out.control(commands.acknowledgement(self._received))

    def _shake_hands(self, handshake: ServerHandshake, data: bytes) -> bytes:
        self._out.raw(handshake.receive(data))
        if handshake.done:
            self._handshake = None
        return handshake.leftover

    # What the caller answers.

    def accept_connect(self) -> None:
        """Welcome the client, and announce our window and chunk size."""
        connect = self._asked_connect()
        properties = _properties(connect)
        self._out.control(commands.window_acknowledgement_size(WINDOW_SIZE))
        self._out.control(commands.set_peer_bandwidth(WINDOW_SIZE))
        self._out.announce_chunk_size(OUT_CHUNK_SIZE)
        encoding = 3 if properties.get("objectEncoding") == 3 else 0
        info = commands.status(
            "status", "NetConnection.Connect.Success", "Connection succeeded.", objectEncoding=encoding
        )
        self._out.reply(connect, "_result", _SERVER | enhanced_capabilities(properties), info)

    def reject_connect(self, description: str) -> None:
        """Refuse the application; close the connection afterwards."""
        info = commands.status("error", "NetConnection.Connect.Rejected", description)
        self._out.reply(self._asked_connect(), "_error", None, info)

    # An answer about a stream that the client has closed in the meantime is dropped.

    def accept_publish(self, stream_id: int = 1) -> None:
        """The publisher may send; it usually waits for this."""
        stream = self._streams.used(stream_id, Use.PUBLISH)
        if stream is None:
            return
        description = f"{_bare(stream.name)} is now published."
        self._out.control(commands.user_control(commands.STREAM_BEGIN, stream_id))
        self._out.status(stream_id, "status", "NetStream.Publish.Start", description)

    def reject_publish(self, description: str, stream_id: int = 1) -> None:
        """Refuse, with a reason that the publisher's software shows; close the connection afterwards."""
        if self._streams.used(stream_id, Use.PUBLISH) is not None:
            self._streams.end(stream_id)
            self._out.status(stream_id, "error", _PUBLISH_REFUSED, description)

    def accept_play(self, stream_id: int = 1) -> None:
        """Tell the player that media follows; the caller writes it behind this, framed by itself."""
        stream = self._streams.used(stream_id, Use.PLAY)
        if stream is None:
            return
        name = _bare(stream.name)
        self._out.control(commands.user_control(commands.STREAM_BEGIN, stream_id))
        if stream.reset:
            self._out.status(stream_id, "status", "NetStream.Play.Reset", f"Playing and resetting {name}.")
        self._out.status(stream_id, "status", "NetStream.Play.Start", f"Started playing {name}.")
        self._out.data(stream_id, "|RtmpSampleAccess", True, True)
        self._out.data(stream_id, "onStatus", {"code": "NetStream.Data.Start"})

    def reject_play(self, code: str, description: str, stream_id: int = 1) -> None:
        """Refuse, with a code such as NetStream.Play.StreamNotFound."""
        if self._streams.used(stream_id, Use.PLAY) is not None:
            self._streams.end(stream_id)
            self._out.status(stream_id, "error", code, description)

    def unpublish_notify(self, stream_id: int = 1) -> None:
        """Tell a player that the publisher has gone."""
        stream = self._streams.used(stream_id, Use.PLAY)
        if stream is not None:
            description = f"{_bare(stream.name)} is now unpublished."
            self._out.status(stream_id, "status", "NetStream.Play.UnpublishNotify", description)

    def stream_eof(self, stream_id: int = 1) -> None:
        """Tell a player that no media follows."""
        self._out.control(commands.user_control(commands.STREAM_EOF, stream_id))

    def ping_request(self, timestamp: int) -> None:
        """Ask the client for a PingAnswered event with the same ``timestamp`` (32 bits)."""
        self._out.control(commands.user_control(commands.PING_REQUEST, timestamp))

    def _asked_connect(self) -> Command:
        if self._connect is None:
            raise RuntimeError("the client has not asked to connect")
        return self._connect

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
        if message.stream_id in self._streams.publishing:
            plain = commands.plain_data(message)
            if plain is not None:
                events.append(plain)

    def _on_aggregate(self, message: Message, events: list[Event]) -> None:
        if message.stream_id not in self._streams.publishing:
            return
        for part in commands.split_aggregate(message):
            if part.type_id in _MEDIA:
                events.append(part)
            elif part.type_id in (DATA, DATA_AMF3):
                self._on_data(part, events)

    def _on_user_control(self, payload: bytes, events: list[Event]) -> None:
        event, value = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:6], "big")
        if event == commands.PING_REQUEST:
            self._out.control(commands.user_control(commands.PING_RESPONSE, value))
        elif event == commands.PING_RESPONSE:
            events.append(PingAnswered(value))

    def _on_command(self, command: Command, events: list[Event]) -> None:
        if command.name != "connect" and self._connect is None:
            raise RtmpError(f"{command.name[:32]!r} came before connect")
        handler = _HANDLERS.get(command.name)
        if handler is not None:
            handler(self, command, events)
        elif command.transaction and command.name not in ("_result", "_error"):
            self._call_failed(command, "No such method.")

    def _on_connect(self, command: Command, events: list[Event]) -> None:
        if self._connect is not None:
            raise RtmpError("connect came twice")
        self._connect = command
        properties = _properties(command)
        try:
            app = commands.checked_name(properties.get("app", ""), "application name")
            tc_url = commands.checked_name(properties.get("tcUrl") or "", "tcUrl")
        except RtmpError as error:
            self.reject_connect(str(error))
            raise
        events.append(ConnectRequested(app, tc_url, properties))

    def _on_create_stream(self, command: Command, _events: list[Event]) -> None:
        try:
            self._out.reply(command, "_result", None, self._streams.create())
        except RtmpError as error:
            self._call_failed(command, str(error))

    def _on_publish(self, command: Command, events: list[Event]) -> None:
        stream = self._begin(command, Use.PUBLISH, _PUBLISH_REFUSED)
        if stream is None:
            return
        publish_type = command.argument(1)
        if not isinstance(publish_type, str):
            publish_type = "live"
        events.append(
            PublishRequested(command.stream_id, stream.name, publish_type[:16], command.transaction)
        )

    def _on_play(self, command: Command, events: list[Event]) -> None:
        stream = self._begin(command, Use.PLAY, "NetStream.Play.Failed")
        if stream is None:
            return
        start = commands.number(command.argument(1), -2.0)
        duration = commands.number(command.argument(2), -1.0)
        stream.reset = command.argument(3) not in (False, 0)
        events.append(
            PlayRequested(command.stream_id, stream.name, start, duration, stream.reset, command.transaction)
        )

    def _begin(self, command: Command, use: Use, refusal: str) -> Stream | None:
        """Put the command's stream to use under the name asked for; None if it has a use already.

        A name that no stream can have raises RtmpError. Either way the client is told why.
        """
        try:
            self._streams.idle(command.stream_id)
        except RtmpError as error:
            self._out.status(command.stream_id, "error", refusal, str(error))
            return None
        try:
            name = commands.checked_name(command.argument(0), "stream name")
            if not name:
                raise RtmpError("the stream name is empty")
        except RtmpError as error:
            self._out.status(command.stream_id, "error", refusal, str(error))
            raise
        return self._streams.begin(command.stream_id, use, name)

    def _on_pause(self, command: Command, events: list[Event]) -> None:
        stream_id = command.stream_id
        if self._streams.used(stream_id, Use.PLAY) is None:
            return
        paused = bool(command.argument(0, True))
        code = "NetStream.Pause.Notify" if paused else "NetStream.Unpause.Notify"
        self._out.status(stream_id, "status", code, "Paused." if paused else "Playing on.")
        events.append(PauseRequested(stream_id, paused, commands.number(command.argument(1), 0.0)))

    def _on_seek(self, command: Command, _events: list[Event]) -> None:
        description = "A live stream cannot be sought in."
        self._out.status(command.stream_id, "error", "NetStream.Seek.Failed", description)

    def _on_close_stream(self, command: Command, events: list[Event]) -> None:
        self._close(command.stream_id, events)

    def _on_delete_stream(self, command: Command, events: list[Event]) -> None:
        stream_id = int(commands.number(command.argument(0), 0.0))
        self._close(stream_id, events)
        self._streams.delete(stream_id)

    def _on_fc_unpublish(self, command: Command, events: list[Event]) -> None:
        self._courtesy(command, "onFCUnpublish", "NetStream.Unpublish.Success")
        for stream_id in self._streams.publishing_as(command.argument(0)):
            self._close(stream_id, events)

    def _on_fc_publish(self, command: Command, _events: list[Event]) -> None:
        self._courtesy(command, "onFCPublish", "NetStream.Publish.Start")

    def _on_courtesy(self, command: Command, _events: list[Event]) -> None:
        if command.transaction:
            self._out.reply(command, "_result", None, amf0.UNDEFINED)

    def _on_get_stream_length(self, command: Command, _events: list[Event]) -> None:
        self._out.reply(command, "_result", None, 0)  # A live stream has none.

    def _ignore(self, command: Command, _events: list[Event]) -> None:
        """Flash Media Server answers nothing to these either."""

    def _close(self, stream_id: int, events: list[Event]) -> None:
        use = self._streams.end(stream_id)
        if use is Use.PUBLISH:
            self._out.status(stream_id, "status", "NetStream.Unpublish.Success", "Publishing has ended.")
        if use is not Use.NOTHING:
            events.append(StreamClosed(stream_id))

    def _courtesy(self, command: Command, name: str, code: str) -> None:
        """The answer of Flash Media Server to FCPublish and FCUnpublish, for which old encoders wait."""
        self._on_courtesy(command, [])
        asked = command.argument(0)
        info = commands.status("status", code, _bare(asked) if isinstance(asked, str) else "")
        self._out.command(name, 0, None, info)

    def _call_failed(self, command: Command, description: str) -> None:
        info = commands.status("error", "NetConnection.Call.Failed", description)
        self._out.reply(command, "_error", None, info)


def _properties(connect: Command) -> dict[str, Any]:
    return connect.object if isinstance(connect.object, dict) else {}


def _bare(name: str) -> str:
    """A stream name without its query string, which may hold a secret."""
    return name.partition("?")[0]


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
