"""Hours, days and months as the clocks on the wall have them, daylight saving time included."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.metering.conftest import at
from oxbow.kernel.metering.calendar import STEPS, Calendar, Step

HOUR, DAY = 3600, 86_400
ZONES = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Havana",
]

moments = st.integers(int(at("2015-01-01 00:00")), int(at("2035-01-01 00:00")))
zones = st.sampled_from(ZONES).map(ZoneInfo)


def lengths(zone: str, step: Step, begin: str, end: str) -> list[int]:
    """The lengths of buckets in seconds."""
    place = ZoneInfo(zone)
    calendar = Calendar(place)
    starts = calendar.starts(step, at(begin, place), at(end, place))
    return [after - start for start, after in pairwise([*starts, int(at(end, place))])]


def test_days_and_months_begin_at_the_zones_midnight():
    calendar = Calendar(ZoneInfo("Asia/Shanghai"))
    late = at("2026-03-31 23:59:59")
    assert calendar.start(Step.DAY, late) == at("2026-03-31 00:00")
    assert calendar.start(Step.MONTH, late) == at("2026-03-01 00:00")
    assert calendar.start(Step.MONTH, late + 1) == at("2026-04-01 00:00")
    assert calendar.moment(calendar.start(Step.DAY, late)).isoformat() == "2026-03-31T00:00:00+08:00"


def test_berlins_days_have_23_and_25_hours():
    assert lengths("Europe/Berlin", Step.DAY, "2026-03-28", "2026-03-31") == [24 * HOUR, 23 * HOUR, 24 * HOUR]
    assert lengths("Europe/Berlin", Step.DAY, "2026-10-24", "2026-10-27") == [24 * HOUR, 25 * HOUR, 24 * HOUR]
    assert lengths("Europe/Berlin", Step.HOUR, "2026-03-29", "2026-03-30") == [HOUR] * 23
    assert lengths("Europe/Berlin", Step.HOUR, "2026-10-25", "2026-10-26") == [HOUR] * 25


def test_two_oclock_that_comes_twice_is_two_hours():
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    begin = int(at("2026-10-25 01:00", calendar.zone))
    named = [
        calendar.moment(start).isoformat() for start in calendar.starts(Step.HOUR, begin, begin + 4 * HOUR)
    ]
    assert named == [
        "2026-10-25T01:00:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


def test_half_hours_of_offset_and_of_daylight_saving():
    assert lengths("Asia/Kolkata", Step.DAY, "2026-01-01", "2026-01-03") == [DAY, DAY]
    assert sum(lengths("Australia/Lord_Howe", Step.HOUR, "2026-04-05", "2026-04-06")) == DAY + HOUR // 2


def test_a_day_whose_midnight_does_not_exist_begins_at_one():
    calendar = Calendar(ZoneInfo("Africa/Cairo"))
    noon = at("2026-04-24 12:00", calendar.zone)
    assert calendar.moment(calendar.start(Step.DAY, noon)).isoformat() == "2026-04-24T01:00:00+03:00"


@given(moment=moments, zone=zones, step=st.sampled_from(STEPS))
def test_buckets_follow_each_other_without_gaps(moment: int, zone: ZoneInfo, step: Step):
    calendar = Calendar(zone)
    start = calendar.start(step, moment)
    after = calendar.after(step, start)
    assert start <= moment < after
    assert calendar.start(step, start) == start
    assert calendar.start(step, after) == after
    assert calendar.start(step, after - 1) == start
    assert start % 300 == 0


@given(begin=moments, length=st.integers(0, 100 * DAY), zone=zones, step=st.sampled_from(STEPS))
def test_pieces_cover_a_period_once_and_are_whole_buckets(
    begin: int, length: int, zone: ZoneInfo, step: Step
):
    calendar = Calendar(zone)
    begin -= begin % 300
    end = begin + length - length % 300
    pieces = calendar.pieces(step, begin, end)
    assert len(pieces) <= 7
    assert sum(last - first for _, first, last in pieces) == end - begin
    for (_, _, last), (_, first, _) in pairwise(pieces):
        assert last == first
    for piece, first, last in pieces:
        assert calendar.start(piece, first) == first
        assert calendar.start(piece, last) == last


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_has_as_many_days_as_the_calendar_says(zone: str):
    assert len(lengths(zone, Step.DAY, "2026-01-01", "2027-01-01")) == 365
    assert len(lengths(zone, Step.MONTH, "2026-01-01", "2027-01-01")) == 12
