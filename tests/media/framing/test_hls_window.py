import pytest

from oxbow.media.framing.hls_window import HlsWindow
from oxbow.media.framing.ts import Segment, TsSegmenter
from oxbow.proto.errors import ProtocolError
from oxbow.proto.flv import VIDEO, Tag

AVC = bytes.fromhex("0142c01effe100106742c01e8c680a02ff970101e1108d4001000468ce3c80")


def segment(
    sequence: int,
    duration: float = 2.0,
    *,
    discontinuity: bool = False,
    size: int = 1000,
    at: float | None = None,
) -> Segment:
    return Segment(sequence, duration, bytes(size), discontinuity, True, at)


def window(*durations: float, length: int = 3, spare: int = 2) -> HlsWindow:
    made = HlsWindow(length=length, spare=spare)
    for sequence, duration in enumerate(durations):
        made.add(segment(sequence, duration))
    return made


def listed(playlist: HlsWindow) -> list[int]:
    return [entry.sequence for entry in playlist.listed]


def test_the_playlist_slides_and_spare_segments_stay_for_late_fetchers() -> None:
    sliding = HlsWindow(length=3, spare=2)
    deleted = [sliding.add(segment(sequence)) for sequence in range(8)]
    assert deleted == [[], [], [], [], [], [0], [1], [2]]
    assert listed(sliding) == [5, 6, 7]
    assert [entry.sequence for entry in sliding.entries] == [3, 4, 5, 6, 7]
    assert sliding.playlist().media_sequence == 5


def test_a_playlist_keeps_at_least_three_target_durations_of_media() -> None:
    """RFC 8216, 6.2.2: players start that far from the end."""
    assert listed(window(6, 2, 2, 2, 2)) == [0, 1, 2, 3, 4]
    assert listed(window(6, *[2] * 10)) == list(range(2, 11))


def test_tiny_segments_do_not_pile_up() -> None:
    playlist = window(10.0, *[0.001] * 100, length=3, spare=2)
    assert len(playlist.listed) == 12
    assert len(playlist.entries) == 14


def test_the_media_sequence_never_goes_back() -> None:
    playlist = window(*[2] * 6)
    before = playlist.first
    playlist.add(segment(6, 9.0))
    assert playlist.first == before
    assert playlist.target_duration == 9


def test_the_target_duration_covers_every_segment_and_never_shrinks() -> None:
    assert window(2.0, 2.4).target_duration == 2
    assert window(2.0, 2.5).target_duration == 3
    assert window(4.0, *[2.0] * 20).target_duration == 4


def test_discontinuities_are_counted_when_they_fall_out() -> None:
    playlist = HlsWindow(length=2, spare=0)
    seen = []
    for sequence in range(6):
        playlist.add(segment(sequence, 9.0 if sequence < 0 else 2.0, discontinuity=sequence in (2, 3)))
        rendered = playlist.playlist()
        flags = [entry.discontinuity for entry in rendered.segments]
        seen.append((rendered.media_sequence, rendered.discontinuity_sequence, flags))
    assert seen == [
        (0, 0, [False]),
        (0, 0, [False, False]),
        (0, 0, [False, False, True]),
        (1, 0, [False, True, True]),
        (2, 0, [True, True, False]),
        (3, 1, [True, False, False]),
    ]
    playlist.add(segment(6))
    assert playlist.playlist().discontinuity_sequence == 2


def test_the_text_names_segments_and_carries_the_viewers_query() -> None:
    playlist = HlsWindow()
    playlist.add(segment(0, at=1_767_323_045.6789))
    assert playlist.render(query="session=1", prefix="stream/") == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:3\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:05.679Z\n"
        "#EXTINF:2.000,\n"
        "stream/0.ts?session=1\n"
    )


def test_an_ended_stream_ends_its_playlist_until_it_goes_on() -> None:
    playlist = window(2.0)
    playlist.ended = True
    assert playlist.render().endswith("#EXT-X-ENDLIST\n")
    playlist.add(segment(1))
    assert "ENDLIST" not in playlist.render()


def test_a_restarted_list_begins_behind_the_old_one_and_counts_on() -> None:
    playlist = window(*[2.0] * 5)
    assert playlist.restart() == [0, 1, 2, 3, 4]
    playlist.add(segment(7, discontinuity=True))
    rendered = playlist.playlist()
    assert (rendered.media_sequence, rendered.discontinuity_sequence) == (7, 0)
    assert listed(playlist) == [7]


def test_an_empty_window_renders_an_empty_playlist() -> None:
    assert HlsWindow(target_duration=2).playlist().segments == ()


def test_a_segment_out_of_order_is_refused() -> None:
    with pytest.raises(ProtocolError, match="segment 5 does not follow 1"):
        window(2.0, 2.0).add(segment(5))


def test_the_index_file_holds_all_that_another_process_needs() -> None:
    segmenter = TsSegmenter()
    segmenter.push(Tag(VIDEO, 0, b"\x17\x00\x00\x00\x00" + AVC))
    segmenter.anchor(5, 1000.5)
    segmenter.state.continuity = {0: 3, 0x100: 15}
    playlist = window(*[2.0] * 7)
    playlist.describe(segmenter)
    restored = HlsWindow.from_json(playlist.to_json())
    assert restored == playlist
    assert restored.segmenter.anchor == (5, 1000.5)
    assert (restored.codecs, restored.width, restored.height) == (("avc1.42c01e",), 640, 360)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"first": "x"}', b"\xff"])
def test_a_damaged_index_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="damaged"):
        HlsWindow.from_json(data)


def test_the_bandwidth_is_the_peak_of_full_segments() -> None:
    playlist = HlsWindow()
    playlist.add(segment(0, 2.0, size=500_000))
    playlist.add(segment(1, 2.0, size=250_000))
    playlist.add(segment(2, 0.1, size=250_000))
    variant = playlist.variant("live.m3u8")
    assert (variant.bandwidth, variant.average_bandwidth) == (2_000_000, 1_500_000)
    assert (variant.resolution, variant.codecs) == (None, ())
