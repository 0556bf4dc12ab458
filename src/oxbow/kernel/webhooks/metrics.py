"""What Prometheus is told about callbacks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oxbow.kernel.webhooks.service import WebhookService


class WebhookMetrics(Collector):
    """Reads the service when it is asked."""

    def __init__(self, webhooks: WebhookService) -> None:
        self._webhooks = webhooks

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        attempts = CounterMetricFamily(
            "oxbow_webhook_attempts",
            "Attempts to deliver a callback, by what became of it.",
            labels=["state"],
        )
        for state, count in sorted(self._webhooks.attempts.items()):
            attempts.add_metric([state], count)
        yield attempts
        yield GaugeMetricFamily(
            "oxbow_webhook_unwritten",
            "Callbacks and their outcomes that wait for the database.",
            value=self._webhooks.unwritten,
        )
        yield CounterMetricFamily(
            "oxbow_webhook_lost",
            "Callbacks thrown away because too many waited for the database.",
            value=self._webhooks.lost,
        )
