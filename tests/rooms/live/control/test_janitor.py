"""The loop that ends streams whose publisher stays away."""

import asyncio
from pathlib import Path

import pytest

from oxbow.media.page import State
from oxbow.media.registry import Registry
from oxbow.media.stream import StreamOptions
from oxbow.rooms.live.board import LiveBoard, OnAir
from oxbow.rooms.live.control import janitor as janitor_module
from oxbow.rooms.live.control.janitor import Janitor
from oxbow.rooms.live.control.messages import LivePublisher


@pytest.fixture
def registry(shm: Path) -> Registry:
    return Registry(shm)


def abandon(registry: Registry, stream: str) -> None:
    registry.writer("hub", stream, StreamOptions(grace_seconds=0.0)).leave()


def state(registry: Registry, stream: str) -> int:
    reader = registry.reader("hub", stream, with_ended=True)
    assert reader is not None
    state = reader.page.state
    reader.close()
    return state


def test_it_ends_what_nobody_publishes_and_leaves_the_rest(registry: Registry) -> None:
    board = LiveBoard()
    for stream in ("abandoned", "on-air"):
        abandon(registry, stream)
    board.put(OnAir(0, LivePublisher("hub", "on-air", "session", "", "", 0.0)))
    Janitor(board, registry).sweep()
    assert state(registry, "abandoned") == State.ENDED
    assert state(registry, "on-air") == State.IDLE, "it has been let in, and opens its log at this moment"


async def test_it_goes_on_after_a_failure(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor_module, "EVERY_SECONDS", 0.001)
    sweeps: list[int] = []
    done = asyncio.Event()

    def sweep(self: Janitor) -> None:
        sweeps.append(1)
        if len(sweeps) == 1:
            raise OSError("no memory")
        done.set()

    monkeypatch.setattr(Janitor, "sweep", sweep)
    janitor = Janitor(LiveBoard(), registry)
    janitor.start()
    async with asyncio.timeout(10):
        await done.wait()
    await janitor.close()


async def test_closing_one_that_was_never_started_is_harmless(registry: Registry) -> None:
    await Janitor(LiveBoard(), registry).close()
