"""An application decides who publishes and watches, and hears of every beginning and end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.application import Application, application
from e2e.media import Clip, Publisher, eventually
from e2e.server import Server
from oxbow.client import Client

pytestmark = pytest.mark.e2e

HUB, PUSH, FLV = "stage", "push.example.com", "flv.example.com"
SETTINGS = {"outbound_allow": "127.0.0.0/8"}
VARIABLES = {
    "what": "$(event)",
    "stream": "$(streamKey)",
    "ip": "$(clientIp)",
    "session": "$(session)",
    "token": "$(_token)",
    "seconds": "$(duration)",
}

MakeClip = Callable[[str], Clip]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose callbacks may reach this machine."""
    with Server(tmp_path_factory.mktemp("callbacks") / "home", **SETTINGS) as server:
        prepare(server)
        yield server
    server.clean()


@pytest.fixture
def app() -> Iterator[Application]:
    with application() as one:
        yield one


def prepare(server: Server) -> None:
    with server.client() as api:
        api.post("/v2/hubs", {"name": HUB})
        api.post(f"/v2/hubs/{HUB}/newdomains", {"domain": PUSH, "Type": "publishRtmp"})
        api.post(f"/v2/hubs/{HUB}/newdomains", {"domain": FLV, "Type": "liveHdl"})


def configure(server: Server, domain: str, **settings: object) -> None:
    """Set a domain's callbacks; those that are not named are taken away."""
    kinds = ("connectCallback", "disconnectCallback", "originAuth")
    nothing: dict[str, Any] = {kind: {"type": ""} for kind in (kinds if domain == PUSH else kinds[2:])}
    if domain == PUSH:
        nothing["disconnectDelay"] = {"disconnectDelay": 0}
    with server.client() as api:
        for kind, setting in (nothing | settings).items():
            api.post(f"/v2/hubs/{HUB}/domains/{domain}/{kind}", setting)


def to(app: Application, path: str, kind: str = "FORM", **more: object) -> dict[str, object]:
    return {"type": kind, "url": app.url(path), "vars": VARIABLES} | more


def publish(server: Server, clip: Clip, stream: str, shows: str = "good") -> Publisher:
    address = server.rtmp(f"{HUB}/{stream}?token={shows}")
    return Publisher(clip, address, "-rtmp_tcurl", f"rtmp://{PUSH}/{HUB}")


def live(api: Client) -> list[str]:
    return [item["key"] for item in api.get(f"/v2/hubs/{HUB}/streams?liveonly=true")["items"]]


def wait_live(server: Server, stream: str) -> None:
    with server.client() as api:
        eventually(lambda: stream in live(api), f"{stream} to be live")


def wait_gone(server: Server, stream: str) -> None:
    with server.client() as api:
        eventually(lambda: stream not in live(api), f"{stream} to be gone")


@pytest.mark.parametrize("kind", ["GET", "FORM"])
def test_beginning_and_end_are_told(
    running: Server, app: Application, clip: MakeClip, stream: str, kind: str
) -> None:
    hooks = {
        "connectCallback": to(app, "/begin", kind),
        "disconnectCallback": to(app, "/end?from=oxbow", kind),
    }
    configure(running, PUSH, **hooks)
    with publish(running, clip("h264+aac"), stream):
        wait_live(running, stream)
        (begin,) = app.at("/begin")
        assert app.at("/end") == []
    (end,) = eventually(lambda: app.at("/end"), "the end to be told")
    assert begin.verified
    assert end.verified
    said = {"stream": f"{HUB}/{stream}", "ip": "127.0.0.1", "token": "good"}
    assert said.items() <= (begin.fields | {"what": ""}).items()
    assert (begin.fields["what"], end.fields["what"]) == ("connect", "disconnect")
    assert begin.fields["session"] == end.fields["session"]
    assert 0 <= int(end.fields["seconds"]) < 60


