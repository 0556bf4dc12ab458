import pytest

from oxbow.media.framing.ts_tracks import AUDIO_TRACKS, VIDEO_TRACKS, AacTrack, Mp3Track, OpusTrack, TrackSlot
from oxbow.proto import mpegts
from oxbow.proto.errors import ProtocolError

AAC = b"\x12\x10"
OPUS = bytes.fromhex("4f707573486561640102380180bb0000000000")
MP3 = bytes.fromhex("fffb9064")


def test_aac_frames_get_adts_headers() -> None:
    unit, samples = AacTrack(AAC).unit(b"raw")
    assert (unit[:2], unit[7:], samples) == (b"\xff\xf1", b"raw", 1024)


def test_opus_packets_get_control_headers() -> None:
    track = OpusTrack(OPUS)
    assert track.unit(b"\xf8") == (b"\x7f\xe0\x01\xf8", 960)
    assert track.stream.descriptors.endswith(b"\x80\x02")


def test_the_kind_of_mpeg_audio_stands_in_the_program_map() -> None:
    assert Mp3Track(MP3).stream.stream_type == mpegts.STREAM_TYPE_MPEG1_AUDIO
    assert Mp3Track(bytes.fromhex("fff340c4")).stream.stream_type == mpegts.STREAM_TYPE_MPEG2_AUDIO


def test_the_same_sequence_header_again_changes_nothing() -> None:
    slot = TrackSlot(AUDIO_TRACKS)
    assert slot.configure("aac", AAC)
    track = slot.track
    assert not slot.configure("aac", AAC)
    assert slot.accept("aac") is track
    assert slot.configure("aac", b"\x11\x90")
    assert slot.track is not track


def test_a_damaged_sequence_header_leaves_the_track_as_it_was() -> None:
    slot = TrackSlot(AUDIO_TRACKS)
    slot.configure("aac", AAC)
    with pytest.raises(ProtocolError):
        slot.configure("aac", b"")
    assert slot.accept("aac") is not None


@pytest.mark.parametrize(
    ("codec", "header", "name"),
    [
        ("flac", b"fLaC", "flac"),
        ("aac", bytes.fromhex("f8e850"), "aac of object type 39"),
        ("opus", OPUS[:18] + b"\xff", "opus of channel mapping family 255"),
    ],
)
def test_what_mpeg_ts_does_not_carry_is_named(codec: str, header: bytes, name: str) -> None:
    slot = TrackSlot(AUDIO_TRACKS)
    assert not slot.configure(codec, header), "no track before, none now"
    assert slot.track is None
    assert slot.unsupported is not None
    assert slot.unsupported.startswith(name)
    assert slot.configure("aac", AAC)
    assert slot.unsupported is None


def test_old_codecs_are_named_by_their_first_frame() -> None:
    slot = TrackSlot(VIDEO_TRACKS)
    assert slot.accept("h263") is None
    assert slot.unsupported == "h263"


def test_frames_before_their_sequence_header_are_left_out() -> None:
    slot = TrackSlot(VIDEO_TRACKS)
    assert slot.accept("avc") is None
    assert slot.unsupported is None
