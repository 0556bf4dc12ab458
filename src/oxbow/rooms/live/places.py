"""Where the live room's processes meet: below the directory in shared memory."""

from pathlib import Path

from oxbow.kernel.settings import KernelSettings


def streams_root(settings: KernelSettings) -> Path:
    """The directory of the stream logs."""
    return settings.shm_dir / "streams"


def control_socket(settings: KernelSettings) -> Path:
    """Control's socket. Not in the home: a socket's path has at most 107 bytes, and homes can lie deep."""
    return settings.shm_dir / "control.sock"
