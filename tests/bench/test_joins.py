"""The decisions that are measured are those of an address that is let in."""

from bench.joins import Joins


def test_every_join_is_let_in_and_takes_some_time():
    numbers = Joins(10).measure()
    assert numbers["join_p99_us"] >= numbers["join_median_us"] > 0
