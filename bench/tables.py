"""Tables and charts of text."""

from collections.abc import Mapping, Sequence

from bench.measures import Row
from bench.statistics import Numbers

HEADINGS = ("measure", "oxbow", "peer", "ratio", "bound", "verdict")
BAR_WIDTH = 50


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits with the unit; a dash for what was not measured."""
    if value is None:
        return "-"
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def cells(row: Row) -> tuple[str, ...]:
    """One row of the table as text."""
    measure = row.measure
    bound = (
        ""
        if measure.at_most is None
        else f"<= {number(measure.at_most, '' if measure.peer else measure.unit)}"
    )
    return (
        measure.title,
        number(row.ours, measure.unit),
        number(row.peer, measure.unit) if measure.peer else "",
        f"{row.ratio:.2f}" if row.ratio is not None else "",
        bound,
        row.verdict,
    )


def plain_table(rows: Sequence[Row]) -> str:
    """Columns aligned with blanks."""
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    ruled = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in ruled
    )


def markdown_table(rows: Sequence[Row]) -> str:
    """The same for a document."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bars(medians: Mapping[str, Numbers], figure: str = "cpu_per_gbit") -> list[tuple[str, float]]:
    """The stands and their figure, cheapest first within viewers and within publishers."""
    values = [(stand, numbers[figure]) for stand, numbers in medians.items() if figure in numbers]
    return sorted(values, key=lambda bar: ("publish" in bar[0], bar[1]))


def chart(medians: Mapping[str, Numbers]) -> str:
    """Bars of the CPU seconds per Gbit; of viewers and of publishers each, the largest fills the width."""
    drawn = bars(medians)
    if not drawn:
        return ""
    width = max(len(stand) for stand, _ in drawn)
    return "\n".join(
        f"{stand:<{width}}  {'█' * max(1, round(BAR_WIDTH * value / _largest(drawn, stand)))} {value:.3f}"
        for stand, value in drawn
    )


def _largest(drawn: Sequence[tuple[str, float]], stand: str) -> float:
    """The longest bar of the group that the stand belongs to."""
    return max(value for name, value in drawn if ("publish" in name) == ("publish" in stand)) or 1.0
