"""Files that give back their past."""

import os
from pathlib import Path

from oxbow.media.shm import PAGE_SIZE, punch_hole, supports_punch_hole


def blocks(fd: int) -> int:
    return os.fstat(fd).st_blocks * 512


def test_a_hole_gives_back_whole_pages_and_moves_nothing(shm: Path) -> None:
    with (shm / "file").open("w+b") as file:
        fd = file.fileno()
        os.pwrite(fd, b"x" * 8 * PAGE_SIZE, 0)
        punch_hole(fd, 0, 5 * PAGE_SIZE + 100)
        assert blocks(fd) == 3 * PAGE_SIZE
        assert os.fstat(fd).st_size == 8 * PAGE_SIZE
        assert os.pread(fd, 3 * PAGE_SIZE, 5 * PAGE_SIZE) == b"x" * 3 * PAGE_SIZE


def test_a_hole_within_one_page_gives_nothing_back(shm: Path) -> None:
    with (shm / "file").open("w+b") as file:
        os.pwrite(file.fileno(), b"x" * PAGE_SIZE, 0)
        punch_hole(file.fileno(), 10, PAGE_SIZE - 10)
        assert os.pread(file.fileno(), PAGE_SIZE, 0) == b"x" * PAGE_SIZE


def test_tmpfs_can_punch_holes_and_leaves_nothing_behind_when_asked(shm: Path) -> None:
    assert supports_punch_hole(shm)
    assert list(shm.iterdir()) == []


def test_a_file_system_without_holes_is_recognised() -> None:
    """No file can be made in /proc, which says as much."""
    try:
        supported = supports_punch_hole(Path("/proc/self"))
    except OSError:
        supported = False
    assert not supported
