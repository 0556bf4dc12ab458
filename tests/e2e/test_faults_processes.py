"""A process of the server's is killed with -9 under load: who suffers, and what is on record."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from e2e.media import eventually
from e2e.raw import VIEWERS, Encoder, Viewer, connect_to, is_whole, see_on, watch, workers
from e2e.server import Server
from oxbow.client import Client, stream_path

pytestmark = pytest.mark.e2e

HUB = "live"


@pytest.fixture
def running(new_server: Callable[..., Server]) -> Iterator[Server]:
    """A server of this test's own with two workers."""
    with new_server() as server:
        yield server


@pytest.fixture
def own_api(running: Server) -> Iterator[Client]:
    with running.client() as api:
        yield api


@pytest.fixture
def stage() -> Iterator[ExitStack]:
    """Closes the encoders and viewers of a test."""
    with ExitStack() as stack:
        yield stack


def live(api: Client) -> list[str]:
    return [item["key"] for item in api.get(f"/v2/hubs/{HUB}/streams?liveonly=true")["items"]]


def history(api: Client, stream: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(f"{stream_path(HUB, stream)}/historyactivity")["items"]
    return items


def both_ready(server: Server, api: Client, gone: int) -> bool:
    """Whether the server is whole again, with another process in the place of the one that is gone."""
    return server.ready() and gone not in workers(api).values()


class Theatre:
    """Two workers, and sockets that are known to be with the one or the other."""

    def __init__(self, server: Server, api: Client, stage: ExitStack) -> None:
        self.server, self.stage = server, stage
        self.first, self.second = workers(api).values()

    def socket(self, port: int, pid: int) -> socket.socket:
        return connect_to(pid, port, (self.first, self.second))

    def publish(self, stream: str, pid: int) -> Encoder:
        sock = self.socket(self.server.rtmp_port, pid)
        return self.stage.enter_context(Encoder(self.server, f"{HUB}/{stream}", sock=sock)).go_live()

    def watch(self, stream: str, protocol: str, pid: int) -> Viewer:
        port = self.server.rtmp_port if protocol == "rtmp" else self.server.media_port
        sock = self.socket(port, pid)
        return self.stage.enter_context(watch(self.server, f"{HUB}/{stream}", protocol, sock))


@pytest.fixture
def theatre(running: Server, own_api: Client, stage: ExitStack) -> Theatre:
    return Theatre(running, own_api, stage)


def test_a_killed_worker_is_back_and_nobody_elsewhere_notices(
    running: Server, own_api: Client, theatre: Theatre
) -> None:
    encoder = theatre.publish("evening", theatre.second)
    theatre.publish("matinee", theatre.first)
    elsewhere = [theatre.watch("evening", protocol, theatre.second) for protocol in VIEWERS]
    with_it = [theatre.watch("evening", protocol, theatre.first) for protocol in VIEWERS]
    see_on(*elsewhere, *with_it)
    os.kill(theatre.first, signal.SIGKILL)
    eventually(lambda: both_ready(running, own_api, theatre.first), "a worker in the killed one's place")
    eventually(lambda: all(viewer.ended for viewer in with_it), "the killed worker's viewers to be gone")
    see_on(*elsewhere)
    for viewer in elsewhere:
        assert not viewer.ended
        assert is_whole(viewer.times())
    assert encoder.is_live


def test_a_killed_workers_publisher_returns_at_once_to_the_same_viewers(
    own_api: Client, theatre: Theatre, stage: ExitStack
) -> None:
    encoder = theatre.publish("evening", theatre.first)
    viewers = [theatre.watch("evening", protocol, theatre.second) for protocol in VIEWERS]
    see_on(*viewers)
    os.kill(theatre.first, signal.SIGKILL)
    eventually(lambda: not encoder.is_live, "the encoder to lose its connection")
    before = encoder.at
    stage.enter_context(Encoder(theatre.server, f"{HUB}/evening")).go_live()
    see_on(*viewers)
    for viewer in viewers:
        assert not viewer.ended
        times = viewer.times()
        again = times.index(0, 1) if 0 in times[1:] else 0
        assert again, "the second broadcast begins with its first picture"
        assert is_whole(times[:again])
        assert times[again - 1] < before
        assert is_whole(times[again:])


def test_a_killed_workers_broadcasts_are_closed_in_the_history(
    running: Server, own_api: Client, theatre: Theatre
) -> None:
    encoder = theatre.publish("evening", theatre.first)
    see_on(theatre.watch("evening", "flv", theatre.second))
    started = own_api.get(f"{stream_path(HUB, 'evening')}/live")["startAt"]
    last_frame = int(time.time())
    os.kill(theatre.first, signal.SIGKILL)
    eventually(lambda: not encoder.is_live, "the encoder to lose its connection")
    eventually(lambda: both_ready(running, own_api, theatre.first), "a worker in the killed one's place")
    assert live(own_api) == []
    record = eventually(lambda: history(own_api, "evening"), "the broadcast's record")
    assert len(record) == 1
    assert record[0]["start"] == started
    assert last_frame - 1 <= record[0]["end"] <= time.time()


def control_process(server: Server) -> int:
    return next(
        pid
        for pid in server.processes()
        if b"oxbow.app" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    )


def test_media_goes_on_while_control_is_killed_and_control_knows_it_all_again(
    running: Server, own_api: Client, theatre: Theatre, stage: ExitStack
) -> None:
    encoder = theatre.publish("evening", theatre.first)
    viewers = [theatre.watch("evening", protocol, theatre.second) for protocol in VIEWERS]
    see_on(*viewers)
    before = own_api.get(f"{stream_path(HUB, 'evening')}/live")
    os.kill(control_process(running), signal.SIGKILL)
    # Control is away: who wants to publish now waits for it, and a new viewer needs nobody's leave.
    newcomer = stage.enter_context(watch(running, f"{HUB}/evening"))
    stage.enter_context(Encoder(running, f"{HUB}/second")).go_live()
    see_on(newcomer)
    eventually(running.ready, "control to be back")
    after = eventually(lambda: own_api.get(f"{stream_path(HUB, 'evening')}/live"), "the stream's figures")
    assert (after["startAt"], after["clientIP"]) == (before["startAt"], before["clientIP"])
    assert live(own_api) == ["evening", "second"]
    see_on(*viewers)
    for viewer in viewers:
        assert is_whole(viewer.times())
    ended = int(time.time())
    encoder.close()
    eventually(lambda: live(own_api) == ["second"], "the end of the broadcast")
    records = eventually(lambda: history(own_api, "evening"), "the broadcast's record")
    assert [record["start"] for record in records] == [before["startAt"]]
    assert ended <= records[0]["end"] <= time.time()


def test_a_broadcast_that_ends_while_control_is_away_is_closed_in_the_history(
    running: Server, own_api: Client, theatre: Theatre
) -> None:
    encoder = theatre.publish("evening", theatre.first)
    see_on(theatre.watch("evening", "flv", theatre.second))
    began = int(time.time())
    os.kill(control_process(running), signal.SIGKILL)
    encoder.close()
    eventually(running.ready, "control to be back")
    assert live(own_api) == []
    records = eventually(lambda: history(own_api, "evening"), "the broadcast's record")
    assert len(records) == 1
    assert began - 2 <= records[0]["end"] <= time.time()


def test_a_killed_server_leaves_nothing_and_loses_nothing_that_was_committed(
    new_server: Callable[..., Server], stage: ExitStack
) -> None:
    server = new_server()
    server.start()
    with server.client() as api:
        api.post("/v2/hubs", {"name": "kept"})
        encoder = stage.enter_context(Encoder(server, f"{HUB}/evening")).go_live()
        see_on(stage.enter_context(watch(server, f"{HUB}/evening")))
    last_frame = int(time.time())
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: server.processes() == [], "the supervisor's children to end with it")
    eventually(lambda: not encoder.is_live, "the encoder to lose its connection")
    for port in (server.api_port, server.media_port, server.rtmp_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    with server, server.client() as api:
        assert [path for path in server.shared.rglob("*") if path.is_file()] == []
        assert {"kept", HUB} <= {item["name"] for item in api.get("/v2/hubs")["items"]}
        assert live(api) == []
        record = history(api, "evening")
        assert len(record) == 1
        assert last_frame - 2 <= record[0]["end"] <= time.time()
        with Encoder(server, f"{HUB}/evening").go_live(), watch(server, f"{HUB}/evening") as viewer:
            see_on(viewer)
