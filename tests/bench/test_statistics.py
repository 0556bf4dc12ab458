"""The arithmetic under the tables."""

import pytest
from bench.statistics import growth_per_minute, medians, spread


def test_median_of_each_number_over_the_rounds():
    rounds = [{"cpu": 3.0, "delay": 9.0}, {"cpu": 1.0}, {"cpu": 2.0, "delay": 11.0}]

    assert medians(rounds) == {"cpu": 2.0, "delay": 10.0}


def test_spread_is_smallest_and_largest():
    assert spread([{"cpu": 3.0}, {"cpu": 1.0}, {}], "cpu") == (1.0, 3.0)


def test_growth_is_the_slope_per_minute():
    samples = [(float(second), 1000 + 2.0 * second) for second in range(0, 300, 5)]

    assert growth_per_minute(samples) == pytest.approx(120)


def test_one_odd_sample_among_many_is_not_growth():
    samples = [(float(second), 5000.0 if second == 150 else 1000.0) for second in range(0, 305, 5)]

    assert growth_per_minute(samples) == pytest.approx(0, abs=1e-6)


def test_two_samples_tell_no_growth():
    assert growth_per_minute([(0.0, 1.0), (5.0, 100.0)]) == 0
