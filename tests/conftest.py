"""Fixtures for every test: databases on both backends, and a place in shared memory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["oxbow.testing.databases"]


@pytest.fixture
def shm() -> Iterator[Path]:
    """An empty directory on a file system that can punch holes, as the logs need it."""
    with tempfile.TemporaryDirectory(prefix="oxbow-test-", dir="/dev/shm") as directory:
        yield Path(directory)
