"""What can keep a benchmark from running."""


class BenchError(Exception):
    """A measurement cannot be made; the text says why and what would mend it."""
