"""What one end of a connection has to say, framed and waiting for the socket."""

from typing import Final

from oxbow.proto.rtmp import commands
from oxbow.proto.rtmp.chunks import DEFAULT_CHUNK_SIZE, encode_message
from oxbow.proto.rtmp.commands import Command
from oxbow.proto.rtmp.message import Message

CONTROL_CSID: Final = 2
COMMAND_CSID: Final = 3
AUDIO_CSID: Final = 4
STREAM_CSID: Final = 5
VIDEO_CSID: Final = 6


class Outbox:
    """Messages and raw bytes in the order in which they go out."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._chunk_size = DEFAULT_CHUNK_SIZE

    def take(self) -> bytes:
        """All that waits; it is forgotten here."""
        data = bytes(self._bytes)
        self._bytes.clear()
        return data

    def raw(self, data: bytes) -> None:
        self._bytes += data

    def message(self, message: Message, csid: int) -> None:
        self._bytes += encode_message(message, csid=csid, chunk_size=self._chunk_size)

    def control(self, message: Message) -> None:
        self.message(message, CONTROL_CSID)

    def announce_chunk_size(self, size: int) -> None:
        """Tell the peer, and use it from the next message on."""
        self.control(commands.set_chunk_size(size))
        self._chunk_size = size

    def command(self, name: str, transaction: float, *values: object, stream_id: int = 0) -> None:
        message = commands.command(name, transaction, *values, stream_id=stream_id)
        self.message(message, STREAM_CSID if stream_id else COMMAND_CSID)

    def reply(self, command: Command, name: str, *values: object) -> None:
        """Answer ``command`` with ``_result`` or ``_error``."""
        self.command(name, command.transaction, *values, stream_id=command.stream_id)

    def status(self, stream_id: int, level: str, code: str, description: str) -> None:
        """``onStatus`` for a message stream."""
        info = commands.status(level, code, description)
        self.command("onStatus", 0, None, info, stream_id=stream_id)

    def data(self, stream_id: int, *values: object) -> None:
        """Script data for a message stream."""
        self.message(commands.data(*values, stream_id=stream_id), STREAM_CSID)
