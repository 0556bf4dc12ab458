"""The chunk stream: whatever a peer may legally write comes out as the messages it meant."""

import contextlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxbow.proto.rtmp.chunks import ChunkReader, Message, encode_message
from oxbow.proto.rtmp.message import RtmpError

EXTENDED = 0xFFFFFF


class Encoder:
    """A peer that writes chunks of any legal form, one at a time, on any number of chunk streams."""

    def __init__(self, draw, chunk_size):
        self._draw = draw
        self._chunk_size = chunk_size
        self._last = {}

    def chunks(self, csid, message):
        """The chunks of one message, with a header as short as the draw dares."""
        form = self._draw(st.sampled_from(self._legal_forms(csid, message)))
        last = self._last.get(csid)
        if form == 0 or (form == 3 and last["extended"] and last["absolute"]):
            field = message.timestamp
        else:
            field = (message.timestamp - last["message"].timestamp) % 2**32
        extended = last["extended"] if form == 3 else field >= EXTENDED
        header = min(field, EXTENDED).to_bytes(3, "big")
        header += len(message.payload).to_bytes(3, "big") + bytes((message.type_id,))
        header += message.stream_id.to_bytes(4, "little")
        tail = field.to_bytes(4, "big") if extended else b""
        absolute = last["absolute"] if form == 3 else form == 0
        self._last[csid] = {
            "message": message,
            "field": field,
            "extended": extended,
            "absolute": absolute,
        }
        header = self._basic(form, csid) + header[: (11, 7, 3, 0)[form]] + tail
        for start in range(0, max(1, len(message.payload)), self._chunk_size):
            yield header + message.payload[start : start + self._chunk_size]
            header = self._basic(3, csid) + tail

    def _legal_forms(self, csid, message):
        last = self._last.get(csid)
        if last is None or last["message"].stream_id != message.stream_id:
            return [0]
        before = last["message"]
        if (before.type_id, len(before.payload)) != (message.type_id, len(message.payload)):
            return [0, 1]
        delta = (message.timestamp - before.timestamp) % 2**32
        same = 0 if last["extended"] and last["absolute"] else last["field"]
        return [0, 1, 2, 3] if delta == same else [0, 1, 2]

    @staticmethod
    def _basic(form, csid):
        if csid < 64:
            return bytes((form << 6 | csid,))
        if csid < 320:
            return bytes((form << 6, csid - 64))
        return bytes((form << 6 | 1,)) + (csid - 64).to_bytes(2, "little")


csids = st.sampled_from([2, 3, 6, 63, 64, 319, 320, 65599])
timestamps = st.sampled_from([0, 1, 40, 80, EXTENDED - 1, EXTENDED, EXTENDED + 40, 2**32 - 1])
messages = st.builds(
    Message,
    st.sampled_from([8, 9, 18, 20]),
    timestamps,
    st.sampled_from([0, 1, 2**32 - 1]),
    st.integers(0, 400).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
)


@st.composite
def conversations(draw):
    """(bytes on the wire, the messages in the order of their last chunks, chunk size)."""
    chunk_size = draw(st.sampled_from([1, 2, 3, 7, 128, 129, 4096]))
    encoder = Encoder(draw, chunk_size)
    wire, expected, underway = bytearray(), [], {}
    todo = draw(st.lists(st.tuples(csids, messages), max_size=12))
    while todo or underway:
        if todo and todo[0][0] not in underway and (not underway or draw(st.booleans())):
            csid, message = todo.pop(0)
            underway[csid] = (message, list(encoder.chunks(csid, message)))
        else:
            csid = draw(st.sampled_from(sorted(underway)))
        message, chunks = underway[csid]
        for _ in range(draw(st.sampled_from([1, 2, 1000]))):
            if chunks:
                wire += chunks.pop(0)
        if not chunks:
            expected.append(message)
            del underway[csid]
    return bytes(wire), expected, chunk_size


def read(wire, chunk_size, pieces):
    reader = ChunkReader()
    reader.chunk_size = chunk_size
    received = []
    position = 0
    for size in pieces:
        received += reader.receive(wire[position : position + size])
        position += size
    return received + reader.receive(wire[position:])


