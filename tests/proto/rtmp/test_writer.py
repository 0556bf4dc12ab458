"""Messages into chunks, as the specification lays them out and as the reader takes them."""

import pytest

from oxbow.proto.rtmp.chunks import ChunkReader
from oxbow.proto.rtmp.message import Message
from oxbow.proto.rtmp.writer import EXTENDED, encode_message


@pytest.mark.parametrize("chunk_size", [128, 4096, 60000])
def test_encoded_messages_are_read_back(chunk_size):
    originals = [
        Message(9, 0, 1, b""),
        Message(9, 40, 1, bytes(range(256)) * 40),
        Message(8, EXTENDED, 1, b"x" * 127),
        Message(9, EXTENDED + 1, 1, b"y" * 10_000),
        Message(18, 2**32 - 1, 7, b"z" * 128),
    ]
    for csid in (2, 63, 64, 319, 320, 65599):
        wire = b"".join(encode_message(each, csid=csid, chunk_size=chunk_size) for each in originals)
        reader = ChunkReader()
        reader.chunk_size = chunk_size
        assert reader.receive(wire) == originals


def test_a_message_as_the_specification_lays_it_out():
    # RTMP 5.3.2.2: 307 bytes of video on chunk stream 4, in chunks of 128, 128 and 51 bytes.
    wire = encode_message(Message(9, 1000, 12346, bytes(307)), csid=4, chunk_size=128)
    header = b"\x04" + (1000).to_bytes(3, "big") + (307).to_bytes(3, "big") + b"\x09"
    assert wire == header + (12346).to_bytes(4, "little") + bytes(128) + b"\xc4" + bytes(
        128
    ) + b"\xc4" + bytes(51)


def test_timestamps_are_taken_modulo_32_bits():
    assert encode_message(Message(8, 2**32 + 5, 1, b"x"), csid=4, chunk_size=128) == encode_message(
        Message(8, 5, 1, b"x"), csid=4, chunk_size=128
    )
