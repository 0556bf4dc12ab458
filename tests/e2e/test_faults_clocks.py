"""Clocks that lie: the machine's wall clock, and time stamps of publishers."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from broadcast import is_key, picture, setup, sound
from e2e.media import eventually
from e2e.raw import FRAME_MS, VIEWERS, Encoder, Viewer, is_whole, see_on, watch
from e2e.server import ACCESS_KEY, SECRET_KEY, Server
from oxbow.client import Client, stream_path
from oxbow.proto import flv

pytestmark = pytest.mark.e2e

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
MINUTE = 60
"""Seconds of one; a signed request may be a quarter of an hour off."""


@pytest.fixture
def wall_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set how far the wall clock of servers started from now on is off, in seconds; any time again."""
    if not LIBRARIES:
        pytest.skip("the wall clock can't be set for one process (Debian: apt-get install faketime)")
    file = tmp_path / "clock"

    def step(seconds: int) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(file)

    step(0)
    monkeypatch.setenv("LD_PRELOAD", str(LIBRARIES[0]))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(file))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    # A step of the wall clock leaves CLOCK_MONOTONIC alone; so must the one that is played here.
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return step


def test_a_step_of_the_wall_clock_moves_no_media(
    new_server: Callable[..., Server], wall_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_server()
    server.start()
    # The library also wakes the server's threads at odd times, so that an answer may take a while.
    with Client(server.api, ACCESS_KEY, SECRET_KEY, timeout=60) as api, ExitStack() as stage:
        # The library gets absolute sleeps wrong, and ending in good order takes one.
        stage.callback(server.stop, signal.SIGKILL)
        monkeypatch.delenv("LD_PRELOAD")
        encoder = stage.enter_context(Encoder(server, "live/evening")).go_live()
        viewers = [stage.enter_context(watch(server, "live/evening", protocol)) for protocol in VIEWERS]
        see_on(*viewers)
        for name, seconds in (("later", 10 * MINUTE), ("earlier", -10 * MINUTE)):
            wall_clock(seconds)
            with Encoder(server, f"live/{name}").go_live(), watch(server, f"live/{name}") as newcomer:
                see_on(newcomer, *viewers)
                # The broadcast that has just begun shows that the server's clock did step.
                started = api.get(f"{stream_path('live', name)}/live")["startAt"]
                assert abs(started - time.time() - seconds) < MINUTE
        assert encoder.is_live
        assert api.get(f"{stream_path('live', 'evening')}/live")["fps"]["video"] > 0
        assert all(is_whole(viewer.times()) for viewer in viewers)


@pytest.fixture
def stage(server: Server, hub: str, stream: str) -> Iterator[tuple[Encoder, Viewer]]:
    """An encoder whose frames are sent by hand, and a viewer."""
    path = f"{hub}/{stream}"
    with Encoder(server, path) as encoder, watch(server, path) as viewer:
        yield encoder, viewer


WRAP = 1 << 32
STEPS = {
    "forward by an hour": (1000, 3_601_000),
    "back by an hour": (3_601_000, 1000),
    "back to zero": (500_000, 0),
    "over the wrap": (WRAP - 25 * FRAME_MS, WRAP),
    "to the end of time": (1000, WRAP - 1000),
    "back by a little": (5000, 4000),
}


@pytest.mark.parametrize("form", STEPS)
def test_a_publishers_time_stamps_may_jump_and_viewers_see_one_time_line(
    stage: tuple[Encoder, Viewer], form: str
) -> None:
    encoder, viewer = stage
    sent = []
    encoder.send(setup())
    for start in STEPS[form]:
        for at in range(start, start + 25 * FRAME_MS, FRAME_MS):
            encoder.send([picture(at, key=at == start), sound(at)])
            sent.append(at)
        # The step comes only when the viewer has what was before: it would else join right behind it.
        eventually(lambda: len(viewer.times()) == len(sent), "all pictures")
    assert viewer.times() == sent
    assert is_key(viewer.pictures()[0])
    for track in (flv.VIDEO, flv.AUDIO):
        times = [tag[1] for tag in viewer.media if tag[0] == track]
        assert all(0 <= later - earlier <= 2000 for earlier, later in pairwise(times))
