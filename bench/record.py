"""A run's results as a file, so that tables can be made again without measuring again."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.plan import Options, Results
from bench.statistics import Numbers, medians


@dataclass(frozen=True)
class Record:
    """All that a run leaves behind."""

    machine: dict[str, str]
    options: Options
    results: Results = field(default_factory=Results)

    @property
    def medians(self) -> dict[str, Numbers]:
        """Each stand's numbers, the median of its rounds."""
        return {stand: medians(rounds) for stand, rounds in self.results.rounds.items()}

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self) | {"medians": self.medians}, indent=2) + "\n")


def read(path: Path) -> Record:
    """A record that `write` wrote."""
    try:
        content = json.loads(path.read_text())
        return Record(content["machine"], Options(**content["options"]), Results(**content["results"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{path} is not a results file of this benchmark: {error!r}") from error
