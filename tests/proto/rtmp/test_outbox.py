"""What waits for the socket: in order, framed with the chunk size that was announced last."""

from oxbow.proto.rtmp.chunks import ChunkReader, Message
from oxbow.proto.rtmp.commands import parse_command
from oxbow.proto.rtmp.outbox import Outbox


def test_everything_goes_out_once_and_in_order():
    out = Outbox()
    out.raw(b"handshake")
    out.command("first", 1, "x" * 200)
    out.announce_chunk_size(1000)
    out.status(1, "status", "Code", "y" * 200)
    data = out.take()
    assert data.startswith(b"handshake")
    reader = ChunkReader()
    first, second = map(parse_command, reader.receive(data.removeprefix(b"handshake")))
    assert (first.name, first.stream_id, second.name, second.stream_id) == ("first", 0, "onStatus", 1)
    assert reader.chunk_size == 1000
    assert out.take() == b""


def test_a_reply_goes_where_the_command_came_from():
    asked = Outbox()
    asked.command("getStreamLength", 7, None, "name", stream_id=3)
    (message,) = ChunkReader().receive(asked.take())
    out = Outbox()
    out.reply(parse_command(message), "_result", None, 0)
    (answer,) = ChunkReader().receive(out.take())
    assert answer.stream_id == 3
    assert parse_command(answer)[:4] == ("_result", 7.0, None, [0.0])


def test_script_data():
    out = Outbox()
    out.data(1, "onStatus", None)
    assert ChunkReader().receive(out.take()) == [Message(18, 0, 1, b"\x02\x00\x08onStatus\x05")]
