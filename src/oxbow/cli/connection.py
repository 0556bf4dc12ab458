"""How commands reach the running server: as the root account of this home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oxbow.cli.vault import root_pair
from oxbow.client import Client, base_url
from oxbow.kernel.settings import KernelSettings, load


@contextmanager
def connected() -> Iterator[Client]:
    """A client of the server's API."""
    settings = load(KernelSettings)
    with Client(base_url(settings.api_listen), *root_pair(settings)) as client:
        yield client
