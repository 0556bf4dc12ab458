"""Named points at which a test may kill the process, between an effect and the record of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

_directory: Path | None = None


def arm(directory: Path | None) -> None:
    """From now on die at each point that a file in `directory` is named after; None is for production."""
    global _directory
    _directory = directory


def crash_point(name: str) -> None:
    """Die here as by kill -9 if a test wants it, once; in production this is one comparison.

    :param name: such as ``tasks.step_done`` or ``live.bind_domain.bound``.
    """
    if _directory is None:
        return
    wanted = _directory / name
    if wanted.exists():
        # Removed first: the process that is started in our place must get past this point.
        wanted.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