@given(conversations())
@settings(max_examples=60, deadline=None)
def test_every_legal_encoding_is_understood_however_it_is_cut(conversation):
    wire, expected, chunk_size = conversation
    for piece in (1, 2, 3, 127, 130, max(1, len(wire))):
        assert read(wire, chunk_size, [piece] * (len(wire) // piece)) == expected


@given(st.binary(max_size=600), st.sampled_from([1, 128, 4096]))
def test_any_bytes_are_read_or_refused(data, chunk_size):
    with contextlib.suppress(RtmpError):
        read(data, chunk_size, [])


@given(conversations(), st.data())
@settings(deadline=None)
def test_mutated_chunks_are_read_or_refused_alike_however_they_are_cut(conversation, data):
    wire, _, chunk_size = conversation
    mutated = bytearray(wire or b"\x00")
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))

    def outcome(pieces):
        try:
            return read(bytes(mutated), chunk_size, pieces)
        except RtmpError as error:
            return str(error)

    assert outcome([]) == outcome([1] * len(mutated))


def test_timestamps_wrap():
    first = encode_message(Message(8, 2**32 - 10, 1, b"a"), csid=4, chunk_size=128)
    second = b"\x44" + (30).to_bytes(3, "big") + b"\x00\x00\x01\x08" + b"b"
    third = b"\xc4" + b"c"
    assert [message.timestamp for message in read(first + second + third, 128, [])] == [2**32 - 10, 20, 50]


def test_a_type_3_header_repeats_a_type_0_headers_time_as_a_delta():
    first = encode_message(Message(8, 25, 1, b"a"), csid=4, chunk_size=128)
    assert [message.timestamp for message in read(first + b"\xc4b", 128, [])] == [25, 50]


@pytest.mark.parametrize("payload", [bytes(range(200)) * 3, bytes(600)], ids=["bytes", "zeros"])
def test_an_extended_timestamp_need_not_be_repeated(payload):
    # RTMP 5.3.1.3 has it in every chunk; some encoders write it in the first only.
    wire = encode_message(Message(9, 2**25, 1, payload), csid=6, chunk_size=128)
    separator = b"\xc6" + (2**25).to_bytes(4, "big")
    assert wire.count(separator) == 4
    lazy = wire.replace(separator, b"\xc6")
    expected = [Message(9, 2**25, 1, payload)] * 2
    assert read(lazy * 2, 128, []) == expected
    assert read(lazy * 2, 128, [1] * len(lazy)) == expected


def test_other_chunk_streams_may_come_in_between():
    video = encode_message(Message(9, 0, 1, bytes(300)), csid=6, chunk_size=128)
    audio = encode_message(Message(8, 5, 1, b"audio"), csid=4, chunk_size=128)
    place = 12 + 128
    assert read(video[:place] + audio + video[place:], 128, []) == [
        Message(8, 5, 1, b"audio"),
        Message(9, 0, 1, bytes(300)),
    ]


def test_set_chunk_size_holds_from_the_next_chunk_on():
    video = Message(9, 0, 1, bytes(1000))
    first_chunk = encode_message(video, csid=6, chunk_size=128)[: 12 + 128]
    announcement = encode_message(Message(1, 0, 0, (500).to_bytes(4, "big")), csid=2, chunk_size=128)
    rest = b"\xc6" + bytes(500) + b"\xc6" + bytes(372)
    reader = ChunkReader()
    assert reader.receive(first_chunk + announcement + rest) == [video]
    assert reader.chunk_size == 500


def test_abort_drops_an_unfinished_message():
    video = encode_message(Message(9, 0, 1, bytes(300)), csid=6, chunk_size=128)
    abort = encode_message(Message(2, 0, 0, (6).to_bytes(4, "big")), csid=2, chunk_size=128)
    again = encode_message(Message(9, 40, 1, b"again"), csid=6, chunk_size=128)
    assert read(video[: 12 + 128] + abort + again, 128, []) == [Message(9, 40, 1, b"again")]


