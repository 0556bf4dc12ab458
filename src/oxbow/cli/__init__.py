"""The `oxbow` command: the only part of Oxbow that prints.

Exit codes: 0 done, 1 refused or broken, 2 wrong usage or settings, 3 no server answers.
"""

from oxbow.cli.root import main

__all__ = ["main"]
