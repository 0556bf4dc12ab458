"""The tick: the same moments in all workers."""

import asyncio
from collections.abc import Callable

from oxbow.rooms.live.worker.ticker import SERVE_AFTER, Ticker


class Loop:
    """An event loop whose time is what the test says."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> "Loop":
        self.calls.append((when, call))
        return self

    def cancel(self) -> None:
        self.calls.clear()

    def step(self, late: float = 0.0) -> None:
        when, call = self.calls.pop(0)
        self.now = when + late
        call()


def start(now: float) -> tuple[Loop, Ticker, list[str]]:
    loop, events = Loop(now), []
    ticker = Ticker(
        0.1,
        lambda: events.append(f"gather {loop.now:.2f}"),
        lambda: events.append(f"serve {loop.now:.2f}"),
        lambda elapsed: events.append(f"second {elapsed:.2f}"),
    )
    ticker.start(loop)  # type: ignore[arg-type]
    return loop, ticker, events


def test_publishers_are_read_at_multiples_of_the_tick_and_viewers_served_a_little_later() -> None:
    loop, _, events = start(100.03)
    for _ in range(4):
        loop.step()
    assert SERVE_AFTER == 0.1
    assert events == ["gather 100.10", "serve 100.11", "gather 100.20", "serve 100.21"]


def test_a_tick_that_was_missed_is_not_made_up_for() -> None:
    loop, _, events = start(100.03)
    loop.step(late=0.35)
    for _ in range(3):
        loop.step()
    assert events == ["gather 100.45", "serve 100.51", "gather 100.60", "serve 100.61"]


def test_housekeeping_comes_about_once_a_second_and_knows_how_long_it_was() -> None:
    loop, _, events = start(100.0)
    for _ in range(50):
        loop.step()
    seconds = [event for event in events if event.startswith("second")]
    assert seconds == ["second 1.01", "second 1.00"]


def test_a_failure_in_one_tick_does_not_end_the_ticking() -> None:
    loop = Loop(0.0)

    def fail() -> None:
        raise RuntimeError

    ticker = Ticker(0.1, fail, fail, lambda elapsed: None)
    ticker.start(loop)  # type: ignore[arg-type]
    for _ in range(4):
        try:
            loop.step()
        except RuntimeError:
            assert len(loop.calls) == 1


async def test_after_stop_nothing_comes_any_more() -> None:
    loop, ticker, events = start(100.0)
    loop.step()
    ticker.stop()
    assert loop.calls == []
    assert len(events) == 1
    real = Ticker(0.01, lambda: None, lambda: None, lambda elapsed: None)
    real.start(asyncio.get_running_loop())
    real.stop()
