"""Prometheus metrics: one registry for each process that serves them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Info, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from oxbow import __version__

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The registry, and what the gateway counts.

    Rooms make their own metrics on :attr:`registry`, or :meth:`register` a collector that reports what they
    know when they are asked.  A label must only take values from a bounded set: a route's template is one, a
    path or a stream's name is not.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Info("oxbow_build", "Which Oxbow this is.", registry=self.registry).info({"version": __version__})
        self.http_requests = Counter(
            "oxbow_http_requests",
            "API requests answered, by method, route template and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.http_seconds = Histogram(
            "oxbow_http_request_seconds",
            "Time to answer an API request, by method and route template.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def register(self, collector: Collector) -> None:
        """Ask this collector, too, each time the metrics are read."""
        self.registry.register(collector)

    def render(self) -> bytes:
        """Everything in Prometheus' text format, served as :data:`CONTENT_TYPE`."""
        return generate_latest(self.registry)
