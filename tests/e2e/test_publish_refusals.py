"""Who may not publish is told why, in words that ffmpeg shows to its user."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.media import Clip, Publisher, eventually
from e2e.server import ACCESS_KEY, SECRET_KEY, Server
from oxbow.client import Client, publish_query, stream_path

pytestmark = pytest.mark.e2e

PUBLISH_KEY = "publish-key-of-this-test"

MakeClip = Callable[[str], Clip]
LiveInfo = Callable[[str], dict[str, Any]]


def query(path: str, security: str, expires: float) -> str:
    return publish_query(
        f"/{path}",
        security,
        publish_key=PUBLISH_KEY,
        keys=(ACCESS_KEY, SECRET_KEY),
        expires=int(expires),
    )


@pytest.mark.parametrize("security", ["static", "expiry", "expiry_sk", "dynamic"])
def test_a_signed_address_opens_the_hub(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo, security: str
) -> None:
    api.post(f"/v2/hubs/{hub}/security", {"publishSecurity": security, "publishKey": PUBLISH_KEY})
    path = f"{hub}/{stream}"
    with Publisher(clip("h264+aac"), f"{server.rtmp(path)}?{query(path, security, time.time() + 60)}"):
        assert live_info(stream)["startAt"] > 0


@pytest.mark.parametrize("security", ["static", "expiry", "expiry_sk", "dynamic"])
@pytest.mark.parametrize(
    "shown", ["", "key=wrong&expire=1&e=1&nonce=1&token=wrong"], ids=["nothing", "wrong"]
)
def test_without_the_right_signature_ffmpeg_is_refused_and_told_so(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, security: str, shown: str
) -> None:
    api.post(f"/v2/hubs/{hub}/security", {"publishSecurity": security, "publishKey": PUBLISH_KEY})
    with Publisher(clip("h264+aac"), f"{server.rtmp(f'{hub}/{stream}')}?{shown}") as publisher:
        said = publisher.refusal()
    assert publisher.process.returncode != 0
    assert "Server error:" in said
    assert PUBLISH_KEY not in said


@pytest.mark.parametrize("security", ["expiry", "expiry_sk"])
def test_an_expired_address_says_that_it_expired(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, security: str
) -> None:
    api.post(f"/v2/hubs/{hub}/security", {"publishSecurity": security, "publishKey": PUBLISH_KEY})
    path = f"{hub}/{stream}"
    address = f"{server.rtmp(path)}?{query(path, security, time.time() - 60)}"
    with Publisher(clip("h264+aac"), address) as publisher:
        assert "expired" in publisher.refusal()


def test_a_dynamic_address_works_once(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    api.post(f"/v2/hubs/{hub}/security", {"publishSecurity": "dynamic", "publishKey": PUBLISH_KEY})
    path = f"{hub}/{stream}"
    address = f"{server.rtmp(path)}?{query(path, 'dynamic', 0)}"
    with Publisher(clip("h264+aac"), address):
        live_info(stream)
    with Publisher(clip("h264+aac"), address) as again:
        assert "Server error:" in again.refusal()


def test_an_unknown_hub_is_refused(server: Server, clip: MakeClip) -> None:
    with Publisher(clip("h264+aac"), server.rtmp("nosuchhub/stream")) as publisher:
        assert "hub" in publisher.refusal()


def test_a_bad_stream_name_is_refused_with_the_rule(server: Server, hub: str, clip: MakeClip) -> None:
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/abc")) as publisher:
        assert "4 to 200" in publisher.refusal()


def test_a_second_publisher_is_refused_while_the_first_goes_on(
    server: Server, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    address = server.rtmp(f"{hub}/{stream}")
    with Publisher(clip("h264+aac"), address) as first:
        before = live_info(stream)
        with Publisher(clip("h264+aac"), address) as second:
            assert "Server error:" in second.refusal()
        assert first.process.poll() is None
        assert live_info(stream)["clientIP"] == before["clientIP"]


def test_a_second_publisher_takes_over_where_the_hub_wants_it_so(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    api.post(f"/v2/hubs/{hub}/publish", {"secondPublisher": "takeover"})
    address = server.rtmp(f"{hub}/{stream}")
    with Publisher(clip("h264+aac"), address) as first:
        before = live_info(stream)["clientIP"]
        with Publisher(clip("h264+aac"), address) as second:
            assert first.process.wait(15) != 0
            eventually(lambda: live_info(stream)["clientIP"] != before, "the second publisher")
            assert second.process.poll() is None


def test_a_hub_may_refuse_unknown_streams(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    api.post(f"/v2/hubs/{hub}/publish", {"autoCreate": False})
    address = server.rtmp(f"{hub}/{stream}")
    with Publisher(clip("h264+aac"), address) as refused:
        assert "Server error:" in refused.refusal()
    api.post(f"/v2/hubs/{hub}/streams", {"key": stream})
    with Publisher(clip("h264+aac"), address):
        live_info(stream)


def test_a_streams_own_security_beats_its_hubs(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    api.post(f"/v2/hubs/{hub}/streams", {"key": stream})
    own = {"publishSecurity": "static", "publishKey": PUBLISH_KEY}
    api.post(f"{stream_path(hub, stream)}/security", own)
    address = server.rtmp(f"{hub}/{stream}")
    with Publisher(clip("h264+aac"), address) as refused:
        assert "Server error:" in refused.refusal()
    with Publisher(clip("h264+aac"), f"{address}?key={PUBLISH_KEY}"):
        live_info(stream)
