"""Which rounds there are, and in which order they are run."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from bench.errors import BenchError
from bench.joins import Joins
from bench.minutes import MinutesOfStreams
from bench.reporting import Reporting
from bench.rounds import Audience, Publishers
from bench.servers.floor import floor
from bench.servers.nginx import nginx
from bench.servers.oxbow import oxbow
from bench.statistics import Numbers
from bench.usage import YearOfUsage


class Round(Protocol):
    """Anything that can be measured once."""

    def measure(self) -> Numbers: ...


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    rounds: int = 3
    seconds: float = 15.0
    soak_seconds: float = 300.0
    viewers: int = 1000
    publishers: int = 100
    soak_viewers: int = 3000
    join_seconds: float = 10.0
    tick_ms: int = 100
    joins: int = 20_000
    reporting_streams: int = 1000
    reporting_seconds: int = 60


SOAK = "oxbow soak"
JOINS = "oxbow joins"
USAGE = "a year of usage"
MINUTES = "minutes of streams"
REPORTING = "statistics and metering"


def stands(options: Options) -> dict[str, Round]:
    """Every round by the name of its stand: the server and what is done with it."""
    serve = partial(oxbow, workers=1, tick_ms=options.tick_ms)
    crowd = (options.viewers, options.join_seconds, options.seconds)
    many = (options.join_seconds / 5, options.seconds)
    return {
        "nginx rtmp": Audience(nginx, "rtmp", *crowd),
        "oxbow http-flv": Audience(serve, "http-flv", *crowd),
        "oxbow rtmp": Audience(serve, "rtmp", *crowd),
        "floor": Audience(partial(floor, options.tick_ms), "http-flv", *crowd, needs_publisher=False),
        "nginx publish-128": Publishers(nginx, options.publishers, 128, *many),
        "oxbow publish-128": Publishers(serve, options.publishers, 128, *many),
        "nginx publish-4096": Publishers(nginx, options.publishers, 4096, *many),
        "oxbow publish-4096": Publishers(serve, options.publishers, 4096, *many),
        JOINS: Joins(options.joins),
        USAGE: YearOfUsage(),
        MINUTES: MinutesOfStreams(),
        REPORTING: Reporting(options.reporting_streams, options.reporting_seconds),
        SOAK: Audience(
            partial(oxbow, workers=2, tick_ms=options.tick_ms),
            "http-flv",
            options.soak_viewers,
            options.join_seconds,
            options.soak_seconds,
        ),
    }


@dataclass
class Results:
    """What the rounds of each stand measured, and why a stand could not be measured."""

    rounds: dict[str, list[Numbers]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def schedule(wanted: Iterable[str], rounds: int) -> list[str]:
    """Stands in the order of running: sides alternate within each round, the soak comes once and last."""
    names = list(wanted)
    repeated = [name for name in names if name != SOAK] * rounds
    return repeated + [name for name in names if name == SOAK]


def run(options: Options, wanted: Sequence[str], tell: Callable[[str], None]) -> Results:
    """Runs the rounds. A stand that fails is not tried again; the others go on."""
    every, results = stands(options), Results()
    for name in schedule(wanted, options.rounds):
        if name in results.failures:
            continue
        try:
            numbers = every[name].measure()
        except (BenchError, OSError) as error:
            results.failures[name] = str(error)
            tell(f"{name}: {error}")
            continue
        results.rounds.setdefault(name, []).append(numbers)
        tell(f"{name}: {headline(numbers)}")
    return results


def headline(numbers: Numbers) -> str:
    """What a round found, in one line."""
    if "cpu_per_gbit" not in numbers:
        return ", ".join(f"{name} {value:.1f}" for name, value in numbers.items())
    return f"{numbers['cpu_per_gbit']:.4f} CPU s/Gbit, {numbers['core_percent']:.1f} % of a core"
