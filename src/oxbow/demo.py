"""`oxbow demo`: a broadcast of its own, so that there is something to watch.

A moving test picture with the time of day burnt in and a tone, made by ffmpeg and published like any other
broadcast: whoever can watch this one can watch yours.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import imageio_ffmpeg

from oxbow.client import (
    Client,
    LiveStream,
    Reach,
    RefusedError,
    ServerUnreachableError,
    base_url,
    is_ready,
    live_streams,
    play_addresses,
    publish_address,
)
from oxbow.kernel.settings import KernelSettings

HUB = "demo"
STREAM = "broadcast"
EXISTS = 614
START_SECONDS = 60.0
POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0
RETRY_SECONDS = 2.0
STOP_SECONDS = 15.0

SIZE = "1280x720"
PICTURES_PER_SECOND = 25
KEYFRAME_EVERY = 2 * PICTURES_PER_SECOND
CLOCK = (
    "drawtext=text='%{localtime}':x=(w-text_w)/2:y=h-90:fontsize=56:fontcolor=white:box=1:boxcolor=black@0.6"
)
CLOCK_BOX = "boxborderw=12"


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


@dataclass(frozen=True)
class Demo:
    """A broadcast on the server of these settings.

    :param connect: opens a client that signs as the root account; there are keys once a server has started.
    :param say: takes lines of text for the person who watches.
    """

    settings: KernelSettings
    connect: Callable[[], AbstractContextManager[Client]]
    say: Callable[[str], None]

    def run(self) -> None:
        """Publish until interrupted; the server is started if none runs, and ended with the demo then."""
        url = base_url(self.settings.api_listen)
        with ExitStack() as stack:
            server = None if answers(url) else stack.enter_context(own_server())
            wait_until_ready(url, server)
            client = stack.enter_context(self.connect())
            create_hub(client)
            reach = Reach.of(self.settings, client.get(f"/v2/hubs/{HUB}"))
            self._announce(reach)
            publisher = stack.enter_context(Publisher(publish_address(reach, HUB, STREAM, "")))
            while True:
                publisher.watch(REPORT_SECONDS)
                self._report(client)

    def _announce(self, reach: Reach) -> None:
        self.say(f"Publishing a test broadcast to {publish_address(reach, HUB, STREAM, '')}")
        self.say("Watch it:")
        for protocol, address in play_addresses(reach, HUB, STREAM).items():
            self.say(f"  {protocol:<14} {address}")
        self.say("Ctrl-C ends it.")

    def _report(self, client: Client) -> None:
        lines = [describe(live) for live in live_streams(client)]
        self.say("\n".join(["Live now:", *lines]) if lines else "Nothing is live yet.")


def describe(live: LiveStream) -> str:
    """One line about a broadcast."""
    figures = f"{live.bps / 1e6:.2f} Mbit/s, {live.fps} pictures/s, {live.viewers} viewers"
    return f"  {live.hub}/{live.name}: {figures}"


def create_hub(client: Client) -> None:
    """See to it that the demo has its hub."""
    try:
        client.post("/v2/hubs", {"name": HUB})
    except RefusedError as refusal:
        if refusal.status != EXISTS:
            raise


def answers(url: str) -> bool:
    """Whether anything listens there."""
    try:
        is_ready(url)
    except ServerUnreachableError:
        return False
    return True


@contextmanager
def own_server() -> Iterator[subprocess.Popen[bytes]]:
    """A server as a child, until the end of the block."""
    # In a process group of its own it is not hit by Ctrl-C: it ends after the publisher, in order.
    server = subprocess.Popen([sys.executable, "-m", "oxbow", "serve"], process_group=0)
    try:
        yield server
    finally:
        _stop(server)


def wait_until_ready(url: str, server: subprocess.Popen[bytes] | None) -> None:
    """Ask until the server is ready; DemoError if it ends before, or takes too long."""
    give_up = time.monotonic() + START_SECONDS
    while not (answers(url) and is_ready(url)):
        if server is not None and server.poll() is not None:
            raise DemoError(f"the server ended with code {server.returncode} before it was ready")
        if time.monotonic() > give_up:
            raise DemoError(f"the server at {url} was not ready within {START_SECONDS:.0f} seconds")
        time.sleep(POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Publisher:
    """ffmpeg, started again whenever it ends; a context manager that ends it."""

    def __init__(self, url: str) -> None:
        self._command = publish_command(url, clock=can_draw_text())
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Publisher:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            _stop(self._process)

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, process_group=0)

    def watch(self, seconds: float) -> None:
        """Wait for `seconds`; if ffmpeg ends in that time, start it again after a moment."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        time.sleep(RETRY_SECONDS)
        self._start()


def can_draw_text() -> bool:
    """Whether this ffmpeg finds a font; without one the test picture's own clock has to do."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "quiet",
        "-nostdin",
        "-f",
        "lavfi",
        "-i",
        "color=size=320x240",
    ]
    tried = subprocess.run(
        [*command, "-vf", f"{CLOCK}:{CLOCK_BOX}", "-frames:v", "1", "-f", "null", "-"], check=False
    )
    return tried.returncode == 0


def publish_command(url: str, *, clock: bool) -> list[str]:
    """The ffmpeg command of the broadcast: H.264 and AAC, a keyframe every two seconds, about 2 Mbit/s."""
    picture = f"testsrc2=size={SIZE}:rate={PICTURES_PER_SECOND}"
    inputs = [
        "-re",
        "-f",
        "lavfi",
        "-i",
        picture,
        "-re",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=440:beep_factor=2",
    ]
    filters = ["-vf", f"{CLOCK}:{CLOCK_BOX},format=yuv420p" if clock else "format=yuv420p"]
    keyframes = ["-g", str(KEYFRAME_EVERY), "-keyint_min", str(KEYFRAME_EVERY), "-sc_threshold", "0"]
    rate = ["-b:v", "1900k", "-maxrate", "2200k", "-bufsize", "2200k"]
    video = ["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", *keyframes, *rate]
    audio = ["-c:a", "aac", "-b:a", "96k", "-ar", "44100", "-ac", "2"]
    quiet = ["-hide_banner", "-loglevel", "error", "-nostdin"]
    return [imageio_ffmpeg.get_ffmpeg_exe(), *quiet, *inputs, *filters, *video, *audio, "-f", "flv", url]
