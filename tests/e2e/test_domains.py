"""Bound domains decide which hub an address may name, by the Host header and by RTMP's tcUrl."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from e2e.media import Clip, Publisher, eventually, hashes, is_run_of
from e2e.server import Server
from oxbow.client import Client

pytestmark = pytest.mark.e2e

_numbers = itertools.count()

MakeClip = Callable[[str], Clip]
LiveInfo = Callable[[str], dict[str, Any]]


@pytest.fixture
def domain() -> str:
    return f"media{next(_numbers)}.example.com"


def bind(api: Client, hub: str, domain: str, kind: str) -> None:
    api.post(f"/v2/hubs/{hub}/newdomains", {"domain": domain, "Type": kind})


def status_for(server: Server, path: str, host: str) -> int:
    """What the media port answers to a request with this Host header."""
    address = server.http(path)
    with httpx.stream("GET", address, headers={"Host": host}, trust_env=False, timeout=20) as answer:
        return answer.status_code


def test_a_domain_plays_its_own_hub_and_no_other(
    server: Server, api: Client, hub: str, stream: str, domain: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    bind(api, hub, domain, "liveHdl")
    other = f"other{hub}"
    api.post("/v2/hubs", {"name": other})
    with (
        Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}")),
        Publisher(clip("h264+aac"), server.rtmp(f"{other}/{stream}")),
    ):
        live_info(stream)
        assert status_for(server, f"{hub}/{stream}.flv", f"{domain}:{server.media_port}") == 200
        assert status_for(server, f"{other}/{stream}.flv", domain) in (403, 404)
        assert status_for(server, f"{hub}/{stream}.m3u8", domain) in (403, 404), "it is bound for FLV only"


def test_rtmp_goes_by_the_host_of_tc_url(
    server: Server, api: Client, hub: str, stream: str, domain: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    bind(api, hub, domain, "publishRtmp")
    source = clip("h264+aac")
    tc_url = ("-rtmp_tcurl", f"rtmp://{domain}/{hub}")
    with Publisher(source, server.rtmp(f"{hub}/{stream}"), *tc_url):
        live_info(stream)
        assert is_run_of(hashes(server.rtmp(f"{hub}/{stream}"), "v", 25), source.pictures)
    other = f"other{hub}"
    api.post("/v2/hubs", {"name": other})
    with Publisher(
        source, server.rtmp(f"{other}/{stream}"), "-rtmp_tcurl", f"rtmp://{domain}/{other}"
    ) as refused:
        assert "Server error:" in refused.refusal()


def test_a_play_domain_is_not_for_publishing(
    server: Server, api: Client, hub: str, stream: str, domain: str, clip: MakeClip
) -> None:
    bind(api, hub, domain, "liveRtmp")
    tc_url = ("-rtmp_tcurl", f"rtmp://{domain}/{hub}")
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}"), *tc_url) as refused:
        assert "Server error:" in refused.refusal()


def test_an_address_that_names_nothing_is_not_found_at_once(server: Server, hub: str) -> None:
    own = f"127.0.0.1:{server.media_port}"
    assert status_for(server, "nosuchhub/stream.flv", own) == 404
    assert status_for(server, f"{hub}/abc.flv", own) == 404
    assert status_for(server, f"{hub}/stream.exe", own) == 404
    with socket.create_connection(("127.0.0.1", server.media_port), timeout=10) as raw:
        raw.sendall(b"NONSENSE\r\n\r\n")
        assert raw.recv(64).startswith((b"HTTP/1.1 400", b""))


def test_a_disabled_domain_cuts_off_who_uses_it_and_lets_nobody_in(
    server: Server, api: Client, hub: str, stream: str, clip: MakeClip, live_info: LiveInfo
) -> None:
    push, flv, hls = (f"{kind}.{hub}.example.com" for kind in ("push", "flv", "hls"))
    for name, kind in ((push, "publishRtmp"), (flv, "liveHdl"), (hls, "liveHls")):
        bind(api, hub, name, kind)
    address = server.http(f"{hub}/{stream}.flv")
    tc_url = ("-rtmp_tcurl", f"rtmp://{push}/{hub}")
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}"), *tc_url) as publisher:
        live_info(stream)
        with (
            httpx.stream("GET", address, headers={"Host": flv}, trust_env=False, timeout=20) as by_domain,
            httpx.stream("GET", address, trust_env=False, timeout=20) as by_address,
        ):
            endless = by_address.iter_raw()
            next(endless)
            api.post(f"/v2/hubs/{hub}/domains/{flv}/disable", {})
            for _ in by_domain.iter_raw():  # ends, since the server hangs up
                pass
            next(endless)
        assert status_for(server, f"{hub}/{stream}.flv", flv) == 403
        assert status_for(server, f"{hub}/{stream}.m3u8", hls) == 200
        api.post(f"/v2/hubs/{hub}/domains/{hls}/disable", {})
        eventually(lambda: status_for(server, f"{hub}/{stream}.m3u8", hls) == 403, "HLS refused")
        api.post(f"/v2/hubs/{hub}/domains/{push}/disable", {})
        publisher.refusal()
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}"), *tc_url) as refused:
        assert "domain_disabled" in refused.refusal()
    assert api.get(f"/v2/hubs/{hub}/domains/{flv}")["disable"] is True
    for name in (push, flv):
        api.post(f"/v2/hubs/{hub}/domains/{name}/enable", {})
    with Publisher(clip("h264+aac"), server.rtmp(f"{hub}/{stream}"), *tc_url):
        live_info(stream)
        assert status_for(server, f"{hub}/{stream}.flv", flv) == 200
