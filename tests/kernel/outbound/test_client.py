"""The guarded client against servers that mean harm, and names that lead inside."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from hostile import answer, dripping, hang, pouring, redirect, saying, serving
from oxbow.kernel.outbound import OutboundClient, OutboundFailed, OutboundRefused
from oxbow.kernel.outbound.client import PER_ORIGIN
from trust import certificate_for

LOOPBACK = [ip_network("127.0.0.1/32")]
OK = saying(answer(200, b"fine", "X-Colour: blue"))


@pytest.fixture
async def client() -> AsyncIterator[OutboundClient]:
    """May reach 127.0.0.1, and nothing else that is not public."""
    client = OutboundClient(LOOPBACK)
    yield client
    await client.close()


@pytest.fixture
async def strict() -> AsyncIterator[OutboundClient]:
    """May reach public addresses only."""
    client = OutboundClient()
    yield client
    await client.close()


def client_with_names(names: dict[str, list[str]], **options: ssl.SSLContext) -> OutboundClient:
    async def resolve(host: str, port: int) -> list[str]:
        return names[host]

    return OutboundClient(LOOPBACK, resolve=resolve, **options)


async def test_an_answer_as_it_came(client: OutboundClient) -> None:
    async with serving(OK) as server:
        response = await client.request("GET", server.url("/a%20b?c=d"), headers={"X-One": "1"})
    assert (response.status, response.body, response.truncated) == (200, b"fine", False)
    assert response.headers["x-colour"] == "blue"
    assert response.url == server.url("/a%20b?c=d")
    head = server.requests[0].decode().lower()
    assert head.startswith("get /a%20b?c=d http/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n" in head
    assert "x-one: 1\r\n" in head
    assert "accept-encoding: identity\r\n" in head


async def test_a_body_is_sent(client: OutboundClient) -> None:
    async with serving(saying(answer(204))) as server:
        await client.request("POST", server.url(), headers={"Content-Type": "text/plain"}, content=b"body")
    assert server.bodies == [b"body"]
    assert b"content-length: 4\r\n" in server.requests[0].lower()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "0.0.0.0",
        "0",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
    ],
)
async def test_no_spelling_of_this_machine_gets_a_connection(strict: OutboundClient, host: str) -> None:
    async with serving(OK) as server:
        with pytest.raises((OutboundRefused, OutboundFailed)) as caught:
            await strict.request("GET", server.url(host=host))
    assert caught.value.reason in ("loopback", "unspecified", "name", "url")
    assert server.connections == 0


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]"])
async def test_the_metadata_of_a_cloud_is_out_of_reach(strict: OutboundClient, host: str) -> None:
    with pytest.raises(OutboundRefused):
        await strict.request("GET", f"http://{host}/latest/meta-data/")


async def test_a_name_is_refused_if_any_of_its_addresses_is() -> None:
    client = client_with_names({"mixed.example": ["127.0.0.1", "10.0.0.1"]})
    async with serving(OK) as server:
        with pytest.raises(OutboundRefused, match=r"mixed\.example leads to a private"):
            await client.request("GET", server.url(host="mixed.example"))
    assert server.connections == 0


async def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(answers)

    client = OutboundClient(LOOPBACK, resolve=rebinding)
    async with serving(OK) as server:
        response = await client.request("GET", server.url(host="rebinding.example"))
    assert response.status == 200
    assert next(answers) == ["10.0.0.1"], "the second answer was never asked for"
    assert f"host: rebinding.example:{server.port}".encode() in server.requests[0].lower()
    await client.close()


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    client = client_with_names({"two.example": ["127.0.0.1"] * 2})
    async with serving(OK) as server:
        assert (await client.request("GET", server.url(host="two.example"))).status == 200
    with pytest.raises(OutboundFailed) as caught:
        await client.request("GET", server.url(host="two.example"))
    assert caught.value.reason == "connect"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/",
        "http://127.0.0.2/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "//10.0.0.1/",
        "http://user:password@127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:25/",
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(client: OutboundClient, location: str) -> None:
    async with serving(redirect(location)) as server:
        with pytest.raises(OutboundRefused):
            await client.request("GET", server.url())


async def test_redirects_are_followed_so_far_and_no_further(client: OutboundClient) -> None:
    async with serving(redirect("/again")) as server:
        with pytest.raises(OutboundFailed, match="more than 3 redirects"):
            await client.request("GET", server.url())
    assert len(server.requests) == 4


async def test_a_redirect_that_nobody_wants_followed_is_an_answer(client: OutboundClient) -> None:
    async with serving(redirect("http://10.0.0.1/")) as server:
        assert (await client.request("GET", server.url(), redirects=0)).status == 302


@pytest.mark.parametrize(
    ("status", "method", "body"), [(302, b"GET", b""), (303, b"GET", b""), (307, b"POST", b"body")]
)
async def test_what_is_sent_after_a_redirect(
    client: OutboundClient, status: int, method: bytes, body: bytes
) -> None:
    secret = {"Authorization": "QBox of-the-first-server", "Content-Type": "text/plain"}
    async with serving(saying(answer(200))) as there, serving(redirect(there.url(), status)) as here:
        await client.request("POST", here.url(), headers=secret, content=b"body")
    assert there.requests[0].startswith(method + b" /")
    assert b"authorization" not in there.requests[0].lower()
    assert there.bodies == [body]


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["hangs", "drips its head", "drips its body", "promises for ever"],
)
async def test_the_whole_answer_has_one_deadline(client: OutboundClient, behaviour: object) -> None:
    async with serving(behaviour) as server:  # type: ignore[arg-type]
        with pytest.raises(
            OutboundFailed, match=r"within 0\.3 seconds, while (waiting for|reading) the answer"
        ):
            await client.request("GET", server.url(), timeout=0.3)


async def test_a_redirect_loop_has_the_same_deadline(client: OutboundClient) -> None:
    async def late(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        writer.write(answer(302, b"", "Location: /again"))

    async with serving(late) as server:
        with pytest.raises(OutboundFailed, match="seconds"):
            await client.request("GET", server.url(), timeout=0.25, redirects=100)


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["10 MB", "for ever"],
)
async def test_a_long_body_is_cut_and_its_server_hung_up_on(client: OutboundClient, start: bytes) -> None:
    async with serving(pouring(start, b"x" * 65_536)) as server:
        response = await client.request("GET", server.url(), max_bytes=1000)
        assert (response.status, response.body, response.truncated) == (200, b"x" * 1000, True)
        await server.gone.wait()


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Long: " + b"x" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: x\r\n" * 100),
    ],
    ids=["many headers", "one header", "promises", "a chunk's length", "trailers"],
)
async def test_nothing_but_a_body_grows_either(client: OutboundClient, start: bytes, piece: bytes) -> None:
    async with serving(pouring(start, piece)) as server:
        with pytest.raises(OutboundFailed) as caught:
            await client.request("GET", server.url(), max_bytes=1000)
        assert caught.value.reason in ("too_large", "protocol")
        await server.gone.wait()


async def test_nothing_is_decompressed(client: OutboundClient) -> None:
    bomb = gzip.compress(b"x" * 1_000_000)
    async with serving(saying(answer(200, bomb, "Content-Encoding: gzip"))) as server:
        assert (await client.request("GET", server.url())).body == bomb


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\x00\xff" * 100 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 9999 No\r\n\r\n",
        b"\r\n" * 50,
    ],
)
async def test_garbage_is_no_answer(client: OutboundClient, garbage: bytes) -> None:
    async def say_and_go(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        raise OSError

    async with serving(say_and_go) as server:
        with pytest.raises(OutboundFailed) as caught:
            await client.request("GET", server.url())
    assert caught.value.reason == "protocol"


async def test_a_body_that_ends_early_is_no_answer(client: OutboundClient) -> None:
    async def stop_halfway(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        raise OSError

    async with serving(stop_halfway) as server:
        with pytest.raises(OutboundFailed):
            await client.request("GET", server.url())


async def test_a_certificate_is_for_the_name_and_of_somebody_known(tmp_path: Path) -> None:
    tls, trust = certificate_for("good.example", tmp_path)
    known = client_with_names({"good.example": ["127.0.0.1"], "bad.example": ["127.0.0.1"]}, trust=trust)
    stranger = client_with_names({"good.example": ["127.0.0.1"]})
    async with serving(OK, tls=tls) as server:
        good = server.url(host="good.example", scheme="https")
        assert (await known.request("GET", good)).status == 200
        for client, url in [(known, server.url(host="bad.example", scheme="https")), (stranger, good)]:
            with pytest.raises(OutboundFailed, match="TLS failed") as caught:
                await client.request("GET", url)
            assert caught.value.reason == "tls"
    async with serving(OK) as plain:
        with pytest.raises(OutboundFailed):
            await known.request("GET", plain.url(host="good.example", scheme="https"), timeout=0.3)


async def test_nothing_goes_from_https_to_http(tmp_path: Path) -> None:
    tls, trust = certificate_for("good.example", tmp_path)
    client = client_with_names({"good.example": ["127.0.0.1"]}, trust=trust)
    async with serving(OK) as plain, serving(redirect(plain.url()), tls=tls) as server:
        with pytest.raises(OutboundRefused) as caught:
            await client.request("GET", server.url(host="good.example", scheme="https"))
    assert caught.value.reason == "downgrade"
    assert plain.connections == 0


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(OK) as proxy, serving(OK) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        client = OutboundClient(LOOPBACK)
        assert (await client.request("GET", server.url())).status == 200
    assert (proxy.connections, server.connections) == (0, 1)


async def test_connections_are_kept_for_the_next_request(client: OutboundClient) -> None:
    async with serving(OK) as server:
        for _ in range(3):
            await client.request("GET", server.url())
    assert (server.connections, len(server.requests)) == (1, 3)


async def test_one_server_that_hangs_does_not_take_every_connection(client: OutboundClient) -> None:
    async with serving(hang) as slow, serving(OK) as server:
        waiting = [
            asyncio.create_task(client.request("GET", slow.url(), timeout=30)) for _ in range(PER_ORIGIN * 5)
        ]
        assert (await client.request("GET", server.url(), timeout=10)).status == 200
        assert slow.connections <= PER_ORIGIN
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (await client.request("GET", server.url())).status == 200


async def test_a_name_that_is_none(client: OutboundClient) -> None:
    with pytest.raises(OutboundFailed, match=r"no-such-name\.invalid has no address") as caught:
        await client.request("GET", "http://no-such-name.invalid/")
    assert caught.value.reason == "name"
