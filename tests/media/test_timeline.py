"""One continuous time line, whatever the publishers' clocks do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.media.timeline import WRAP, Timeline

AUDIO, VIDEO = 8, 9


def mapped(timeline: Timeline, *timestamps: int, track: int = VIDEO) -> list[int]:
    return [timeline.map(track, timestamp % WRAP) for timestamp in timestamps]


@pytest.mark.parametrize("first", [0, 5000, WRAP - 1])
def test_a_new_stream_begins_at_zero_wherever_its_publishers_clock_stands(first: int) -> None:
    timeline = Timeline()
    assert mapped(timeline, first, first + 40, first + 80) == [0, 40, 80]
    assert (timeline.last, timeline.jumps) == (80, 0)


def test_a_publisher_that_comes_back_goes_on_behind_what_is_there() -> None:
    assert mapped(Timeline(last=10_000), 0, 40) == [10_001, 10_041]
    assert mapped(Timeline(last=10_000), 123_456, 123_496) == [10_001, 10_041]


def test_the_32_bit_clock_wraps_without_a_jump() -> None:
    timeline = Timeline()
    assert mapped(timeline, WRAP - 60, WRAP - 20, WRAP + 20) == [0, 40, 80]
    assert timeline.jumps == 0


def test_the_log_counts_on_beyond_32_bits() -> None:
    assert mapped(Timeline(last=WRAP + 7), 100, 140) == [WRAP + 8, WRAP + 48]


@pytest.mark.parametrize("to", [0, 500_000], ids=["back", "forth"])
def test_a_jump_leaves_no_hole_and_goes_on_at_the_publishers_pace(to: int) -> None:
    timeline = Timeline()
    assert mapped(timeline, 100_000, 100_040, to, to + 40, to + 80) == [0, 40, 41, 81, 121]
    assert timeline.jumps == 1


def test_a_pause_of_less_than_a_jump_is_kept() -> None:
    timeline = Timeline()
    assert mapped(timeline, 0, 3000, 6001) == [0, 3000, 3001]
    assert timeline.jumps == 1, "only the second step is longer than three seconds"


def test_loosely_interleaved_tracks_keep_their_distance() -> None:
    """Sound that comes a little late, as it was taken; it is not a jump."""
    timeline = Timeline()
    order = [(VIDEO, 1000), (AUDIO, 990), (VIDEO, 1040), (VIDEO, 1080), (AUDIO, 1013), (AUDIO, 1036)]
    assert [timeline.map(track, at) for track, at in order] == [0, 0, 40, 80, 13, 36]
    assert timeline.jumps == 0


def test_within_a_track_time_stands_still_rather_than_going_back() -> None:
    assert mapped(Timeline(), 1000, 1040, 1020, 1060) == [0, 40, 40, 60]


def test_no_track_goes_back_behind_an_earlier_publishers_end() -> None:
    """The tracks of the one before are not known any more, but where they ended at the latest is."""
    timeline = Timeline(last=5000)
    assert timeline.map(VIDEO, 700) == 5001
    assert timeline.map(AUDIO, 650) >= 5000


def test_after_a_jump_both_tracks_go_on_together() -> None:
    timeline = Timeline()
    for track, at in ((VIDEO, 9000), (AUDIO, 9010), (VIDEO, 0), (AUDIO, 10)):
        last = timeline.map(track, at)
    assert (last, timeline.jumps) == (21, 1)


steps = st.one_of(
    st.integers(0, 100),
    st.integers(-200, 0),
    st.sampled_from([3000, 3001, -3000, -3001, 1 << 31, -(1 << 31), WRAP - 1, 86_400_000]),
    st.integers(0, WRAP - 1),
)


@given(
    first=st.integers(0, WRAP - 1),
    last=st.one_of(st.just(-1), st.integers(0, 1 << 40)),
    moves=st.lists(st.tuples(st.sampled_from([AUDIO, VIDEO]), steps), max_size=200),
)
def test_time_never_goes_back_within_a_track_whatever_comes(
    first: int, last: int, moves: list[tuple[int, int]]
) -> None:
    timeline = Timeline(last)
    clock, seen = first, {AUDIO: last, VIDEO: last}
    for track, step in moves:
        clock = (clock + step) % WRAP
        at = timeline.map(track, clock)
        assert at >= max(seen[track], 0)
        assert at <= timeline.last
        seen[track] = at


@given(
    first=st.integers(0, WRAP - 1),
    moves=st.lists(st.tuples(st.sampled_from([AUDIO, VIDEO]), st.integers(0, 3000)), max_size=100),
)
def test_an_honest_clock_is_kept_to_the_millisecond(first: int, moves: list[tuple[int, int]]) -> None:
    timeline = Timeline()
    assert timeline.map(VIDEO, first) == 0
    elapsed = 0
    for track, step in moves:
        elapsed += step
        assert timeline.map(track, (first + elapsed) % WRAP) == elapsed
    assert timeline.jumps == 0


@given(moves=st.lists(steps, min_size=1, max_size=100))
def test_time_never_leaps_further_than_a_jump(moves: list[int]) -> None:
    """Players take a leap for a stall."""
    timeline, clock = Timeline(), 0
    timeline.map(VIDEO, 0)
    for step in moves:
        clock = (clock + step) % WRAP
        before = timeline.last
        timeline.map(VIDEO, clock)
        assert timeline.last - before <= 3000
