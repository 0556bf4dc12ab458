"""What Prometheus is told about metering."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oxbow.kernel.metering.service import MeteringService


class MeteringMetrics(Collector):
    """Reads the service when it is asked."""

    def __init__(self, metering: MeteringService) -> None:
        self._metering = metering

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        yield GaugeMetricFamily(
            "oxbow_metering_pending",
            "Sums of usage that wait to be written to the database.",
            value=self._metering.pending,
        )
        yield CounterMetricFamily(
            "oxbow_metering_flushed", "Sums of usage written to the database.", value=self._metering.flushed
        )
        yield CounterMetricFamily(
            "oxbow_metering_failures",
            "Attempts to write usage that failed and are made again.",
            value=self._metering.failures,
        )
