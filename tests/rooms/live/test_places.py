"""Where the processes meet."""

from pathlib import Path

import pytest

from oxbow.kernel.settings import KernelSettings, load
from oxbow.rooms.live.places import control_socket, streams_root


def test_everything_lies_below_the_directory_in_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXBOW_HOME", str(tmp_path / "a-home-that-lies-deep" / ("x" * 100)))
    monkeypatch.setenv("OXBOW_SHM_DIR", "/dev/shm/oxbow-of-a-test")
    settings = load(KernelSettings)
    assert streams_root(settings) == Path("/dev/shm/oxbow-of-a-test/streams")
    assert len(str(control_socket(settings))) <= 107, "a socket's path is no longer"
