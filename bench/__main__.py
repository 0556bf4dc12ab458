"""The command line of the benchmark."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import record
from bench.document import with_block
from bench.errors import BenchError
from bench.machine import describe
from bench.measures import NAMES, chosen, needed_stands
from bench.paths import CHART, DOCUMENT, OUT
from bench.plan import Options, run
from bench.record import Record
from bench.summary import block, summary
from bench.svg import svg

QUICK = {"rounds": 1, "seconds": 6.0, "soak_seconds": 20.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures (or reads an earlier run), prints, and publishes; 1 when something could not be measured."""
    asked = parser().parse_args(arguments)
    try:
        found = record.read(asked.read) if asked.read else measure(asked)
        if not asked.read:
            found.write(asked.json)
        print(summary(found, asked.only))
        if asked.publish:
            publish(found)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 1 if found.results.failures else 0


def measure(asked: argparse.Namespace) -> Record:
    """Runs what the command line asks for."""
    options = choose_options(asked)
    machine = describe()
    wanted = needed_stands(chosen(asked.only))
    results = run(options, wanted, tell=lambda line: print(line, file=sys.stderr, flush=True))
    return Record(machine, options, results)


def choose_options(asked: argparse.Namespace) -> Options:
    """Quick or full, with what is given explicitly on top."""
    given = {"rounds": asked.rounds, "seconds": asked.seconds, "soak_seconds": asked.soak_seconds}
    explicit = {name: value for name, value in given.items() if value is not None}
    return Options(**((QUICK if asked.quick else {}) | explicit))


def publish(found: Record) -> None:
    """Puts the numbers into docs/performance.md and draws docs/performance.svg."""
    DOCUMENT.write_text(with_block(DOCUMENT.read_text(), block(found)))
    CHART.write_text(svg(found.medians))


def parser() -> argparse.ArgumentParser:
    """What `python -m bench --help` shows."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round of each; for a first impression"
    )
    parser.add_argument("--only", nargs="+", default=[], choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, help=f"rounds of each side, alternating ({Options.rounds})")
    parser.add_argument("--seconds", type=float, help=f"length of a measuring window ({Options.seconds:g})")
    parser.add_argument("--soak-seconds", type=float, help=f"length of the soak ({Options.soak_seconds:g})")
    parser.add_argument("--json", type=Path, default=OUT / "results.json", help="where the results are kept")
    parser.add_argument("--read", type=Path, metavar="FILE", help="show an earlier run instead of measuring")
    parser.add_argument("--publish", action="store_true", help="rewrite docs/performance.md and its chart")
    return parser


if __name__ == "__main__":
    sys.exit(main())
