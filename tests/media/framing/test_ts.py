"""The decisions of the segmenter: where it cuts, what it marks, and what it leaves out."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.media.framing import ts
from oxbow.media.framing.ts import Segment, SegmenterState, TsSegmenter
from oxbow.proto.flv import AUDIO, SCRIPT, VIDEO, Tag

AVC = bytes.fromhex("0142c01effe100106742c01e8c680a02ff970101e1108d4001000468ce3c80")
OTHER_AVC = bytes.fromhex("0142c028ffe100176742c028da01e0089f97011000003e90000ea600f1832a01000468ce0fc8")
VIDEO_HEADER = b"\x17\x00\x00\x00\x00" + AVC
AUDIO_HEADER = b"\xaf\x00\x12\x10"


def picture(at: int, *, key: bool = False, offset: int = 0, size: int = 100) -> Tag:
    unit = (b"\x65" if key else b"\x41") + b"v" * size
    head = (b"\x17" if key else b"\x27") + b"\x01" + offset.to_bytes(3, "big", signed=True)
    return Tag(VIDEO, at % (1 << 32), head + len(unit).to_bytes(4, "big") + unit)


def sound(at: int) -> Tag:
    return Tag(AUDIO, at % (1 << 32), b"\xaf\x01" + b"a" * 100)


def headers(video: bytes = VIDEO_HEADER, audio: bytes = AUDIO_HEADER) -> list[Tag]:
    return [Tag(SCRIPT, 0, b"onMetaData"), Tag(VIDEO, 0, video), Tag(AUDIO, 0, audio)]


def broadcast(start: int, end: int, gop: int = 1000, sounds: bool = True) -> Iterator[Tag]:
    """25 pictures and 50 sound frames a second, a keyframe each `gop` ms."""
    for at in range(start, end, 20):
        if (at - start) % 40 == 0:
            yield picture(at, key=(at - start) % gop == 0)
        if sounds:
            yield sound(at)


def push(segmenter: TsSegmenter, tags: Iterable[Tag]) -> list[Segment]:
    return [segment for tag in tags for segment in segmenter.push(tag)]


def ready(target: float = 2.0, longest: float = 10.0, state: SegmenterState | None = None) -> TsSegmenter:
    segmenter = TsSegmenter(target, longest, state)
    push(segmenter, headers())
    return segmenter


def packets(segment: Segment) -> list[bytes]:
    assert len(segment.data) % 188 == 0
    return [segment.data[at : at + 188] for at in range(0, len(segment.data), 188)]


def pid(packet: bytes) -> int:
    return int.from_bytes(packet[1:3], "big") & 0x1FFF


def test_segments_end_at_the_first_keyframe_after_the_target() -> None:
    segmenter = ready(target=2.5)
    segments = push(segmenter, broadcast(0, 7000))
    assert [(segment.sequence, segment.duration) for segment in segments] == [(0, 3.0), (1, 3.0)]
    assert not any(segment.discontinuity for segment in segments)
    assert all(segment.starts_with_keyframe for segment in segments)
    rest = segmenter.flush()
    assert rest is not None
    assert (rest.sequence, rest.duration) == (2, pytest.approx(1.0, abs=0.03))


def test_a_keyframe_that_comes_a_frame_early_ends_the_segment() -> None:
    assert [segment.duration for segment in push(ready(), broadcast(0, 6000, gop=1960))] == [1.96] * 3


def test_each_segment_begins_with_tables_parameter_sets_and_a_keyframe() -> None:
    for segment in push(ready(), broadcast(0, 5000)):
        first = packets(segment)
        assert [pid(packet) for packet in first[:3]] == [0, 0x1000, 0x100]
        assert first[2][5] & 0x40, "random access indicator"
        assert b"\x00\x00\x00\x01\x67" in first[2]
        assert {pid(packet) for packet in first} == {0, 0x1000, 0x100, 0x101}


def test_continuity_counters_go_on_from_segment_to_segment() -> None:
    expected: dict[int, int] = {}
    for segment in push(ready(), broadcast(0, 10_000)):
        for packet in packets(segment):
            counter = packet[3] & 15
            assert counter == expected.get(pid(packet), counter)
            expected[pid(packet)] = (counter + 1) & 15


def test_sound_before_the_first_keyframe_is_left_out() -> None:
    segmenter = ready()
    push(segmenter, [sound(0), picture(10), sound(20)])
    assert segmenter.flush() is None


def test_sound_alone_is_cut_by_time() -> None:
    segmenter = TsSegmenter(2.0)
    tags = [Tag(AUDIO, 0, AUDIO_HEADER), *(sound(at) for at in range(0, 5000, 20))]
    segments = push(segmenter, tags)
    assert [segment.duration for segment in segments] == [2.0, 2.0]
    assert all(segment.starts_with_keyframe for segment in segments)
    assert {pid(packet) for packet in packets(segments[0])} == {0, 0x1000, 0x101}


def test_a_picture_alone_is_carried_alone() -> None:
    segmenter = TsSegmenter(2.0)
    segments = push(segmenter, [Tag(VIDEO, 0, VIDEO_HEADER), *broadcast(0, 5000, sounds=False)])
    assert [segment.duration for segment in segments] == [2.0, 2.0]
    assert {pid(packet) for packet in packets(segments[0])} == {0, 0x1000, 0x100}


def test_a_picture_without_keyframes_is_cut_all_the_same() -> None:
    segments = push(ready(target=2.0, longest=4.0), broadcast(0, 9000, gop=100_000))
    assert [(segment.duration, segment.starts_with_keyframe) for segment in segments] == [
        (4.0, True),
        (4.0, False),
    ]


def test_a_segment_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ts, "MAX_SEGMENT_BYTES", 50_000)
    segments = push(ready(), (picture(at, key=at == 0, size=10_000) for at in range(0, 400, 40)))
    assert segments[0].duration == pytest.approx(0.2)
    assert len(segments[0].data) < 60_000


def test_a_returning_publisher_makes_a_discontinuity_that_begins_with_a_keyframe() -> None:
    segmenter = ready()
    before = push(segmenter, broadcast(0, 2500))
    ended = segmenter.discontinuity()
    assert ended is not None
    assert ended.duration == pytest.approx(0.5, abs=0.03)
    lost = push(segmenter, [picture(2500), sound(2500)])
    after = push(segmenter, broadcast(2540, 6000))
    assert lost == []
    assert [segment.sequence for segment in (*before, ended, *after)] == [0, 1, 2]
    assert [segment.discontinuity for segment in (*before, ended, *after)] == [False, False, True]


def test_a_discontinuity_before_anything_was_cut_needs_no_mark() -> None:
    segmenter = ready()
    assert segmenter.discontinuity() is None
    assert not push(segmenter, broadcast(0, 3000))[0].discontinuity


def test_a_changed_sequence_header_is_a_discontinuity_and_an_equal_one_is_not() -> None:
    segmenter = ready()
    assert len(push(segmenter, [*broadcast(0, 2500), *headers()])) == 1
    changed = push(segmenter, headers(video=b"\x17\x00\x00\x00\x00" + OTHER_AVC))
    assert [segment.discontinuity for segment in changed] == [False]
    after = push(segmenter, broadcast(2500, 5000))
    assert [segment.discontinuity for segment in after] == [True]
    assert segmenter.video_format is not None
    assert segmenter.video_format.width == 1920


def test_a_track_that_appears_late_replaces_the_beginning() -> None:
    """Players that see a first segment of sound only would never show the picture."""
    segmenter = TsSegmenter(2.0)
    tags = [Tag(AUDIO, 0, AUDIO_HEADER), sound(0), sound(20), Tag(VIDEO, 30, VIDEO_HEADER)]
    assert push(segmenter, tags) == []
    first = push(segmenter, broadcast(40, 2100))[0]
    assert (first.sequence, first.discontinuity) == (0, False)
    assert {pid(packet) for packet in packets(first)} == {0, 0x1000, 0x100, 0x101}


def test_sound_that_appears_after_the_first_picture_joins_its_segment() -> None:
    segmenter, whole = TsSegmenter(2.0), ready()
    push(segmenter, [Tag(VIDEO, 0, VIDEO_HEADER), picture(0, key=True), Tag(AUDIO, 0, AUDIO_HEADER)])
    push(whole, [picture(0, key=True)])
    rest = list(broadcast(0, 4000))[1:]
    assert push(segmenter, rest) == push(whole, rest), "as if the headers had come first"


def test_a_track_that_appears_in_the_middle_is_a_discontinuity() -> None:
    segmenter = TsSegmenter(2.0)
    push(segmenter, [Tag(AUDIO, 0, AUDIO_HEADER), *(sound(at) for at in range(0, 2500, 20))])
    ended = push(segmenter, [Tag(VIDEO, 2500, VIDEO_HEADER)])
    assert [segment.discontinuity for segment in ended] == [False]
    assert push(segmenter, broadcast(2500, 5000))[0].discontinuity


@pytest.mark.parametrize("jump", [20_000, -20_000])
def test_a_jump_of_the_time_line_is_a_discontinuity(jump: int) -> None:
    segmenter = ready()
    segments = push(segmenter, [*broadcast(30_000, 32_500), *broadcast(32_500 + jump, 35_000 + jump)])
    assert [segment.discontinuity for segment in segments] == [False, False, True]
    assert all(segment.duration <= 2.1 for segment in segments)


def test_the_32_bit_time_line_wraps_without_notice() -> None:
    start = (1 << 32) - 3000
    segments = push(ready(), broadcast(start, start + 7000))
    assert [segment.duration for segment in segments] == [2.0, 2.0, 2.0]
    assert not any(segment.discontinuity for segment in segments)
    # 2**32 ms are a multiple of 2**33 ticks, so the stamps in the stream go on as well.
    stamps = [stamp(packets(segment)[2]) for segment in segments]
    assert [(after - before) % (1 << 33) for before, after in pairwise(stamps)] == [180_000, 180_000]


def stamp(packet: bytes) -> int:
    """The PTS in a packet that a PES packet begins in."""
    raw = packet[5 + packet[4] + 9 :]
    return (raw[0] >> 1 & 7) << 30 | (raw[1] << 8 | raw[2]) >> 1 << 15 | (raw[3] << 8 | raw[4]) >> 1


def test_segments_are_dated_by_the_anchor() -> None:
    segmenter = ready()
    segmenter.anchor(1000, 1_700_000_000.0)
    segments = push(segmenter, broadcast(500, 5500))
    assert [segment.program_date_time for segment in segments] == [1_699_999_999.5, 1_700_000_001.5]
    assert push(ready(), broadcast(0, 3000))[0].program_date_time is None


def test_another_process_goes_on_with_sequence_counters_and_a_discontinuity() -> None:
    first = ready()
    push(first, broadcast(0, 5000))
    second = ready(state=first.state)
    segment = push(second, broadcast(6000, 9000))[0]
    assert (segment.sequence, segment.discontinuity) == (2, True)
    assert packets(segment)[0][3] & 15 == 2, "the third PAT"


def test_a_codec_that_mpeg_ts_does_not_carry_is_named_and_the_other_track_goes_on() -> None:
    segmenter = TsSegmenter(2.0)
    av1 = [Tag(VIDEO, 0, b"\x90av01\x81\x01\x0c\x00"), Tag(VIDEO, 0, b"\x91av01frame")]
    tags = [*av1, Tag(AUDIO, 0, AUDIO_HEADER), *(sound(at) for at in range(0, 3000, 20))]
    assert len(push(segmenter, tags)) == 1
    assert (segmenter.unsupported, segmenter.codecs) == (("av1",), ("mp4a.40.2",))


def test_the_tracks_are_described_for_a_master_playlist() -> None:
    segmenter = ready()
    assert segmenter.codecs == ("avc1.42c01e", "mp4a.40.2")
    assert segmenter.video_format is not None
    assert (segmenter.video_format.width, segmenter.video_format.height) == (640, 360)


@pytest.mark.parametrize(
    "damaged",
    [
        Tag(VIDEO, 100, b"\x17\x00\x00\x00\x00\x01"),
        Tag(VIDEO, 100, b"\x27\x01\x00\x00\x00\xff\xff\xff\xff"),
        Tag(VIDEO, 100, b"\x27\x01\x7f\xff\xff" + b"\x00\x00\x00\x01\x41"),
        Tag(AUDIO, 100, b"\xaf\x01" + bytes(9000)),
    ],
    ids=["header", "unit length", "composition offset", "sound frame"],
)
def test_a_damaged_tag_is_counted_and_left_out(damaged: Tag) -> None:
    segmenter = ready()
    assert len(push(segmenter, [picture(0, key=True), damaged, *broadcast(40, 2500)])) == 1
    assert segmenter.damaged == 1


@given(
    st.lists(
        st.builds(
            Tag,
            st.sampled_from([AUDIO, VIDEO, SCRIPT]),
            st.integers(0, (1 << 32) - 1),
            st.one_of(
                st.binary(max_size=40),
                st.sampled_from([VIDEO_HEADER, AUDIO_HEADER, picture(0, key=True).payload, sound(0).payload]),
            ),
        ),
        max_size=30,
    )
)
def test_no_tags_whatever_make_it_raise_or_lose_count(tags: list[Tag]) -> None:
    segmenter = TsSegmenter(0.1, 1.0)
    segments = push(segmenter, tags)
    rest = segmenter.flush()
    segments += [rest] if rest is not None else []
    assert [segment.sequence for segment in segments] == list(range(len(segments)))
    assert all(segment.duration > 0 and len(segment.data) % 188 == 0 for segment in segments)


def test_the_payload_may_be_a_view_of_a_larger_buffer() -> None:
    views = [Tag(tag.type, tag.timestamp, memoryview(tag.payload)) for tag in broadcast(0, 3000)]
    assert push(ready(), views) == push(ready(), broadcast(0, 3000))
