"""Something runs out or goes away: a viewer's network, shared memory, the database."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from broadcast import is_key
from e2e.media import eventually
from e2e.raw import FRAME_MS, Encoder, Viewer, connect, flv_viewer, is_whole, see_on, watch
from e2e.server import Server
from oxbow.client import Client, RefusedError, stream_path
from oxbow.testing.postgres import PostgresServer

pytestmark = pytest.mark.e2e

PATH = "live/evening"
LARGE = 60_000
"""Bytes of a picture: with these a socket's buffers are full within seconds."""

NewServer = Callable[..., Server]


def figures(api: Client) -> dict[str, Any]:
    told: dict[str, Any] = api.get("/v2/server")
    return told


def metric(server: Server, name: str) -> float:
    """One figure of /metrics, without labels."""
    lines = httpx.get(f"{server.api}/metrics", trust_env=False).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def lazy_viewer(server: Server) -> Viewer:
    """A viewer that does not read until it is told to."""
    return flv_viewer(connect(server.media_port, receive_buffer=4096), PATH)


def test_a_viewer_that_stops_reading_skips_or_is_dropped_and_delays_nobody(new_server: NewServer) -> None:
    with (
        new_server(media_workers=1, live_max_lag_seconds=1, live_stall_seconds=4) as server,
        server.client() as api,
        Encoder(server, PATH).go_live(size=LARGE),
        watch(server, PATH) as healthy,
        lazy_viewer(server) as late,
        lazy_viewer(server) as dead,
    ):
        see_on(healthy)
        eventually(lambda: figures(api)["skippedBytes"], "a viewer to be moved to a later keyframe")
        see_on(late.read())
        eventually(lambda: figures(api)["droppedViewers"] == 1, "the other to be dropped")
        eventually(lambda: gap(late), "a gap in what the late viewer got")
        assert is_key(gap(late)[0])
        assert not late.ended
        assert dead.read().sock.fileno() >= 0
        eventually(lambda: dead.ended, "the dropped viewer's connection to be closed")
        assert metric(server, "oxbow_live_skipped_bytes_total") > LARGE
        see_on(healthy)
        assert is_whole(healthy.times())


def gap(viewer: Viewer) -> list[Any]:
    """The pictures that came right behind missing ones."""
    times, pictures = viewer.times(), viewer.pictures()
    missing = [index for index, (a, b) in enumerate(pairwise(times), 1) if b - a != FRAME_MS]
    return [pictures[index] for index in missing]


@pytest.fixture
def small_memory(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory that has room for three megabytes."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small tmpfs can't be mounted here: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    """Nothing is left of a file system's room."""
    filler = directory / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue
        yield
    finally:
        filler.unlink()


def test_full_shared_memory_costs_frames_and_nothing_else(new_server: NewServer, small_memory: Path) -> None:
    server = new_server(shm_dir=small_memory)
    with (
        server,
        server.client() as api,
        Encoder(server, PATH).go_live() as encoder,
        watch(server, PATH) as viewer,
    ):
        see_on(viewer)
        with filled(small_memory):
            eventually(lambda: metric(server, "oxbow_live_dropped_bytes_total"), "frames to be dropped")
            assert encoder.is_live
            api.post("/v2/hubs", {"name": "meanwhile"})
            assert server.ready()
        see_on(viewer, pictures=60)
        assert encoder.is_live
        assert all(map(is_key, gap(viewer)))
        with Encoder(server, "meanwhile/another").go_live(), watch(server, "meanwhile/another") as other:
            see_on(other)


@contextmanager
def away(database: PostgresServer, how: str) -> Iterator[None]:
    """A database that is stopped, or that hangs."""
    leave, return_ = {
        "stopped": (database.stop, database.start),
        "hanging": (database.freeze, database.thaw),
    }[how]
    leave()
    try:
        yield
    finally:
        return_()


@pytest.mark.postgres
@pytest.mark.parametrize("how", ["stopped", "hanging"])
def test_media_goes_on_while_the_database_is_away(
    new_server: NewServer, postgres_server: PostgresServer, postgres_url: str, how: str
) -> None:
    server = new_server(database_url=postgres_url, database_timeout_seconds=1)
    with (
        server,
        server.client() as api,
        Encoder(server, PATH).go_live() as encoder,
        watch(server, PATH) as viewer,
    ):
        with Encoder(server, "live/matinee").go_live():
            see_on(viewer)
        eventually(lambda: live(api) == ["evening"], "the first broadcast's end")
        eventually(lambda: len(history(api, "matinee")) == 1, "the first broadcast's record")
        with away(postgres_server, how):
            with pytest.raises(RefusedError) as refusal:
                api.post("/v2/hubs", {"name": "meanwhile"})
            assert refusal.value.status == 503
            with Encoder(server, "live/matinee").go_live(), watch(server, "live/matinee") as known:
                see_on(known, viewer)
            encoder.close()
            ended = int(time.time())
        eventually(server.ready, "the server to have its database again")
        eventually(lambda: len(history(api, "matinee")) == 2, "the record of what went on meanwhile")
        record = eventually(lambda: history(api, "evening"), "the long broadcast's record")
        assert len(record) == 1
        eventually(lambda: abs(history(api, "evening")[0]["end"] - ended) <= 2, "the end to be written")
        assert is_whole(viewer.times())
        api.post("/v2/hubs", {"name": "afterwards"})


def live(api: Client) -> list[str]:
    return [item["key"] for item in api.get("/v2/hubs/live/streams?liveonly=true")["items"]]


def history(api: Client, stream: str) -> list[dict[str, Any]]:
    """Records of broadcasts that have ended; none while the database is just coming back."""
    try:
        items: list[dict[str, Any]] = api.get(f"{stream_path('live', stream)}/historyactivity")["items"]
    except RefusedError as error:
        assert error.status == 503
        return []
    return items
