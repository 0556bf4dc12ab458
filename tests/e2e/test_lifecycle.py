"""The server starts, runs beside others, ends cleanly and keeps what it must."""

from __future__ import annotations

import json
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.media import Clip, Publisher, eventually
from e2e.server import ACCESS_KEY, STOP_SECONDS, Server
from oxbow.client import Client, RefusedError, stream_path

pytestmark = pytest.mark.e2e

NewServer = Callable[..., Server]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_everything(new_server: NewServer, clip: Callable[[str], Clip], number: int) -> None:
    server = new_server()
    server.start()
    with Publisher(clip("h264+aac"), server.rtmp("live/stream")), server.client() as api:
        eventually(lambda: api.get("/v2/hubs/live/streams?liveonly=true")["items"], "a live stream")
        assert len(server.processes()) >= 3
        assert server.stop(number) == 0
    assert server.processes() == []
    for port in (server.api_port, server.media_port, server.rtmp_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_nothing_stays_in_shared_memory(new_server: NewServer, clip: Callable[[str], Clip]) -> None:
    server = new_server()
    server.start()
    with Publisher(clip("h264+aac"), server.rtmp("live/stream")):
        eventually(lambda: list(server.shared.rglob("flv.log")), "a stream log")
        server.stop()
    assert [path for path in server.shared.rglob("*") if not path.is_dir()] == []


def test_the_home_is_private(new_server: NewServer) -> None:
    with new_server() as server:
        assert stat.S_IMODE(server.home.stat().st_mode) == 0o700
        for path in server.home.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO) == 0, path


def test_what_was_made_is_there_after_a_restart(new_server: NewServer) -> None:
    server = new_server()
    with server, server.client() as api:
        api.post("/v2/hubs", {"name": "kept"})
        api.post("/v2/hubs/kept/streams", {"key": "evening"})
    with server, server.client() as api:
        assert "kept" in [item["name"] for item in api.get("/v2/hubs")["items"]]
        assert api.get(stream_path("kept", "evening"))["disabledTill"] == 0


def test_keys_are_made_at_the_first_start_and_shown(new_server: NewServer) -> None:
    with new_server(root_access_key="", root_secret_key="") as server:
        pair = json.loads(server.run("keys", "--json").stdout)
        with Client(server.api, pair["accessKey"], pair["secretKey"]) as api:
            assert [item["name"] for item in api.get("/v2/hubs")["items"]] == ["live"]
        assert pair["secretKey"] not in server.log.read_text()


def test_two_servers_run_side_by_side(new_server: NewServer, clip: Callable[[str], Clip]) -> None:
    live = "/v2/hubs/live/streams?liveonly=true"
    with (
        new_server("one") as one,
        new_server("two") as two,
        one.client() as first,
        two.client() as second,
        Publisher(clip("h264+aac"), one.rtmp("live/stream")),
    ):
        eventually(lambda: first.get(live)["items"], "a live stream")
        assert second.get(live)["items"] == []


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("rtmp_listen", "nowhere", "OXBOW_RTMP_LISTEN"),
        ("media_workers", "many", "OXBOW_MEDIA_WORKERS"),
        ("live_tick_ms", "1", "OXBOW_LIVE_TICK_MS"),
    ],
    ids=["no address", "no number", "out of range"],
)
def test_a_wrong_setting_stops_the_start_by_name(
    new_server: NewServer, setting: str, value: str, told: str
) -> None:
    done = new_server(**{setting: value}).run("serve", check=False)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_stops_the_start_by_name(new_server: NewServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = new_server(rtmp_listen=f"127.0.0.1:{port}").run("serve", check=False)
    assert done.returncode != 0
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_status_tells_what_is_live(
    server: Server, hub: str, stream: str, clip: Callable[[str], Clip], live_info: Callable[[str], Any]
) -> None:
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")):
        live_info(stream)
        status = json.loads(server.run("status", "--json").stdout)
    assert hub in status["hubs"]
    mine = [live for live in status["live"] if live["hub"] == hub]
    assert [live["name"] for live in mine] == [stream]


def test_doctor_finds_a_running_server_healthy(server: Server) -> None:
    done = server.run("doctor", "--json", check=False)
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert [name for name, finding in findings.items() if finding["state"] == "broken"] == []
    assert done.returncode == 0
    assert findings["server"]["state"] == "ok"


def test_doctor_names_a_port_that_another_program_holds(new_server: NewServer) -> None:
    server = new_server()
    with socket.create_server(("127.0.0.1", server.rtmp_port)):
        done = server.run("doctor", "--json", check=False)
    broken = [finding for finding in json.loads(done.stdout) if finding["state"] == "broken"]
    assert [finding["name"] for finding in broken] == [f"port {server.rtmp_port}"]
    assert "OXBOW_RTMP_LISTEN" in broken[0]["remedy"]
    assert done.returncode == 1


def test_the_demo_publishes_reports_and_ends_its_server(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(root_access_key="", root_secret_key="")
    told = tmp_path / "demo.txt"
    with told.open("wb") as output:
        demo = server.popen("demo", stdout=output, stderr=output)
    try:
        eventually(lambda: "demo/broadcast:" in told.read_text() or demo.poll(), "a report", seconds=60)
        text = told.read_text()
        assert server.http("demo/broadcast.flv") in text
        assert server.http("demo/broadcast.m3u8") in text
        assert server.rtmp("demo/broadcast") in text
        demo.send_signal(signal.SIGINT)
        assert demo.wait(STOP_SECONDS) == 0, told.read_text()
    finally:
        demo.kill()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.api_port))


def test_a_disabled_key_is_refused_at_once(server: Server) -> None:
    pair = json.loads(server.run("keys", "create", "--note", "for a test", "--json").stdout)
    with Client(server.api, pair["accessKey"], pair["secretKey"]) as api:
        eventually(lambda: accepted(api), "the new pair to be accepted")
        server.run("keys", "disable", pair["accessKey"])
        eventually(lambda: not accepted(api), "the disabled pair to be refused")
        server.run("keys", "enable", pair["accessKey"])
        eventually(lambda: accepted(api), "the enabled pair to be accepted")
    server.run("keys", "delete", "--yes", pair["accessKey"])
    listed = json.loads(server.run("keys", "list", "--json").stdout)
    assert [item["accessKey"] for item in listed] == [ACCESS_KEY]


def accepted(api: Client) -> bool:
    """Whether the server takes the client's signature."""
    try:
        api.get("/v2/hubs")
    except RefusedError as refusal:
        assert refusal.status == 401
        return False
    return True
