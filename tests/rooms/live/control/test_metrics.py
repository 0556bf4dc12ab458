"""What Prometheus and the operator are told."""

from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from oxbow.rooms.live.board import LiveBoard, OnAir
from oxbow.rooms.live.control.messages import Figures, Kind, LivePublisher, StreamReport
from oxbow.rooms.live.control.metrics import LiveMetrics
from oxbow.rooms.live.control.server import ControlServer
from reports import players_of_hls, received_from, report_of, viewers_of


def test_every_figure_is_told_and_no_stream_by_name(tmp_path: Path) -> None:
    board = LiveBoard()
    control = ControlServer(tmp_path / "control.sock", None, board)  # type: ignore[arg-type]
    board.put(OnAir(0, LivePublisher("hub", "secret-name", "session", "", "", 0.0)))
    figures = Figures("session", 8000, 6000, 2000, 25, 43, 0, 0, 0, 0.0, 0)
    shares = [viewers_of("flv", 3, 100, "cn"), players_of_hls(["x"])]
    came = [received_from(Kind("", "rtmp", "", ""), 70)]
    stream = StreamReport("hub", "secret-name", figures, shares, came, 10, 1)
    report = report_of(stream, refused={"not_live": 2})
    board.report(0, report)
    control.totals.add(report)
    registry = CollectorRegistry()
    registry.register(LiveMetrics(board, control))
    lines = generate_latest(registry).decode().splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert told == {
        "oxbow_live_streams": "1.0",
        'oxbow_live_viewers{protocol="flv"}': "3.0",
        'oxbow_live_viewers{protocol="hls"}': "1.0",
        'oxbow_live_viewers{protocol="rtmp"}': "0.0",
        'oxbow_live_viewers{protocol="ws"}': "0.0",
        'oxbow_live_area_viewers{area="cn"}': "3.0",
        'oxbow_live_area_viewers{area=""}': "1.0",
        "oxbow_live_sent_bytes_total": "100.0",
        'oxbow_live_area_sent_bytes_total{area="cn"}': "100.0",
        "oxbow_live_received_bytes_total": "70.0",
        "oxbow_live_skipped_bytes_total": "10.0",
        "oxbow_live_dropped_viewers_total": "1.0",
        "oxbow_live_dropped_bytes_total": "0.0",
        'oxbow_live_refused_total{reason="not_live"}': "2.0",
        "oxbow_live_received_bits_per_second": "8000.0",
    }
