"""What is published: a real FLV file, so that every server takes it and a player could show it."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

from bench.paths import OUT

# 16 seconds are 400 pictures and exactly 750 AAC frames of 48 kHz, so the loop closes without a gap.
SECONDS = 16
FRAMES_PER_SECOND = 25
KEYFRAME_EVERY = 50
VIDEO_KBITS = 1850
AUDIO_KBITS = 128
BITS_PER_SECOND = 2_000_000  # what a viewer is meant to receive: both tracks and the FLV tags around them


def broadcast() -> Path:
    """The file, made once: H.264 at a constant rate (filler included) and AAC, a key picture every 2 s."""
    path = OUT / "source.flv"
    if not path.exists():
        OUT.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".part.flv")
        subprocess.run(encoder_command(imageio_ffmpeg.get_ffmpeg_exe(), unfinished), check=True)
        unfinished.rename(path)
    return path


def encoder_command(ffmpeg: str, target: Path) -> list[str]:
    """How the file is made. No B-frames: decoding order is display order, so a stamp means one instant."""
    rate = f"{VIDEO_KBITS}k"
    picture = f"testsrc2=size=1280x720:rate={FRAMES_PER_SECOND}"
    video = [
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-profile:v",
        "main",
        "-pix_fmt",
        "yuv420p",
        "-bf",
        "0",
    ]
    groups = ["-g", str(KEYFRAME_EVERY), "-keyint_min", str(KEYFRAME_EVERY), "-sc_threshold", "0"]
    constant = ["-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate]
    filler = ["-x264-params", "nal-hrd=cbr:force-cfr=1:filler=1"]
    audio = ["-c:a", "aac", "-b:a", f"{AUDIO_KBITS}k", "-ac", "2"]
    return [
        *(ffmpeg, "-v", "error", "-y"),
        *("-f", "lavfi", "-i", picture),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", str(SECONDS), *video, *groups, *constant, *filler, *audio),
        *("-flvflags", "no_duration_filesize", "-f", "flv", str(target)),
    ]
