"""What a run tells, for a terminal and for a document: the table, the chart, and what makes it doubtful."""

from bench.measures import chosen, rows
from bench.record import Record
from bench.statistics import spread
from bench.tables import chart, markdown_table, plain_table


def summary(found: Record, only: list[str]) -> str:
    """For a terminal."""
    parts = [
        plain_table(rows(chosen(only), found.medians)),
        "CPU seconds per Gbit (serving processes, medians; shorter is better)\n" + chart(found.medians),
        "\n".join(remarks(found)),
    ]
    return "\n\n".join(part for part in parts if part)


def block(found: Record) -> str:
    """For docs/performance.md."""
    machine = "; ".join(f"{name}: {value}" for name, value in found.machine.items())
    options = found.options
    return "\n\n".join([
        f"{options.rounds} rounds of each side, windows of {options.seconds:g} s, "
        f"soak {options.soak_seconds:g} s, tick {options.tick_ms} ms. {machine}.",
        markdown_table(rows(chosen([]), found.medians)),
        "![CPU seconds per Gbit](performance.svg)",
        "\n".join(f"- {remark}" for remark in remarks(found)),
    ])  # fmt: skip


def remarks(found: Record) -> list[str]:
    """The spread of the rounds, all processes together, and everything that makes a number doubtful."""
    lines = []
    for stand, numbers in found.medians.items():
        if "cpu_per_gbit" not in numbers:
            continue  # nobody is served there: the table says it all
        low, high = spread(found.results.rounds[stand], "cpu_per_gbit")
        lines.append(
            f"{stand}: {numbers['cpu_per_gbit']:.4f} CPU s/Gbit (rounds {low:.4f} to {high:.4f}), "
            f"{numbers['total_cpu_per_gbit']:.4f} with every process of the server; "
            f"{numbers['core_percent']:.1f} % of a core"
        )
        lines += [f"{stand}: {doubt}" for doubt in doubts(numbers)]
    failures = found.results.failures.items()
    return lines + [f"{stand}: not measured: {reason.splitlines()[0]}" for stand, reason in failures]


def doubts(numbers: dict[str, float]) -> list[str]:
    """Signs that a round did not carry the load it was meant to."""
    found = [
        f"{numbers[name]:.0f} {name.replace('_', ' ')}"
        for name in ("viewers_failed", "viewers_dropped", "publishers_failed", "publishers_dropped")
        if numbers.get(name)
    ]
    if not 0.97 <= numbers["delivered_share"] <= 1.05:
        found.append(f"{100 * numbers['delivered_share']:.0f} % of the broadcast's rate was carried")
    return found