def test_a_plain_no_refuses_the_publisher(
    running: Server, app: Application, clip: MakeClip, stream: str
) -> None:
    app.status = lambda call: 200 if call.fields["token"] == "good" else 403
    codes = {"successCode": 200, "failCode": 403, "retryTimes": 5}
    hooks = {"connectCallback": to(app, "/begin", **codes), "disconnectCallback": to(app, "/end")}
    configure(running, PUSH, **hooks)
    with publish(running, clip("h264+aac"), stream, "bad") as refused:
        assert "connect_refused: the connect callback did not agree" in refused.refusal()
    assert len(app.at("/begin")) == 1, "a plain no is not asked again"
    with running.client() as api:
        assert stream not in live(api)
    with publish(running, clip("h264+aac"), stream):
        wait_live(running, stream)


def test_a_short_absence_is_nobodys_business(
    running: Server, app: Application, clip: MakeClip, stream: str
) -> None:
    hooks = {"connectCallback": to(app, "/begin"), "disconnectCallback": to(app, "/end")}
    configure(running, PUSH, disconnectDelay={"disconnectDelay": 600}, **hooks)
    with publish(running, clip("h264+aac"), stream):
        wait_live(running, stream)
    wait_gone(running, stream)
    with publish(running, clip("h264+aac"), stream):
        wait_live(running, stream)
        assert len(app.at("/begin")) == 1
        with running.client() as api:
            which = f"event=live.disconnect&subject={HUB}/{stream}"
            (waited,) = api.get(f"/v2/webhooks/deliveries?{which}")["items"]
        assert waited["state"] == "cancelled"
    assert app.at("/end") == []


def test_an_application_decides_about_everybody(
    running: Server, app: Application, clip: MakeClip, stream: str
) -> None:
    app.status = lambda call: 200 if call.fields["token"] == "good" else 401
    for domain in (PUSH, FLV):
        configure(running, domain, originAuth=to(app, "/may"))

    def watch(token: str) -> int:
        address = running.http(f"{HUB}/{stream}.flv?token={token}")
        with httpx.stream("GET", address, headers={"Host": FLV}, trust_env=False, timeout=20) as answer:
            return answer.status_code

    with publish(running, clip("h264+aac"), stream, "bad") as refused:
        assert "origin_refused: the origin does not let you in" in refused.refusal()
    with publish(running, clip("h264+aac"), stream):
        wait_live(running, stream)
        assert watch("bad") == 403
        assert watch("good") == 200
    asked = [(call.fields["what"], call.fields["token"]) for call in app.at("/may")]
    assert asked == [("publish", "bad"), ("publish", "good"), ("play", "bad"), ("play", "good")]
    assert all(call.verified for call in app.calls)
    for domain in (PUSH, FLV):
        configure(running, domain)


def test_the_end_that_nobody_lived_to_see_is_told_by_the_next_start(
    app: Application, clip: MakeClip, tmp_path: Path
) -> None:
    server = Server(tmp_path / "home", **SETTINGS)
    try:
        with server:
            prepare(server)
            configure(server, PUSH, disconnectCallback=to(app, "/end"), connectCallback=to(app, "/begin"))
            with publish(server, clip("h264+aac"), "evening"):
                wait_live(server, "evening")
                eventually(lambda: is_recorded(server), "the broadcast to be recorded")
                kill_everything(server)
            assert app.at("/end") == []
            server.start()
            (end,) = eventually(lambda: app.at("/end"), "the end to be told", 40)
            assert end.fields["session"] == app.at("/begin")[0].fields["session"]
            assert end.verified
    finally:
        server.clean()


def kill_everything(server: Server) -> None:
    """The supervisor and its children at once, as a power cut would."""
    assert server.process is not None
    for pid in server.processes():  # each leads a group of its own
        os.kill(pid, signal.SIGKILL)
    server.process.wait()
    eventually(lambda: server.processes() == [], "all processes to be gone")


def is_recorded(server: Server) -> bool:
    with server.client() as api:
        return "evening" in [item["key"] for item in api.get(f"/v2/hubs/{HUB}/streams")["items"]]
