"""HTTP requests, bounded."""

import pytest

from oxbow.rooms.live.gateways.http.request import MAX_HEADERS, Request, RequestError, RequestReader
from oxbow.rooms.live.gateways.http.response import MAX_HEAD

GET = b"GET /hub/stream.flv?a=1&b=2 HTTP/1.1\r\nHost: pull.example.com\r\nX-Long: one\r\n\r\n"


def read(data: bytes) -> list[Request]:
    return RequestReader().receive(data)


def test_a_request_is_read() -> None:
    (request,) = read(GET)
    assert (request.method, request.path, request.query) == ("GET", "/hub/stream.flv", "a=1&b=2")
    assert request.headers == {"host": "pull.example.com", "x-long": "one"}
    assert (request.keep_alive, request.upgrade) == (True, False)


def test_byte_by_byte_it_is_the_same() -> None:
    reader = RequestReader()
    found = [request for byte in GET * 2 for request in reader.receive(bytes([byte]))]
    assert found == read(GET) * 2


def test_requests_that_come_together_come_out_in_order() -> None:
    requests = read(b"".join(GET.replace(b"stream", b"stream%d" % number) for number in range(10)))
    assert [request.path for request in requests] == [f"/hub/stream{number}.flv" for number in range(10)]


@pytest.mark.parametrize(
    ("line", "headers", "keep_alive"),
    [
        (b"GET / HTTP/1.1", b"", True),
        (b"GET / HTTP/1.1", b"Connection: close\r\n", False),
        (b"GET / HTTP/1.0", b"", False),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", True),
    ],
)
def test_whether_the_connection_stays(line: bytes, headers: bytes, keep_alive: bool) -> None:
    assert read(line + b"\r\n" + headers + b"\r\n")[0].keep_alive is keep_alive


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://example.com/hub/stream.flv?x=1", "/hub/stream.flv", "x=1"),
        (b"https://example.com:8443/a", "/a", ""),
        (b"http://example.com", "/", ""),
        (b"/?a?b", "/", "a?b"),
        (b"*", "*", ""),
    ],
)
def test_targets_in_every_form(target: bytes, path: str, query: str) -> None:
    method = b"OPTIONS " if target == b"*" else b"GET "
    (request,) = read(method + target + b" HTTP/1.1\r\n\r\n")
    assert (request.path, request.query) == (path, query)


def test_an_upgrade_is_seen() -> None:
    (request,) = read(
        b"GET /hub/s.flv HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (request.upgrade, request.keep_alive) == (True, False), "what follows can't be read as requests"
    assert request.headers["upgrade"] == "websocket"


def test_a_request_of_exactly_the_limit_is_read_and_one_byte_more_is_not() -> None:
    frame = b"GET /%s HTTP/1.1\r\n\r\n"
    fits = frame % (b"x" * (MAX_HEAD - len(frame) + 2))
    assert len(fits) == MAX_HEAD
    assert len(read(fits)) == 1
    with pytest.raises(RequestError) as refused:
        read(fits.replace(b"x", b"xx", 1))
    assert refused.value.status == 431


def test_one_that_never_ends_is_refused_however_slowly_it_comes() -> None:
    reader = RequestReader()
    with pytest.raises(RequestError) as refused:
        for _ in range(MAX_HEAD):
            reader.receive(b"GET /" if _ == 0 else b"xx")
    assert refused.value.status == 431


def test_the_limit_is_for_each_request_and_not_for_the_connection() -> None:
    reader = RequestReader()
    for _ in range(2 * MAX_HEAD // len(GET)):
        assert len(reader.receive(GET)) == 1


def test_too_many_headers_are_refused() -> None:
    def with_headers(count: int) -> bytes:
        return b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * count + b"\r\n"

    assert len(read(with_headers(MAX_HEADERS))) == 1
    with pytest.raises(RequestError, match="at most 100 headers") as refused:
        read(with_headers(MAX_HEADERS + 1))
    assert refused.value.status == 431


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(RequestError, match="not an HTTP request") as refused:
        read(data)
    assert refused.value.status == 400


def test_two_hosts_are_none() -> None:
    with pytest.raises(RequestError, match="one Host header") as refused:
        read(b"GET / HTTP/1.1\r\nHost: a.example.com\r\nhOST: b.example.com\r\n\r\n")
    assert refused.value.status == 400


@pytest.mark.parametrize("header", [b"", b"Host: signed.example.com\r\n"])
def test_the_host_of_an_absolute_target_counts_instead_of_the_headers(header: bytes) -> None:
    (request,) = read(b"GET http://open.example.com:80/hub/stream.flv?a HTTP/1.1\r\n" + header + b"\r\n")
    assert request.headers["host"] == "open.example.com:80"
    assert (request.path, request.query) == ("/hub/stream.flv", "a")