@pytest.mark.parametrize("size", [0, 0x80000000, 0xFFFFFFFF])
def test_absurd_chunk_sizes_are_refused(size):
    wire = encode_message(Message(1, 0, 0, size.to_bytes(4, "big")), csid=2, chunk_size=128)
    with pytest.raises(RtmpError, match=f"announces {size}; it takes 1 to 2147483647"):
        ChunkReader().receive(wire)


def test_a_huge_chunk_size_means_one_chunk_a_message():
    reader = ChunkReader()
    reader.receive(encode_message(Message(1, 0, 0, b"\x7f\xff\xff\xff"), csid=2, chunk_size=128))
    video = Message(9, 0, 1, bytes(100_000))
    assert reader.receive(encode_message(video, csid=6, chunk_size=1 << 24)) == [video]


def test_a_message_that_is_too_long_is_refused_by_its_header():
    header = encode_message(Message(9, 0, 1, bytes(1001)), csid=6, chunk_size=128)[:12]
    with pytest.raises(RtmpError, match="1001 bytes announced; at most 1000"):
        ChunkReader(max_message_size=1000).receive(header)


@pytest.mark.parametrize("size", [1, 4])
def test_control_messages_cut_short_are_refused(size):
    wire = encode_message(Message(1, 0, 0, bytes(size - 1)), csid=2, chunk_size=128)
    with pytest.raises(RtmpError, match="it takes 4"):
        ChunkReader().receive(wire)


def test_a_message_may_not_begin_before_the_last_one_is_complete():
    begun = encode_message(Message(9, 0, 1, bytes(300)), csid=6, chunk_size=128)[: 12 + 128]
    with pytest.raises(RtmpError, match="before the last one was complete"):
        ChunkReader().receive(begun + begun)


@pytest.mark.parametrize("form", [2, 3])
def test_a_chunk_stream_begins_with_a_header_that_names_a_length(form):
    with pytest.raises(RtmpError, match=f"begins with a type {form} header"):
        ChunkReader().receive(bytes((form << 6 | 5,)) + bytes(20))


def test_the_number_of_chunk_streams_is_bounded():
    reader = ChunkReader(max_chunk_streams=64)
    for csid in range(2, 66):
        reader.receive(encode_message(Message(8, 0, 1, b"x"), csid=csid, chunk_size=128))
    with pytest.raises(RtmpError, match="more than 64 chunk streams"):
        reader.receive(encode_message(Message(8, 0, 1, b"x"), csid=66, chunk_size=128))


def test_announced_lengths_cost_no_memory():
    headers = [
        encode_message(Message(9, 0, 1, bytes(4 << 20)), csid=csid, chunk_size=4 << 20)[:20]
        for csid in range(2, 60)
    ]
    readers = [ChunkReader() for _ in headers]
    tracemalloc.start()
    try:
        for reader, header in zip(readers, headers, strict=True):
            reader.receive(header)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000


def test_unfinished_messages_of_all_chunk_streams_are_bounded_together():
    reader = ChunkReader(max_message_size=1000)
    reader.chunk_size = 999
    with pytest.raises(RtmpError, match="unfinished messages exceed 2000 bytes"):
        for csid in range(2, 6):
            reader.receive(encode_message(Message(9, 0, 1, bytes(1000)), csid=csid, chunk_size=999)[:-2])


def test_the_bound_counts_only_what_is_unfinished():
    reader = ChunkReader(max_message_size=1000)
    wire = encode_message(Message(9, 0, 1, bytes(1000)), csid=6, chunk_size=128)
    for _ in range(50):
        reader.receive(wire[:900])
        assert len(reader.receive(wire[900:])) == 1


def test_a_long_message_in_pieces():
    video = Message(9, 0, 1, bytes(range(256)) * 4096)
    for chunk_size in (128, 1 << 24):
        wire = encode_message(video, csid=6, chunk_size=chunk_size)
        assert read(wire, chunk_size, [65_536] * (len(wire) // 65_536)) == [video]


def test_bytes_like_objects_are_read_too():
    wire = encode_message(Message(9, 0, 1, bytes(300)), csid=6, chunk_size=128)
    reader = ChunkReader()
    reader.receive(memoryview(wire)[:5])
    (message,) = reader.receive(memoryview(wire)[5:])
    assert type(message) is Message
    assert type(message.payload) is bytes
