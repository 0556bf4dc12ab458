"""The little arithmetic the tables need."""

from collections.abc import Sequence
from statistics import linear_regression, median

Numbers = dict[str, float]


def medians(rounds: Sequence[Numbers]) -> Numbers:
    """The median of each number over the rounds that measured it."""
    names = dict.fromkeys(name for numbers in rounds for name in numbers)
    return {name: median(numbers[name] for numbers in rounds if name in numbers) for name in names}


def spread(rounds: Sequence[Numbers], name: str) -> tuple[float, float]:
    """The smallest and the largest value of one number."""
    values = [numbers[name] for numbers in rounds if name in numbers]
    return min(values), max(values)


def growth_per_minute(samples: Sequence[tuple[float, float]]) -> float:
    """Slope of a line through (seconds, value) samples, per minute; 0 for fewer than three samples."""
    if len(samples) < 3:
        return 0.0
    seconds, values = zip(*samples, strict=True)
    return linear_regression(seconds, values).slope * 60
