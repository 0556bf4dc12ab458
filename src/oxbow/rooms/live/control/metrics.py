"""What Prometheus is told about live streaming. No label takes a stream's name: there may be any number of
them."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.control.server import ControlServer


class LiveMetrics(Collector):
    """Reads the board and the control server when it is asked."""

    def __init__(self, board: LiveBoard, control: ControlServer) -> None:
        self._board = board
        self._control = control

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        yield GaugeMetricFamily(
            "oxbow_live_streams", "Streams that are being published.", value=len(self._board.all())
        )
        viewers = GaugeMetricFamily("oxbow_live_viewers", "Viewers, by protocol.", labels=["protocol"])
        for protocol, count in sorted(self._board.all_viewers().items()):
            viewers.add_metric([protocol], count)
        yield viewers
        areas = GaugeMetricFamily("oxbow_live_area_viewers", "Viewers, by area.", labels=["area"])
        for area, count in sorted(self._board.viewers_by_area().items()):
            areas.add_metric([area], count)
        yield areas
        totals = self._control.totals
        yield CounterMetricFamily("oxbow_live_sent_bytes", "Bytes sent to viewers.", value=totals.sent_bytes)
        by_area = CounterMetricFamily(
            "oxbow_live_area_sent_bytes", "Bytes sent to viewers, by area.", labels=["area"]
        )
        for area, size in sorted(totals.sent_by_area.items()):
            by_area.add_metric([area], size)
        yield by_area
        yield CounterMetricFamily(
            "oxbow_live_received_bytes", "Bytes that publishers sent.", value=totals.received_bytes
        )
        yield CounterMetricFamily(
            "oxbow_live_skipped_bytes",
            "Bytes that viewers too slow for them never got.",
            value=totals.skipped_bytes,
        )
        yield CounterMetricFamily(
            "oxbow_live_dropped_viewers",
            "Viewers dropped because they were too slow.",
            value=totals.dropped_viewers,
        )
        yield CounterMetricFamily(
            "oxbow_live_dropped_bytes",
            "Bytes from publishers that shared memory had no room for.",
            value=totals.dropped_bytes,
        )
        refused = CounterMetricFamily(
            "oxbow_live_refused", "Publishers, viewers and connections that were refused.", labels=["reason"]
        )
        for reason, count in sorted(totals.refused.items()):
            refused.add_metric([reason], count)
        yield refused
        yield GaugeMetricFamily(
            "oxbow_live_received_bits_per_second",
            "What all publishers send together.",
            value=sum(on_air.figures.bps for on_air in self._board.all() if on_air.figures),
        )
        connections = GaugeMetricFamily("oxbow_worker_connections", "Open connections.", labels=["worker"])
        for worker in self._control.workers:
            connections.add_metric([str(worker.index)], worker.connections)
        yield connections

    def describe(self) -> list[Metric]:
        """Nothing: the names are told by `collect`, and the registry must not call it before the house is
        open."""
        return []
