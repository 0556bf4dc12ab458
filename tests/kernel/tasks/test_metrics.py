"""What Prometheus is told of tasks."""

from oxbow.kernel.metrics import Metrics
from oxbow.kernel.tasks.metrics import TaskMetrics


def test_tasks_are_counted_and_the_oldest_wait_is_told():
    metrics = Metrics()
    counts = [
        ("live.bind", "queued", 2, None),
        ("live.bind", "waiting", 3, 70.0),
        ("live.tidy", "failed", 1, None),
    ]
    metrics.register(TaskMetrics(lambda: counts, clock=lambda: 100.0))
    text = metrics.render().decode()
    assert 'oxbow_tasks{kind="live.bind",state="waiting"} 3.0' in text
    assert 'oxbow_tasks{kind="live.tidy",state="failed"} 1.0' in text
    assert 'oxbow_tasks_oldest_waiting_seconds{kind="live.bind"} 30.0' in text
    assert 'seconds{kind="live.tidy"}' not in text
