"""What a real FFmpeg 9 sent, replayed: it means the same however the network cuts it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxbow.proto import amf0
from oxbow.proto.errors import ProtocolError
from oxbow.proto.flv import audio_kind, video_kind
from oxbow.proto.rtmp.chunks import Message
from oxbow.proto.rtmp.events import ConnectRequested, PublishRequested, StreamClosed
from oxbow.proto.rtmp.server import ServerConnection

CAPTURES = Path(__file__).parents[1] / "captures"
NAMES = ["ffmpeg_h264_aac", "ffmpeg_hevc_opus", "ffmpeg_av1_flac"]


def capture(name):
    """The bytes of one publisher, from its handshake to its last command (see the folder's README)."""
    return (CAPTURES / f"{name}.rtmp").read_bytes()


def replay(pieces):
    server = ServerConnection(random=bytes)
    events = []
    for piece in pieces:
        for event in server.receive(piece):
            events.append(event)
            if isinstance(event, ConnectRequested):
                server.accept_connect()
            elif isinstance(event, PublishRequested):
                server.accept_publish(event.stream_id)
    return events


def cut(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("name", NAMES)
def test_a_capture_means_the_same_however_it_is_cut(name):
    data = capture(name)
    whole = replay([data])
    assert isinstance(whole[0], ConnectRequested)
    assert whole[1] == PublishRequested(1, "s1?token=abc", "live", 5.0)
    assert whole[-1] == StreamClosed(1)
    assert all(type(event) is Message for event in whole[2:-1])
    for size in (1, 127, 1460, 4096):
        assert replay(cut(data, size)) == whole


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("ffmpeg_h264_aac", ("avc", 20, 2), ("aac", 95)),
        ("ffmpeg_hevc_opus", ("hevc", 20, 2), ("opus", 101)),
        ("ffmpeg_av1_flac", ("av1", 10, 1), ("flac", 48)),
    ],
)
def test_a_captures_media_is_classified(name, video, audio):
    media = [event for event in replay([capture(name)]) if type(event) is Message]
    script, *_ = [each for each in media if each.type_id == 18]
    assert amf0.decode(script.payload)[0] == "onMetaData"
    pictures = [video_kind(each.payload) for each in media if each.type_id == 9]
    sounds = [audio_kind(each.payload) for each in media if each.type_id == 8]
    codec, frames, keyframes = video
    assert {kind.codec for kind in pictures} == {codec}
    assert sum(kind.is_frame for kind in pictures) == frames
    assert sum(kind.is_keyframe for kind in pictures) == keyframes
    assert any(kind.is_sequence_header for kind in pictures)
    assert {kind.codec for kind in sounds} == {audio[0]}
    assert sum(kind.is_frame for kind in sounds) == audio[1]
    assert any(kind.is_sequence_header for kind in sounds)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_mutated_capture_is_read_or_refused(name, data):
    mutated = bytearray(capture(name))
    # Bytes of the handshake matter little: most mutations go to the commands and the first chunks.
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(3073, 5000) | st.integers(0, len(mutated) - 1))
        mutated[place] = data.draw(st.integers(0, 255))
    try:
        events = replay(cut(bytes(mutated), 4096))
    except ProtocolError:
        return
    assert all(event is not None for event in events)
