"""FLV tags, and the classification of media payloads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import flv
from oxbow.proto.flv import (
    UNKNOWN_AUDIO,
    UNKNOWN_VIDEO,
    AudioKind,
    FlvError,
    Tag,
    VideoKind,
    audio_kind,
    composition_time,
    iter_tags,
    video_kind,
)

tags = st.builds(
    Tag,
    st.sampled_from([flv.AUDIO, flv.VIDEO, flv.SCRIPT]),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=300),
)


def test_the_file_header_names_what_the_stream_holds():
    assert flv.FILE_HEADER == b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
    assert flv.file_header(audio=True, video=False)[4] == 4
    assert flv.file_header(audio=False, video=True)[4] == 1


def test_a_tag_puts_the_timestamps_top_byte_last():
    assert flv.tag(flv.VIDEO, 0x12345678, b"abc") == (
        b"\x09\x00\x00\x03\x34\x56\x78\x12\x00\x00\x00" + b"abc" + b"\x00\x00\x00\x0e"
    )


@given(st.lists(tags, max_size=5), st.data())
def test_tags_are_read_back_as_far_as_they_are_complete(originals, data):
    whole = b"".join(flv.tag(*each) for each in originals)
    ends = [0]
    for each in originals:
        ends.append(ends[-1] + len(each.payload) + 15)
    cut = data.draw(st.integers(0, len(whole)))
    complete = sum(end <= cut for end in ends[1:])
    assert iter_tags(whole[:cut]) == (originals[:complete], ends[complete])
    assert iter_tags(b"skip" + whole[:cut], 4) == (originals[:complete], ends[complete])


def test_payloads_of_a_memoryview_are_not_copied():
    buffer = memoryview(flv.tag(flv.AUDIO, 0, b"abc"))
    (tag,), consumed = iter_tags(buffer)
    assert isinstance(tag.payload, memoryview)
    assert tag.payload.obj is buffer.obj
    assert consumed == len(buffer)


@pytest.mark.parametrize("broken", [b"\x07" + bytes(30), flv.tag(9, 0, b"abc")[:-1] + b"\xff"])
def test_bytes_that_are_no_tags_are_refused(broken):
    with pytest.raises(FlvError):
        iter_tags(broken)


@given(st.binary(max_size=100))
def test_any_bytes_are_tags_or_refused(data):
    try:
        _, consumed = iter_tags(data)
    except FlvError:
        return
    assert 0 <= consumed <= len(data)


VIDEO_HEADER = VideoKind("avc", False, True, False, False, 2, 5)
VIDEO_KEYFRAME = VideoKind("avc", True, False, False, True, 2, 5)
VIDEO_FRAME = VideoKind("avc", False, False, False, True, 2, 5)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"\x17\x00\x00\x00\x00", VIDEO_HEADER),
        (b"\x17\x01\x00\x00\x00", VIDEO_KEYFRAME),
        (b"\x27\x01\x00\x00\x00", VIDEO_FRAME),
        (b"\x37\x01\x00\x00\x00", VIDEO_FRAME),
        (b"\x17\x02\x00\x00\x00", VideoKind("avc", False, False, True, False, 2, 5)),
        (b"\x1c\x01\x00\x00\x00", VIDEO_KEYFRAME._replace(codec="hevc")),
        (b"\x1c\x00\x00\x00\x00", VIDEO_HEADER._replace(codec="hevc")),
        (b"\x1d\x01\x00\x00\x00", VIDEO_KEYFRAME._replace(codec="av1")),
        (b"\x12\x00", VideoKind("h263", True, False, False, True, -1, 1)),
        (b"\x57\x00", VideoKind("avc", False, False, False, False, -1, 1)),
        (b"\x17", VideoKind("avc", False, False, False, False, 2, 5)),
        (b"\x1f\x01", VideoKind("unknown", False, False, False, False, -1, 1)),
        (b"", UNKNOWN_VIDEO),
    ],
)
def test_legacy_video(payload, kind):
    assert video_kind(payload) == kind


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"\x90hvc1", VideoKind("hevc", False, True, False, False, -1, 5)),
        (b"\x91hvc1\x00\x00\x28", VideoKind("hevc", True, False, False, True, 5, 8)),
        (b"\xa1hvc1\x00\x00\x28", VideoKind("hevc", False, False, False, True, 5, 8)),
        (b"\x93hvc1", VideoKind("hevc", True, False, False, True, -1, 5)),
        (b"\x92hvc1", VideoKind("hevc", False, False, True, False, -1, 5)),
        (b"\x94hvc1", VideoKind("hevc", False, False, False, False, -1, 5)),
        (b"\x91avc1\x00\x00\x28", VideoKind("avc", True, False, False, True, 5, 8)),
        (b"\x90av01", VideoKind("av1", False, True, False, False, -1, 5)),
        (b"\x95av01", VideoKind("av1", False, True, False, False, -1, 5)),
        (b"\x91av01", VideoKind("av1", True, False, False, True, -1, 5)),
        (b"\xa1vp09", VideoKind("vp9", False, False, False, True, -1, 5)),
        (b"\xd0hvc1", VideoKind("hevc", False, False, False, False, -1, 5)),
        (b"\x91xxxx", VideoKind("unknown", True, False, False, True, -1, 5)),
        (b"\x91", VideoKind("unknown", False, False, False, False, -1, 0)),
    ],
)
def test_enhanced_video(payload, kind):
    assert video_kind(payload) == kind


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b"\xaf\x00", AudioKind("aac", True, False, False, 2)),
        (b"\xaf\x01", AudioKind("aac", False, False, True, 2)),
        (b"\xaf", AudioKind("aac", False, False, False, 2)),
        (b"\x2f\xff", AudioKind("mp3", False, False, True, 1)),
        (b"\x7e\xff", AudioKind("g711a", False, False, True, 1)),
        (b"\xdf\x01", AudioKind("opus", False, False, True, 1)),
        (b"\x90Opus", AudioKind("opus", True, False, False, 5)),
        (b"\x91Opus", AudioKind("opus", False, False, True, 5)),
        (b"\x92mp4a", AudioKind("aac", False, True, False, 5)),
        (b"\x94fLaC", AudioKind("flac", False, False, False, 5)),
        (b"\x91ac-3", AudioKind("ac3", False, False, True, 5)),
        (b"\x91ec-3", AudioKind("eac3", False, False, True, 5)),
        (b"", UNKNOWN_AUDIO),
    ],
)
def test_audio(payload, kind):
    assert audio_kind(payload) == kind


def test_mod_ex_prefixes_are_skipped():
    nanoseconds = b"\x02" + b"\x00\x00\x01"  # Three bytes of data, written as size minus one.
    payload = b"\x97" + nanoseconds + b"\x01" + b"hvc1" + b"\x00\x00\x28" + b"data"
    kind = video_kind(payload)
    assert kind == VideoKind("hevc", True, False, False, True, 10, 13)
    assert composition_time(payload, kind) == 40
    assert payload[kind.data_start :] == b"data"


def test_a_mod_ex_of_more_than_256_bytes_has_a_longer_size():
    payload = b"\x97\xff" + (299).to_bytes(2, "big") + bytes(300) + b"\x03" + b"av01data"
    assert payload[video_kind(payload).data_start :] == b"data"


def test_multitrack_packets_speak_for_their_first_track():
    one = b"\x95" + b"\x01Opus" + b"\x02data"  # One track of coded frames; its id is 2.
    assert audio_kind(one) == AudioKind("opus", False, False, True, 7, track=2, is_multitrack=True)
    many = b"\x96" + b"\x10hvc1" + b"\x00\x00\x00\x04conf"
    assert video_kind(many) == VideoKind(
        "hevc", False, True, False, False, -1, 10, track=0, is_multitrack=True
    )
    own_codecs = b"\x96" + b"\x23av01" + b"\x01\x00\x00\x04data"
    assert video_kind(own_codecs).codec == "av1"
    assert own_codecs[video_kind(own_codecs).data_start :] == b"data"


@pytest.mark.parametrize("whole", [b"\x97\x02\x00\x00\x01\x01hvc1", b"\x96\x10hvc1\x00"])
def test_wrapped_packets_cut_short_are_unknown(whole):
    for end in range(1, 5):
        assert video_kind(whole[:end]) == UNKNOWN_VIDEO


def test_composition_times_are_signed():
    payload = b"\x27\x01\xff\xff\xd8"
    assert composition_time(payload, video_kind(payload)) == -40
    assert composition_time(payload[:4], video_kind(payload)) == 0


@given(st.binary(max_size=40))
def test_no_payload_is_an_error(payload):
    for buffer in (payload, bytearray(payload), memoryview(payload)):
        assert video_kind(buffer) == video_kind(payload)
        assert audio_kind(buffer) == audio_kind(payload)
    assert isinstance(composition_time(payload, video_kind(payload)), int)
