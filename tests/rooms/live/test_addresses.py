"""Addresses as encoders, players and browsers send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.rooms.live.addresses import (
    PlayAddress,
    RtmpAddress,
    normal_host,
    parse_play_path,
    parse_rtmp_address,
)
from oxbow.rooms.live.models import is_hub_name, is_stream_name
from oxbow.rooms.live.refusing import MAX_ADDRESS, AddressError

TC_URL = "rtmp://Publish-RTMP.test.com:1935/PiliSDKTest"


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("PiliSDKTest", "streamTitle?e=1&token=x"),
        ("PiliSDKTest/", "streamTitle?e=1&token=x"),
        ("/PiliSDKTest/", "/streamTitle?e=1&token=x"),
        ("PiliSDKTest?e=1&token=x", "streamTitle"),
        ("PiliSDKTest?e=1", "streamTitle?token=x"),
        ("PiliSDKTest/streamTitle?e=1&token=x", ""),
        ("", "PiliSDKTest/streamTitle?e=1&token=x"),
        ("PiliSDKTest", "streamTitle/?e=1&token=x"),
    ],
)
def test_rtmp_addresses_however_the_encoder_splits_them(app: str, name: str):
    expected = RtmpAddress("PiliSDKTest", "streamTitle", "e=1&token=x", "publish-rtmp.test.com")
    assert parse_rtmp_address(app, TC_URL, name) == expected


@pytest.mark.parametrize(
    ("app", "name", "reason"),
    [
        ("live", "", "bad_address"),
        ("", "", "bad_address"),
        ("live/extra", "stream", "bad_address"),
        ("live", "..", "bad_stream_name"),
        ("live", "abc", "bad_stream_name"),
        ("live", "x" * 201, "bad_stream_name"),
        ("live", "stream%2F", "bad_stream_name"),
        ("li ve", "stream", "bad_hub_name"),
        ("live", "stream?" + "x" * MAX_ADDRESS, "address_too_long"),
    ],
)
def test_rtmp_addresses_that_name_no_stream(app: str, name: str, reason: str):
    with pytest.raises(AddressError) as caught:
        parse_rtmp_address(app, TC_URL, name)
    assert caught.value.reason == reason


def test_a_missing_or_odd_tc_url_names_no_domain():
    assert parse_rtmp_address("live", None, "stream").domain is None
    assert parse_rtmp_address("live", "live", "stream").domain is None
    assert parse_rtmp_address("live", "rtmp://user:pw@[::1]:1935/live?x", "stream").domain == "::1"


def test_play_paths():
    assert parse_play_path("/testHub/testStream.m3u8", "sign=1&t=2") == PlayAddress(
        "testHub", "testStream", "m3u8", "sign=1&t=2"
    )
    assert parse_play_path("/testHub/test%2Dstream.flv", "").stream == "test-stream"


@pytest.mark.parametrize(
    "path",
    [
        "/live/stream",
        "/live/abc.flv",
        "/live/../stream.flv",
        "/live/..%2Fstream.flv",
        "/live/%252e%252e.flv",
        "//live/stream.flv",
        "/live/stream.flv/",
        "/live/stream.flv\n",
        "/live/stream.FLV",
        "/live/a.stream.flv",
        "live/stream.flv",
        "/live/stre\x00am.flv",
        "/l\u0131ve/str\u00e9am.flv",
        "/live/" + "x" * 201 + ".flv",
        "/" * 5000,
    ],
)
def test_paths_that_lead_nowhere(path: str):
    with pytest.raises(AddressError):
        parse_play_path(path, "")


@given(st.text(max_size=60), st.text(max_size=30))
def test_whatever_is_accepted_consists_of_valid_names(path: str, query: str):
    try:
        address = parse_play_path(path, query)
    except AddressError:
        return
    assert is_hub_name(address.hub)
    assert is_stream_name(address.stream)


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("Live.Example.COM:8080", "live.example.com"),
        ("live.example.com.", "live.example.com"),
        ("127.0.0.1:7080", "127.0.0.1"),
        ("[2001:DB8::1]:7080", "2001:db8::1"),
        ("", None),
        (None, None),
        (":80", None),
        ("[", None),
    ],
)
def test_hosts_are_compared_without_case_and_port(host: str | None, normal: str | None):
    assert normal_host(host) == normal
