"""What every end-to-end test has: a running server, clips to publish, a hub and a stream of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from e2e import media
from e2e.media import Clip, eventually, make_clip
from e2e.server import Server
from nameserver import NameServer, threaded_name_server
from oxbow.client import Client, stream_path

_numbers = itertools.count()

RECIPES = {
    "h264+aac": ("mp4", media.H264, media.AAC),
    "h264": ("mp4", media.H264, []),
    "aac": ("mp4", [], media.AAC),
    "hevc+aac": ("mp4", media.HEVC, media.AAC),
    "av1+opus": ("mkv", media.AV1, media.OPUS),
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as they found it."""
    home = tmp_path_factory.mktemp("server") / "home"
    with Server(home, live_hubs_per_account=1000) as running:
        yield running
    running.clean()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Make a server of this test's own, not started yet; settings are named without their prefix."""
    made: list[Server] = []

    def make(name: str = "home", **settings: object) -> Server:
        made.append(Server(tmp_path / name, **settings))
        return made[-1]

    yield make
    for server in made:
        server.clean()


@pytest.fixture
def dns_server() -> Iterator[NameServer]:
    """A DNS server that says what the test wants."""
    with threaded_name_server() as running:
        yield running


@pytest.fixture
def api(server: Server) -> Iterator[Client]:
    """The server's API as the root account."""
    with server.client() as client:
        yield client


@pytest.fixture
def hub(api: Client) -> str:
    """A hub of this test's own that anybody may publish to."""
    name = f"hub{next(_numbers)}"
    api.post("/v2/hubs", {"name": name})
    return name


@pytest.fixture
def stream() -> str:
    return f"stream{next(_numbers)}"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Clip]:
    """Clips by what is in them, see RECIPES; each is encoded once."""
    folder = tmp_path_factory.mktemp("clips")

    @cache
    def make(content: str) -> Clip:
        container, video, audio = RECIPES[content]
        return make_clip(folder / f"{content}.{container}", video, audio)

    return make


@pytest.fixture
def live_info(api: Client, hub: str) -> Callable[[str], dict[str, Any]]:
    """Wait until a stream of this test's hub is live and return the API's figures about it."""

    def wait(name: str) -> dict[str, Any]:
        def ask() -> dict[str, Any] | None:
            if name not in [
                item["key"] for item in api.get(f"/v2/hubs/{hub}/streams?liveonly=true")["items"]
            ]:
                return None
            info: dict[str, Any] = api.get(f"{stream_path(hub, name)}/live")
            return info if info["startAt"] else None

        return eventually(ask, f"{hub}/{name} to be live")

    return wait
