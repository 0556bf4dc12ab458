"""The streams whose statistics are measured are all seen by control."""

from bench.reporting import Reporting


def test_a_few_streams_are_counted_part_by_part():
    numbers = Reporting(streams=4, seconds=3).measure()

    parts = [numbers[f"{part}_percent"] for part in ("workers", "control", "database")]
    assert all(part > 0 for part in parts)
    assert numbers["reporting_percent"] == sum(parts)
