"""What is compared with what, how good it has to be, and whether it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.plan import JOINS, MINUTES, REPORTING, SOAK, USAGE
from bench.statistics import Numbers


@dataclass(frozen=True)
class Measure:
    """One row of the table: a figure of one stand, and the bound it has to keep."""

    name: str  # what --only takes
    title: str
    figure: str  # which of the stand's numbers
    unit: str
    stand: str
    at_most: float | None  # of the ratio if there is a peer, of the figure itself if not; None: only shown
    peer: str | None = None

    @property
    def stands(self) -> list[str]:
        """The stands that have to be run for it."""
        return [self.stand] if self.peer is None else [self.peer, self.stand]


CPU = "cpu_per_gbit"
CPU_UNIT = "CPU s/Gbit"
FLV, RTMP, PEER, FLOOR = "oxbow http-flv", "oxbow rtmp", "nginx rtmp", "floor"
OURS, THEIRS = "oxbow publish", "nginx publish"  # followed by the publishers' chunk size
TICK_MS = 100

MEASURES = (
    Measure("http-flv", "1,000 HTTP-FLV viewers, beside nginx-rtmp's RTMP", CPU, CPU_UNIT, FLV, 0.5, PEER),
    Measure("floor", "1,000 HTTP-FLV viewers, beside the sendfile floor", CPU, CPU_UNIT, FLV, 1.3, FLOOR),
    Measure("rtmp", "1,000 RTMP viewers", CPU, CPU_UNIT, RTMP, 0.6, PEER),
    Measure("publish", "100 publishers, chunks of 128", CPU, CPU_UNIT, f"{OURS}-128", 1, f"{THEIRS}-128"),
    Measure("publish", "100 publishers, chunks of 4096", CPU, CPU_UNIT, f"{OURS}-4096", 1, f"{THEIRS}-4096"),
    Measure("memory", "memory added per HTTP-FLV viewer", "memory_kb_per_viewer", "kB", FLV, 16),
    Measure("memory", "memory added per RTMP viewer", "memory_kb_per_viewer", "kB", RTMP, 16),
    Measure("join", "request to first picture, HTTP-FLV, p99", "first_picture_p99_ms", "ms", FLV, 150),
    Measure("join", "request to first picture, RTMP, p99", "first_picture_p99_ms", "ms", RTMP, 150),
    Measure("delay", "publisher to HTTP-FLV viewer's socket, p50", "delay_p50_ms", "ms", FLV, TICK_MS + 20),
    Measure("delay", "publisher to HTTP-FLV viewer's socket, p99", "delay_p99_ms", "ms", FLV, None),
    Measure("delay", "publisher to RTMP viewer's socket, p50", "delay_p50_ms", "ms", RTMP, TICK_MS + 20),
    Measure("rules", "authorisation, lists and rewriting per join", "join_median_us", "us", JOINS, 100),
    Measure("usage", "statd over a year by day, 600 series, SQLite", "year_by_day_ms", "ms", USAGE, 300),
    Measure("usage", "the same by area, one left out", "year_by_day_and_area_ms", "ms", USAGE, 300),
    Measure("usage", "the same by domain (200)", "year_by_day_and_domain_ms", "ms", USAGE, 300),
    Measure("usage", "the end of a minute of 1,000 streams, CPU time", "minute_cpu_ms", "ms", MINUTES, 300),
    Measure("reporting", "statistics: 1,000 streams, 10,000 viewers", "reporting_percent", "%", REPORTING, 5),
    Measure("soak", "3,000 viewers, two workers: lost", "viewers_lost", "", SOAK, 0),
    Measure("soak", "3,000 viewers, two workers: growth", "memory_growth_kb_per_minute", "kB/min", SOAK, 64),
)  # fmt: skip

NAMES = tuple(dict.fromkeys(measure.name for measure in MEASURES))


def chosen(only: list[str]) -> list[Measure]:
    """The measures of these names, or all."""
    return [measure for measure in MEASURES if not only or measure.name in only]


def needed_stands(measures: list[Measure]) -> list[str]:
    """Each stand once, a peer before the stand that is compared with it."""
    return list(dict.fromkeys(stand for measure in measures for stand in measure.stands))


@dataclass(frozen=True)
class Row:
    """A measure with its values; None where a stand was not measured."""

    measure: Measure
    ours: float | None
    peer: float | None

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's."""
        return None if self.ours is None or not self.peer else self.ours / self.peer

    @property
    def verdict(self) -> str:
        """met, missed, `not measured`, or nothing for a figure without a bound."""
        judged = self.ours if self.measure.peer is None else self.ratio
        if judged is None:
            return "not measured"
        if self.measure.at_most is None:
            return ""
        return "met" if judged <= self.measure.at_most else "missed"


def rows(measures: list[Measure], medians: Mapping[str, Numbers]) -> list[Row]:
    """The measures filled in from each stand's medians."""

    def value(stand: str | None, figure: str) -> float | None:
        return None if stand is None else medians.get(stand, {}).get(figure)

    return [Row(each, value(each.stand, each.figure), value(each.peer, each.figure)) for each in measures]
