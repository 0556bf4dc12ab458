"""The chart of docs/performance.md."""

from collections.abc import Mapping, Sequence
from html import escape

from bench.statistics import Numbers
from bench.tables import bars

WIDTH, LABEL, BAR, STEP, MARGIN = 760, 170, 480, 26, 16
OURS, OTHERS = "#2563eb", "#94a3b8"


def svg(medians: Mapping[str, Numbers]) -> str:
    """Two groups of bars, CPU seconds per Gbit delivered and per Gbit published; shorter is better."""
    drawn = bars(medians)
    groups = [
        (
            "CPU seconds per Gbit delivered to 1,000 viewers",
            [bar for bar in drawn if "publish" not in bar[0]],
        ),
        ("CPU seconds per Gbit published by 100 publishers", [bar for bar in drawn if "publish" in bar[0]]),
    ]
    parts: list[str] = []
    y = MARGIN
    for title, group in groups:
        if group:
            parts += [_text(MARGIN, y + 14, title, weight="bold"), *_group(group, y + STEP)]
            y += STEP * (len(group) + 2)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>',
        *parts,
        "</svg>",
        "",
    ])  # fmt: skip


def _group(group: Sequence[tuple[str, float]], y: int) -> list[str]:
    largest = max(value for _, value in group) or 1.0
    parts = []
    for index, (stand, value) in enumerate(group):
        top = y + index * STEP
        length = max(1, round(BAR * value / largest))
        colour = OURS if stand.startswith("oxbow") else OTHERS
        parts += [
            _text(MARGIN, top + 14, stand),
            f'<rect x="{LABEL}" y="{top + 2}" width="{length}" height="16" rx="2" fill="{colour}"/>',
            _text(LABEL + length + 8, top + 14, f"{value:.3f}"),
        ]
    return parts


def _text(x: int, y: int, text: str, weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" fill="#0f172a" font-weight="{weight}">{escape(text)}</text>'
