"""Keeps the numbers in docs/performance.md those of the last run."""

from bench.errors import BenchError

BEGIN = "<!-- numbers: begin, written by python -m bench --publish -->"
END = "<!-- numbers: end -->"


def with_block(document: str, block: str) -> str:
    """The document with what stands between the two markers replaced."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"the document lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{block.strip()}\n\n{END}{after}"
