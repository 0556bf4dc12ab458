"""Real media for the end-to-end tests: clips, an ffmpeg that publishes and an ffmpeg that plays.

Clips are encoded once and published as they are, so that what a viewer gets can be compared with the clip.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
QUIET = ["-hide_banner", "-loglevel", "error", "-nostdin"]
SECONDS = 20
RATE = 25
PLAY_SECONDS = 60
STOP_SECONDS = 10

# B-frames make presentation and decoding order differ, which is what composition times are for.
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-sc_threshold", "0"]
HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=25:open-gop=0"]
AV1 = ["-c:v", "libsvtav1", "-preset", "12", "-g", "25", "-svtav1-params", "scd=0:lookahead=0"]
AAC = ["-c:a", "aac", "-b:a", "64k", "-ar", "44100"]
OPUS = ["-c:a", "libopus", "-b:a", "64k", "-ar", "48000"]
PICTURE = ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={RATE}:duration={SECONDS}"]
TONE = ["-f", "lavfi", "-i", f"sine=frequency=440:beep_factor=4:duration={SECONDS}"]

T = TypeVar("T")


@dataclass(frozen=True)
class Clip:
    """An encoded file and the hashes of what is in it."""

    path: Path
    pictures: list[str]
    """MD5 of each decoded picture, in order; empty without video."""
    sounds: list[str]
    """MD5 of each coded audio frame, in order; empty without audio."""


def make_clip(path: Path, video: list[str], audio: list[str]) -> Clip:
    """Encode a moving picture and a tone; an empty list of options leaves the one or the other out."""
    inputs = [*(PICTURE if video else []), *(TONE if audio else [])]
    command = [FFMPEG, *QUIET, *inputs, "-pix_fmt", "yuv420p", *video, *audio, "-y", str(path)]
    subprocess.run(command, check=True, timeout=PLAY_SECONDS)
    return Clip(
        path,
        hashes(str(path), "v") if video else [],
        hashes(str(path), "a") if audio else [],
    )


def hashes(source: str, kind: str, frames: int | None = None, options: tuple[str, ...] = ()) -> list[str]:
    """MD5 of each picture (`v`, decoded) or audio frame (`a`, coded) in a file or at an address."""
    copied = ["-map", "0:a", "-c:a", "copy", *options]
    decoded = ["-map", "0:v", "-fps_mode", "passthrough"]
    limit = [f"-frames:{kind}", str(frames)] if frames else []
    command = [
        FFMPEG,
        *QUIET,
        "-i",
        source,
        *(decoded if kind == "v" else copied),
        *limit,
        "-f",
        "framemd5",
        "-",
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=PLAY_SECONDS, check=False)
    # stream, dts, pts, duration, size, hash; a packet's side data may follow.
    found = [line.split(",")[5].strip() for line in told.stdout.splitlines() if not line.startswith("#")]
    assert found, f"ffmpeg read nothing from {source}: {told.stderr}"
    return found


def is_run_of(part: list[str], whole: list[str]) -> bool:
    """Whether `part` stands in `whole` without a gap, an addition or a change."""
    starts = [index for index, item in enumerate(whole) if item == part[0]]
    return any(whole[start : start + len(part)] == part for start in starts)


class Publisher:
    """ffmpeg publishing a clip in real time; a context manager that ends it."""

    def __init__(self, clip: Clip, url: str, *options: str) -> None:
        command = [FFMPEG, *QUIET, "-re", "-i", str(clip.path), "-c", "copy", *options, "-f", "flv", url]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> str:
        """End it, if it has not ended by itself, and return what it said."""
        self.process.terminate()
        return self.refusal()

    def refusal(self) -> str:
        """Wait for it to end and return what it said."""
        try:
            return self.process.communicate(timeout=STOP_SECONDS)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.communicate()[1]


def eventually(ask: Callable[[], T | None], what: str, seconds: float = 15) -> T:
    """Ask until there is an answer that is true; fail with `what` was expected."""
    give_up = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < give_up, f"expected {what}"
        time.sleep(0.05)
    return answer
