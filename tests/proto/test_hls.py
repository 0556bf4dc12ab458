import pytest

from oxbow.proto.errors import ProtocolError
from oxbow.proto.hls import MediaPlaylist, MediaSegment, Variant, render_master, render_media, round_duration


def test_a_sliding_playlist() -> None:
    playlist = MediaPlaylist(
        target_duration=3,
        media_sequence=7,
        discontinuity_sequence=2,
        segments=(
            MediaSegment("7.ts", 2.0, program_date_time="2026-01-02T03:04:05.678Z"),
            MediaSegment("8.ts", 2.9996),
            MediaSegment("9.ts", 1.5, discontinuity=True),
        ),
    )
    assert render_media(playlist) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:3\n"
        "#EXT-X-TARGETDURATION:3\n"
        "#EXT-X-MEDIA-SEQUENCE:7\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:2\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:05.678Z\n"
        "#EXTINF:2.000,\n"
        "7.ts\n"
        "#EXTINF:3.000,\n"
        "8.ts\n"
        "#EXT-X-DISCONTINUITY\n"
        "#EXTINF:1.500,\n"
        "9.ts\n"
    )


def test_a_finished_playlist_ends() -> None:
    assert render_media(MediaPlaylist(2, 0, ended=True)).endswith("\n#EXT-X-ENDLIST\n")


def test_a_query_is_appended_to_every_uri() -> None:
    segments = (MediaSegment("1.ts", 1), MediaSegment("2.ts?a=b", 1))
    text = render_media(MediaPlaylist(2, 1, segments=segments), query="session=x&y=%20")
    assert "\n1.ts?session=x&y=%20\n" in text
    assert "\n2.ts?a=b&session=x&y=%20\n" in text


def test_a_query_cannot_add_lines() -> None:
    with pytest.raises(ProtocolError, match="control characters"):
        render_media(MediaPlaylist(2, 1, segments=(MediaSegment("1.ts", 1),)), query="a\n#EXT-X-ENDLIST")


@pytest.mark.parametrize(("seconds", "rounded"), [(1.4999, 1), (1.5, 2), (2.5, 3), (3.49, 3)])
def test_durations_are_rounded_halves_up(seconds: float, rounded: int) -> None:
    assert round_duration(seconds) == rounded


def test_a_segment_longer_than_the_target_duration_is_refused() -> None:
    render_media(MediaPlaylist(2, 0, segments=(MediaSegment("0.ts", 2.499),)))
    with pytest.raises(ProtocolError, match="target"):
        render_media(MediaPlaylist(2, 0, segments=(MediaSegment("0.ts", 2.5),)))


def test_a_master_playlist() -> None:
    variant = Variant(
        uri="live.m3u8",
        bandwidth=2_100_000,
        average_bandwidth=2_000_000,
        codecs=("avc1.64001f", "mp4a.40.2"),
        resolution=(1280, 720),
        frame_rate=29.97002997,
    )
    assert render_master((variant, Variant("sound.m3u8", 64_000)), query="session=1") == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:3\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2100000,AVERAGE-BANDWIDTH=2000000,"
        'CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970\n'
        "live.m3u8?session=1\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=64000\n"
        "sound.m3u8?session=1\n"
    )
