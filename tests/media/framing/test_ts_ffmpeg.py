"""The segments through a decoder that nobody here wrote: the source's frames, at the same times."""

import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
import pytest

from oxbow.media.framing.hls_window import HlsWindow, segment_name
from oxbow.media.framing.ts import Segment, TsSegmenter
from oxbow.proto import flv

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=5")
TONE = ("-f", "lavfi", "-i", "sine=d=5:r=44100")
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "3", "-threads", "1")
X265 = (
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-g",
    "25",
    "-bf",
    "2",
    "-x265-params",
    "log-level=error:pools=1:open-gop=0",
)

SOURCES: dict[str, tuple[str, ...]] = {
    "H.264 with B-frames and AAC": (*PICTURE, *TONE, *X264, "-c:a", "aac"),
    "HEVC and AAC": (*PICTURE, *TONE, *X265, "-c:a", "aac"),
    "HEVC and Opus": (*PICTURE, *TONE, *X265, "-c:a", "libopus", "-b:a", "64k"),
    "H.264 and MP3": (*PICTURE, *TONE, *X264, "-c:a", "libmp3lame"),
    "H.264 alone": (*PICTURE, *X264),
    "AAC alone": (*TONE, "-c:a", "aac"),
}


def ffmpeg(*arguments: str) -> str:
    """Run ffmpeg; any warning fails the test."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-v", "warning", "-y", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=SOURCES.values(), ids=SOURCES.keys())
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "source.flv"
    ffmpeg(*request.param, "-f", "flv", str(path))
    return path


def tags(path: Path) -> list[flv.Tag]:
    return flv.iter_tags(path.read_bytes(), len(flv.FILE_HEADER))[0]


def cut(tags: Iterable[flv.Tag], segmenter: TsSegmenter) -> list[Segment]:
    segments = [segment for tag in tags for segment in segmenter.push(tag)]
    rest = segmenter.flush()
    assert segmenter.damaged == 0
    return segments if rest is None else [*segments, rest]


def decoded(path: Path) -> dict[str, list[str]]:
    """Per track, the checksum of each decoded frame."""
    frames: dict[str, list[str]] = {}
    for line in ffmpeg("-i", str(path), "-map", "0", "-f", "framemd5", "-").splitlines():
        if not line.startswith("#"):
            track, *_, checksum = line.split(",")
            frames.setdefault(track, []).append(checksum.strip())
    return frames


def times(path: Path, ticks_per_ms: int, base_ms: int) -> dict[str, list[float]]:
    """Per track, the presentation time in ms of each coded frame."""
    result: dict[str, list[float]] = {}
    copy = ("-copyts", "-i", str(path), "-map", "0", "-c", "copy", "-f", "framecrc", "-")
    for line in ffmpeg(*copy).splitlines():
        if not line.startswith("#"):
            track, _, pts, *_ = line.split(",")
            result.setdefault(track, []).append(int(pts) / ticks_per_ms - base_ms)
    return result


def test_a_decoder_gets_the_same_frames_at_the_same_times(
    source: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    segments = cut(tags(source), TsSegmenter(2.0))
    muxed = tmp_path / "whole.ts"
    muxed.write_bytes(b"".join(segment.data for segment in segments))
    assert len(segments) >= 2
    frames, wanted = decoded(muxed), decoded(source)
    if "Opus" in request.node.name:
        # A decoder cuts Opus's pre-skip off the first packet of a file. A live stream has no first packet.
        del frames["1"][0], wanted["1"][0]
    assert frames == wanted
    expected, actual = times(source, 1, 0), times(muxed, 90, 1400)
    assert actual.keys() == expected.keys()
    for track, stamps in expected.items():
        # FLV rounds to milliseconds; sound comes out on its samples' exact grid.
        assert actual[track] == pytest.approx(stamps, abs=1.01)


def test_every_segment_decodes_by_itself(source: Path, tmp_path: Path) -> None:
    single = tmp_path / "single.ts"
    counts: Counter[str] = Counter()
    for segment in cut(tags(source), TsSegmenter(1.0)):
        single.write_bytes(segment.data)
        counts.update({track: len(frames) for track, frames in decoded(single).items()})
    assert counts == {track: len(frames) for track, frames in decoded(source).items()}


@pytest.mark.parametrize("name", ["H.264 with B-frames and AAC"])
def test_a_player_follows_a_playlist_across_a_discontinuity(name: str, tmp_path: Path) -> None:
    """A publisher that comes back is put behind what was there, on the stream's one time line."""
    made = tmp_path / "source.flv"
    ffmpeg(*SOURCES[name], "-f", "flv", str(made))
    window = HlsWindow(length=20)
    segmenter = TsSegmenter(2.0)
    again = [tag._replace(timestamp=tag.timestamp + 6000) for tag in tags(made)]
    for segment in cut(tags(made), segmenter) + cut(again, segmenter):
        (tmp_path / segment_name(segment.sequence)).write_bytes(segment.data)
        window.add(segment)
    window.ended = True
    playlist = tmp_path / "live.m3u8"
    playlist.write_text(window.render())
    assert window.render().count("#EXT-X-DISCONTINUITY\n") == 1
    once = decoded(made)
    assert {track: len(frames) for track, frames in decoded(playlist).items()} == {
        track: 2 * len(frames) for track, frames in once.items()
    }
