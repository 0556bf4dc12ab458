"""When a task that waits looks again."""

import pytest

from oxbow.kernel.tasks.pauses import next_look

NOW = 1_700_000_010.0  # A quarter of a minute, exactly.


def test_at_first_as_often_as_its_kind_wants():
    assert next_look(NOW, NOW, 0.2) == NOW + 0.2
    assert next_look(NOW, NOW - 1.9, 0.2) == NOW + 0.2
    assert next_look(NOW, None, 60.0) == NOW + 60


@pytest.mark.parametrize(("waited", "pause"), [(10, 2), (120, 6), (600, 30), (3600, 180), (86_400, 1800)])
def test_the_longer_it_takes_the_rarer_it_looks(waited: float, pause: float):
    assert next_look(NOW, NOW - waited, 0.2) == NOW + pause


def test_never_more_often_than_its_kind_wants():
    assert next_look(NOW, NOW - 10, 60.0) == NOW + 60


def test_those_that_look_rarely_do_it_at_the_same_moments():
    assert len({next_look(NOW + second, NOW - 600, 30.0) for second in range(1, 14)}) == 1
