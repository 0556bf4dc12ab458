"""What sequence headers and metadata say of a stream. The records are what real encoders wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast import AVC, OTHER_AVC, metadata, picture, picture_setup, sound_setup
from oxbow.media.parameters import MediaParameters, read_parameters
from oxbow.media.tracks import Tracks
from oxbow.proto import flv

HEVC_MAIN_10 = bytes.fromhex(
    "0102200000009000000000003ff000fcfdfafa00000f03200001001840010c01ffff02200000030090000003000003003f"
    "959409210001002c42010102200000030090000003000003003fa005020171f2b6595952930bc05a02000003000200000300"
    "321022000100064401c073c189"
)
AV1 = bytes.fromhex("81010c000a0c0200000d6627fb3805f00080")


def video(record: bytes, fourcc: bytes = b"") -> bytes:
    return b"\x90" + fourcc + record if fourcc else b"\x17\x00\x00\x00\x00" + record


def told(**values: object) -> bytes:
    return metadata(**values).payload


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (video(AVC), ("H264", "Constrained Baseline", "3.0", 640, 360)),
        (video(OTHER_AVC), ("H264", "Constrained Baseline", "4.0", 1920, 1080)),
        (video(HEVC_MAIN_10, b"hvc1"), ("H265", "Main 10", "2.1", 640, 360)),
        (video(AV1, b"av01"), ("AV1", "Main", "2.1", 640, 360)),
        (b"\x1c\x00\x00\x00\x00" + HEVC_MAIN_10, ("H265", "Main 10", "2.1", 640, 360)),
    ],
)
def test_the_picture(payload: bytes, expected: tuple[str, str, str, int, int]) -> None:
    found = read_parameters(b"", payload, b"")
    shown = (found.video_codec, found.video_profile, found.video_level, found.width, found.height)
    assert shown == expected
    assert (found.audio_codec, found.channels, found.sample_rate) == ("", 0, 0)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\xaf\x00\x12\x10", ("AAC", "LC", 2, 44_100)),
        (b"\xaf\x00\x2b\x8a\x08\x00", ("AAC", "HE-AAC", 1, 44_100)),
        (b"\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00", ("OPUS", "", 2, 48_000)),
        (b"\x2f\xff\xfb\x90\x64" + bytes(8), ("MP3", "", 2, 44_100)),
        (b"\x72" + bytes(8), ("G711A", "", 1, 8000)),
        (b"\xb2" + bytes(8), ("SPEEX", "", 1, 16_000)),
        (b"\x3b" + bytes(8), ("PCM", "", 2, 22_050)),
    ],
)
def test_the_sound(payload: bytes, expected: tuple[str, str, int, int]) -> None:
    found = read_parameters(b"", b"", payload)
    assert (found.audio_codec, found.audio_profile, found.channels, found.sample_rate) == expected


def test_the_encoders_metadata_fills_what_the_headers_leave_open() -> None:
    said = told(width=1.0, height=2.0, framerate=29.97, audiosamplerate=8000.0, audiochannels=1.0)
    found = read_parameters(said, video(AVC), b"\xaf\x00\x12\x10")
    assert (found.width, found.height, found.frame_rate) == (640, 360, 29.97)
    assert (found.channels, found.sample_rate) == (2, 44_100)
    alone = read_parameters(said, b"\x90vp09", b"\x90fLaC")
    assert alone == MediaParameters(1, 2, 29.97, "VP9", "", "", "FLAC", "", 1, 8000)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e9, "25", None, [1.0]])
def test_nonsense_in_the_metadata_counts_for_nothing(value: object) -> None:
    said = told(width=value, framerate=value, audiochannels=value, audiosamplerate=value)
    assert read_parameters(said, b"", b"") == MediaParameters()


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.booleans())
def test_any_bytes_give_some_parameters(script: bytes, video: bytes, audio: bytes, real: bool) -> None:
    prefix = b"\x17\x00\x00\x00\x00\x01" if real else b""
    found = read_parameters(b"\x02\x00\x0aonMetaData" + script, prefix + video, audio)
    assert 0 <= found.width <= 16384
    assert 0.0 <= found.frame_rate <= 1000.0


class TestTracks:
    """The parameters of what is being published."""

    def test_they_follow_the_sequence_headers(self) -> None:
        tracks = Tracks(b"")
        assert tracks.parameters == MediaParameters()
        tracks.replace(flv.VIDEO, 0, picture_setup().payload)
        tracks.replace(flv.AUDIO, 0, sound_setup().payload)
        assert (tracks.parameters.width, tracks.parameters.sample_rate) == (640, 44_100)
        tracks.replace(flv.VIDEO, 0, picture_setup(OTHER_AVC).payload)
        assert tracks.parameters.video_level == "4.0"
        assert tracks.parameters is tracks.parameters, "worked out once"

    def test_a_codec_without_them_is_known_by_its_first_frame(self) -> None:
        tracks = Tracks(b"")
        tracks.saw_audio(b"\x2f\xff\xfb\x90\x64" + bytes(400))
        tracks.saw_video(picture(0, key=True).payload)
        assert (tracks.parameters.audio_codec, tracks.parameters.video_codec) == ("MP3", "H264")

    def test_of_several_tracks_the_first_speaks(self) -> None:
        tracks = Tracks(b"")
        tracks.replace(flv.VIDEO, 1, picture_setup(OTHER_AVC).payload)
        tracks.replace(flv.VIDEO, 0, picture_setup().payload)
        assert tracks.parameters.width == 640
