"""Usage that waits in memory: nothing of it is lost, and there is a limit to how much room it takes."""

from collections import Counter

import pytest

from kernel.metering.conftest import SHANGHAI, at
from oxbow.kernel.metering import Calendar, Step
from oxbow.kernel.metering.models import Entries, Series
from oxbow.kernel.metering.pending import PendingUsage

CALENDAR = Calendar(SHANGHAI)
HOUR, DAY = 3600, 86_400
BEGIN = int(at("2026-03-01 00:00"))
ONE: Series = (1, "test.flow", ("a", "cn"))
OTHER: Series = (1, "test.flow", ("b", "cn"))


def pending(max_entries: int) -> PendingUsage:
    return PendingUsage(lambda account: CALENDAR, max_entries)


def everything(usage: PendingUsage) -> Entries:
    return usage.take(len(usage))


def test_what_is_used_in_the_same_five_minutes_is_one_sum():
    usage = pending(10)
    for quantity in (1, 20, 300):
        usage.add(ONE, BEGIN, quantity)
    usage.add(OTHER, BEGIN, 4000)
    usage.add(ONE, BEGIN + 300, 50_000)
    assert len(usage) == 3
    assert everything(usage) == {(ONE, BEGIN): 321, (OTHER, BEGIN): 4000, (ONE, BEGIN + 300): 50_000}
    assert len(usage) == 0


def test_the_oldest_are_taken_first():
    usage = pending(10)
    for number in range(5):
        usage.add(ONE, BEGIN + 300 * number, number + 1)
    assert usage.take(2) == {(ONE, BEGIN): 1, (ONE, BEGIN + 300): 2}
    assert list(usage.take(10).values()) == [3, 4, 5]
    assert usage.take(10) == {}


def test_what_grows_too_large_is_kept_by_the_hour():
    usage = pending(24)
    for number in range(24):
        usage.add(ONE, BEGIN + 300 * number, 1)
    assert len(usage) == 24
    usage.add(ONE, BEGIN + 2 * HOUR, 1)
    assert everything(usage) == {(ONE, BEGIN): 12, (ONE, BEGIN + HOUR): 12, (ONE, BEGIN + 2 * HOUR): 1}


def test_where_hours_are_too_many_it_is_kept_by_the_day():
    usage = pending(30)
    for hour in range(31):
        usage.add(ONE, BEGIN + HOUR * hour, 1)
    # The thirty-first found no room: those before it are the sums of two days now.
    assert everything(usage) == {(ONE, BEGIN): 24, (ONE, BEGIN + DAY): 6, (ONE, BEGIN + 30 * HOUR): 1}


def test_a_sum_that_is_there_has_room_even_when_it_is_full():
    usage = pending(2)
    usage.add(ONE, BEGIN, 1)
    usage.add(OTHER, BEGIN + 300, 1)
    usage.add(OTHER, BEGIN + 300, 1)
    assert everything(usage) == {(ONE, BEGIN): 1, (OTHER, BEGIN + 300): 2}


def test_more_series_than_the_limit_are_kept_all_and_not_merged_each_time(monkeypatch: pytest.MonkeyPatch):
    usage, merged = pending(10), []
    merge = usage._merge
    monkeypatch.setattr(usage, "_merge", lambda step: (merged.append(step), merge(step)))
    many = [(1, "test.flow", (str(number), "")) for number in range(100)]
    for series in many:
        usage.add(series, BEGIN, 1)
    assert everything(usage) == {(series, BEGIN): 1 for series in many}
    assert merged == [Step.HOUR, Step.DAY] * 4  # at 10, 20, 40 and 80


def test_when_all_is_written_the_limit_is_the_first_again():
    usage = pending(10)
    for number in range(50):
        usage.add((1, "test.flow", (str(number), "")), BEGIN, 1)
    everything(usage)
    for number in range(11):
        usage.add(ONE, BEGIN + 300 * number, 1)
    assert everything(usage) == {(ONE, BEGIN): 10, (ONE, BEGIN + 3000): 1}


@pytest.mark.parametrize("max_entries", [2, 7, 50, 400])
def test_however_it_is_merged_each_day_of_a_series_keeps_its_sum(max_entries: int):
    usage, expected = pending(max_entries), Counter[tuple[Series, int]]()
    for number in range(2000):
        series, bucket = (ONE, OTHER)[number % 3 == 0], BEGIN + 300 * (number * 37 % 1000)
        usage.add(series, bucket, number)
        expected[series, CALENDAR.start(Step.DAY, bucket)] += number
    found = Counter[tuple[Series, int]]()
    for (series, bucket), quantity in everything(usage).items():
        found[series, CALENDAR.start(Step.DAY, bucket)] += quantity
    assert found == expected
