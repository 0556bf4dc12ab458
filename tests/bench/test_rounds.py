"""Turning what clients and servers counted into numbers."""

import pytest
from bench.errors import BenchError
from bench.rounds import Audience, Costs

COSTS = Costs(serving_cpu=1.0, total_cpu=1.5, memory_growth=0.0, shared_memory_kb=5000)
TIMES = {"samples": 10, "min": 1, "p50": 20.0, "p99": 90.0, "max": 95.0}
SEEN = {
    "seconds": 10.0,
    "bytes": 2_500_000_000,
    "failed": 0,
    "drops": 2,
    "first_picture_ms": TIMES,
    "delay_ms": {"samples": 0},
}


def audience() -> Audience:
    return Audience(None, "http-flv", 1000, 10, 10)


def test_costs_are_per_gbit_received_by_the_viewers():
    numbers = audience().numbers(COSTS, seen=SEEN, read={"delay_ms": TIMES})

    assert numbers["cpu_per_gbit"] == pytest.approx(1 / 20)
    assert numbers["total_cpu_per_gbit"] == pytest.approx(1.5 / 20)
    assert numbers["core_percent"] == pytest.approx(10)
    assert numbers["delivered_share"] == pytest.approx(1)
    assert (numbers["first_picture_p99_ms"], numbers["delay_p50_ms"], numbers["viewers_lost"]) == (
        90,
        20,
        2,
    )


def test_a_server_without_stamps_has_no_delay():
    numbers = audience().numbers(COSTS, seen=SEEN, read={"delay_ms": {"samples": 0}})

    assert not [name for name in numbers if name.startswith("delay")]


def test_viewers_that_received_nothing_are_an_error():
    with pytest.raises(BenchError, match="7 of 1000 failed to join"):
        audience().numbers(COSTS, seen=SEEN | {"bytes": 0, "failed": 7}, read={"delay_ms": TIMES})
