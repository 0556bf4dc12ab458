"""What the doctor finds on good and on bad machines."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxbow.doctor import State, machine


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory on the machine's tmpfs."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Path(directory)


def test_this_machine_has_a_python_a_clock_and_an_ffmpeg() -> None:
    states = {
        finding.name: finding.state for finding in (machine.python(), machine.clock(), machine.ffmpeg())
    }
    assert states == {"python": State.OK, "clock": State.OK, "ffmpeg": State.OK}


def test_a_clock_before_the_installation_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.time, "time", lambda: 1_000_000.0)
    assert machine.clock().state is State.BROKEN


def test_few_open_files_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 1024))
    finding = machine.open_files()
    assert (finding.state, "1024" in finding.detail) == (State.NOTE, True)
    assert "ulimit" in finding.remedy


def test_an_ffmpeg_that_does_not_run_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "missing"))
    assert machine.ffmpeg().state is State.NOTE


def test_a_tmpfs_holds_stream_logs_before_their_directory_exists(shared: Path) -> None:
    finding = machine.shared_memory(shared / "to" / "be" / "made")
    assert finding.state in (State.OK, State.NOTE)
    assert str(shared) in finding.detail


def test_another_file_system_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "file_system", lambda path: "ext4")
    finding = machine.shared_memory(tmp_path)
    assert (finding.state, "ext4" in finding.detail) == (State.BROKEN, True)
    assert "OXBOW_SHM_DIR" in finding.remedy


def test_neither_does_one_that_keeps_its_pages(monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    monkeypatch.setattr(machine, "supports_punch_hole", lambda directory: False)
    assert machine.shared_memory(shared).state is State.BROKEN


def test_little_room_is_noted(monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    monkeypatch.setattr(machine, "LITTLE_MEMORY", 1 << 60)
    assert machine.shared_memory(shared).state is State.NOTE


def test_the_file_system_of_a_path_is_that_of_the_nearest_mount() -> None:
    assert machine.file_system(Path("/proc/self")) == "proc"
    assert machine.file_system(Path("/dev/shm")) == "tmpfs"
    assert os.path.ismount("/proc")
