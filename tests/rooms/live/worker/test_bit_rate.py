"""A publisher may send too much for a while, not for good."""

from oxbow.rooms.live.worker.bit_rate import TOLERANCE_SECONDS, BitRateLimit


def test_a_burst_is_let_pass() -> None:
    limit = BitRateLimit(1000)
    for _ in range(3):
        assert not any(limit.is_exceeded(1_000_001) for _ in range(TOLERANCE_SECONDS - 1))
        assert not limit.is_exceeded(1_000_000), "exactly the limit is within it"


def test_too_much_for_too_long_is_not() -> None:
    limit = BitRateLimit(1000)
    asked = [limit.is_exceeded(2_000_000) for _ in range(TOLERANCE_SECONDS)]
    assert asked == [*[False] * (TOLERANCE_SECONDS - 1), True]


def test_nought_is_no_limit() -> None:
    assert not BitRateLimit(0).active
