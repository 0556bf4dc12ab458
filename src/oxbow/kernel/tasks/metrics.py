"""Tasks as Prometheus sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from oxbow.kernel.tasks.keeper import Counts


class TaskMetrics(Collector):
    """Read from what the keeper counted some seconds ago; every server of a database tells the same."""

    def __init__(self, counts: Callable[[], Counts], clock: Callable[[], float] = time.time) -> None:
        self._counts = counts
        self._clock = clock

    def describe(self) -> Iterator[Metric]:
        """The names, so that another collector of the same is refused."""
        yield from self._families()

    def collect(self) -> Iterator[Metric]:
        """What there is now."""
        tasks, waiting = self._families()
        now = self._clock()
        oldest: dict[str, float] = {}
        for kind, state, count, since in self._counts():
            tasks.add_metric([kind, state], count)
            if since is not None:
                oldest[kind] = max(oldest.get(kind, 0.0), now - since)
        for kind, seconds in oldest.items():
            waiting.add_metric([kind], seconds)
        yield from (tasks, waiting)

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily("oxbow_tasks", "Tasks, by kind and state.", labels=["kind", "state"]),
            GaugeMetricFamily(
                "oxbow_tasks_oldest_waiting_seconds",
                "How long the task of a kind that waits for the longest has been waiting.",
                labels=["kind"],
            ),
        )
