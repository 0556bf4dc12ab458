"""A media worker for the sessions of either port."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media_worker import Worker


@pytest.fixture
async def worker(shm: Path) -> AsyncIterator[Worker]:
    worker = Worker(shm)
    yield worker
    worker.close()
