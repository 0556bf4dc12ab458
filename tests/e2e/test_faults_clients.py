"""Clients that mean harm, or are broken: turned away with bounded memory, while everybody else goes on."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.media import eventually
from e2e.raw import HOST, Encoder, RefusedError, Viewer, connect, is_whole, see_on, watch, workers
from e2e.server import Server
from oxbow.client import Client
from oxbow.proto import amf0
from oxbow.proto.rtmp.chunks import encode_message
from oxbow.proto.rtmp.handshake import ClientHandshake
from oxbow.proto.rtmp.message import Message

pytestmark = pytest.mark.e2e

PATH = "live/evening"
PER_ADDRESS = 30
MEMORY_KB = 24_000
"""What ten hostile clients may make a worker hold, whatever they announce."""
UNFINISHED_KB = 48_000
"""The same for messages that never end: twice the longest one, and as much again while a buffer grows."""
COMMAND_CSID = 3


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one worker that waits for nobody for long."""
    server = Server(
        tmp_path_factory.mktemp("strict") / "home",
        media_workers=1,
        live_handshake_timeout_seconds=1,
        live_connections_per_address=PER_ADDRESS,
        live_play_wait_seconds=1,
    )
    with server:
        yield server
    server.clean()


@pytest.fixture
def strict_api(strict: Server) -> Iterator[Client]:
    with strict.client() as api:
        yield api


@pytest.fixture(scope="module")
def bystanders(strict: Server) -> Iterator[tuple[Encoder, Viewer]]:
    """Somebody publishes and somebody watches, all the time."""
    with Encoder(strict, PATH).go_live() as encoder, watch(strict, PATH) as viewer:
        see_on(viewer)
        yield encoder, viewer


@pytest.fixture(autouse=True)
def nobody_else_notices(bystanders: tuple[Encoder, Viewer]) -> Iterator[None]:
    yield
    encoder, viewer = bystanders
    see_on(viewer, pictures=1)
    assert encoder.is_live
    assert is_whole(viewer.times())


def received(sock: socket.socket) -> bytes:
    """Everything that comes until the server closes the connection."""
    data = bytearray()
    try:
        while more := sock.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return bytes(data)


def refused(api: Client) -> dict[str, int]:
    counts: dict[str, int] = api.get("/v2/server")["refused"]
    return counts


HALF_OPEN = {
    "silent": ("rtmp", b""),
    "version only": ("rtmp", b"\x03"),
    "half of C1": ("rtmp", b"\x03" + bytes(700)),
    "no C2": ("rtmp", b"\x03" + bytes(1536)),
    "no connect": ("rtmp", b"\x03" + bytes(3072)),
    "silent over HTTP": ("media", b""),
    "half a request": ("media", b"GET /live/evening.flv HTTP/1.1\r\nHost: x\r\n"),
}


@pytest.mark.parametrize("form", HALF_OPEN)
def test_who_does_not_say_what_it_wants_is_shown_out(strict: Server, strict_api: Client, form: str) -> None:
    protocol, said = HALF_OPEN[form]
    before = refused(strict_api).get("timeout", 0)
    with connect(strict.rtmp_port if protocol == "rtmp" else strict.media_port) as sock:
        sock.sendall(said)
        received(sock)
    eventually(lambda: refused(strict_api).get("timeout", 0) > before, "the timeout to be counted")


@pytest.mark.parametrize("protocol", ["rtmp", "media"])
def test_a_trickle_of_bytes_wins_no_time(strict: Server, protocol: str) -> None:
    said = b"\x03" + bytes(1536) if protocol == "rtmp" else b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200
    with connect(strict.rtmp_port if protocol == "rtmp" else strict.media_port) as sock:
        sock.settimeout(0.05)
        for byte in said:
            try:
                sock.sendall(bytes([byte]))
                if not sock.recv(65536):
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
        raise AssertionError("the server waited for the last byte")


def test_one_address_has_no_more_than_its_share_of_connections(strict: Server, strict_api: Client) -> None:
    with ExitStack() as stack:
        socks = [stack.enter_context(connect(strict.media_port)) for _ in range(PER_ADDRESS + 5)]
        for sock in socks[PER_ADDRESS:]:
            assert received(sock) == b""
        eventually(lambda: refused(strict_api).get("too_many_connections", 0) >= 5, "them to be counted")
    # Once they are gone there is room again.
    with watch(strict, PATH) as viewer:
        see_on(viewer)


def shaken_hands(server: Server) -> socket.socket:
    """An RTMP connection right behind its handshake."""
    sock, handshake = connect(server.rtmp_port), ClientHandshake()
    sock.sendall(handshake.start())
    while not handshake.done:
        sock.sendall(handshake.receive(sock.recv(65536)))
    return sock


def memory_kb(pid: int) -> int:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def header(csid: int, length: int, type_id: int) -> bytes:
    """A type 0 chunk header."""
    return bytes([csid]) + bytes(3) + length.to_bytes(3, "big") + bytes([type_id]) + bytes(4)


def command(*values: object) -> bytes:
    return encode_message(Message(20, 0, 0, amf0.encode(*values)), csid=COMMAND_CSID, chunk_size=128)


def nested(depth: int) -> bytes:
    """`connect` with objects within objects; never closed, which comes to the same."""
    payload = amf0.encode("connect", 1.0) + b"\x03\x00\x01a" * depth
    return encode_message(Message(20, 0, 0, payload), csid=COMMAND_CSID, chunk_size=128)


ABSURD = {
    "chunk size 0": header(2, 4, 1) + bytes(4),
    "chunk size 2**32-1": header(2, 4, 1) + b"\xff\xff\xff\xff",
    "a message of 16 MiB": header(4, 0xFFFFFF, 9),
    "a hundred chunk streams": b"".join(header(csid % 62 + 2, 200, 9) + bytes(128) for csid in range(100)),
    "deep objects": nested(100_000),
    "an endless array": encode_message(
        Message(20, 0, 0, amf0.encode("connect", 1.0) + b"\x0a\xff\xff\xff\xff"),
        csid=COMMAND_CSID,
        chunk_size=128,
    ),
    "a string longer than its message": encode_message(
        Message(20, 0, 0, b"\x0c\xff\xff\xff\xffx"), csid=COMMAND_CSID, chunk_size=128
    ),
    "a command that is none": header(3, 100, 20) + bytes(range(100)),
    "noise": bytes((number * 197 + 101) & 0xFF for number in range(200_000)),
}


@pytest.mark.parametrize("form", ABSURD)
def test_absurd_rtmp_is_refused_with_bounded_memory(strict: Server, strict_api: Client, form: str) -> None:
    pid = workers(strict_api)[0]
    before = memory_kb(pid)
    with ExitStack() as stack:
        for _ in range(10):
            sock = stack.enter_context(shaken_hands(strict))
            try:
                sock.sendall(ABSURD[form])
            except ConnectionError:
                continue  # refused before all of it was said
            received(sock)
        assert memory_kb(pid) - before < MEMORY_KB
    assert workers(strict_api) == {0: pid}


def test_unfinished_messages_hold_no_more_than_two_whole_ones(strict: Server, strict_api: Client) -> None:
    pid = workers(strict_api)[0]
    before = memory_kb(pid)
    size = 4 << 20
    peak = before
    with shaken_hands(strict) as sock:
        try:
            sock.sendall(header(2, 4, 1) + struct.pack(">I", size - 1))
            for csid in range(4, 30):
                sock.sendall(header(csid, size, 9) + bytes(size - 1))
                peak = max(peak, memory_kb(pid))
        except ConnectionError:
            pass
        received(sock)
    assert peak - before < UNFINISHED_KB
    assert workers(strict_api) == {0: pid}


@pytest.mark.parametrize(
    "path",
    [
        "live/abc",
        "live/..",
        "live/../kept",
        "live/" + "x" * 3000,
        "live/näme",
        "live/na\0me",
        "/",
        "nohub/x" * 9,
    ],
    ids=["short", "dots", "up", "long", "unicode", "NUL", "none", "many"],
)
def test_absurd_stream_names_are_refused_in_words(strict: Server, path: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        Encoder(strict, path)
    assert str(refusal.value)


def asked(port: int, request: bytes) -> bytes:
    """What the server answers until it closes the connection."""
    with connect(port) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return received(sock)


GARBAGE = {
    "zeros": bytes(5000),
    "ones": b"\xff" * 5000,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a line without an end": b"GET /" + b"a" * 100_000,
    "headers without an end": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000,
}


@pytest.mark.parametrize("port", ["api_port", "media_port", "rtmp_port"])
@pytest.mark.parametrize("form", GARBAGE)
def test_garbage_is_answered_by_an_error_or_not_at_all(strict: Server, port: str, form: str) -> None:
    try:
        answer = asked(getattr(strict, port), GARBAGE[form])
    except ConnectionError:
        answer = b""  # it was refused before it had said it all
    if port != "rtmp_port" and answer:
        assert answer.startswith(b"HTTP/1.1 4")


PATHS = {
    "up": "/live/../evening.flv",
    "escaped up": "/live/%2e%2e/evening.flv",
    "twice escaped": "/live/%252e%252e/evening.flv",
    "escaped slash": "/live%2f..%2fevening.flv",
    "out of the house": "/../../../../etc/passwd",
    "out by a segment": "/live/evening/../../0-1.ts",
    "NUL": "/live/evening%00.flv",
    "newline": "/live/evening%0d%0aX-Injected:%201.flv",
    "long": "/live/" + "x" * 8000 + ".flv",
    "unicode": "/live/%e2%80%aeevening.flv",
    "full-width letters": "/live/%ef%bd%85vening.flv",
    "overlong slash": "/live%c0%afevening.flv",
    "overlong dots": "/live/%c0%ae%c0%ae/evening.flv",
    "backslash": "/live\\evening.flv",
    "a parameter": "/live/evening.flv;x=.m3u8",
    "slashes": "//live//evening.flv",
    "no UTF-8": "/live/%ff%feevening.flv",
    "bad escape": "/live/%zzevening.flv",
    "a log": "/live/evening/flv.log",
    "no extension": "/live/evening",
}


@pytest.mark.parametrize("form", PATHS)
def test_paths_lead_nowhere_but_to_streams(strict: Server, form: str) -> None:
    request = f"GET {PATHS[form]} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    answer = asked(strict.media_port, request)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b'{"error": ' in answer or b'{"error":' in answer
    assert b"X-Injected" not in answer.partition(b"\r\n\r\n")[0]


HIDDEN = b"GET /live/evening.flv HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = {
    "in a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN),
    "in a GET's body": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(HIDDEN), HIDDEN),
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n%s"
    % (len(HIDDEN), HIDDEN),
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
    b"\r\n0\r\n\r\n" + HIDDEN,
    "chunks in disguise": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    + HIDDEN,
    "space before the colon": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n"
    b"Content-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "folded header": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n"
    b"Content-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "bare line feeds in a chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n"
    + HIDDEN,
}


SIGNED_HOST = "signed.example.com"
HOSTS = {
    "as bound": SIGNED_HOST,
    "with a port": f"{SIGNED_HOST}:8080",
    "with a dot": f"{SIGNED_HOST}.",
    "with both": f"{SIGNED_HOST}.:80",
    "in upper case": SIGNED_HOST.upper(),
    "with a user": f"user:secret@{SIGNED_HOST}",
    "with another host as its user": f"127.0.0.1@{SIGNED_HOST}",
    "with a tab": f"\t{SIGNED_HOST}\t",
}


@pytest.fixture(scope="module")
def signed(strict: Server) -> None:
    """A domain that lets in nobody without a signature."""
    with strict.client() as api:
        api.post("/v2/hubs/live/newdomains", {"domain": SIGNED_HOST, "type": "liveHdl"})
        security = {"type": "tsExpireMD5", "key1": "a-key"}
        api.post(f"/v2/hubs/live/domains/{SIGNED_HOST}/playSecurity", security)
    eventually(lambda: b" 403 " in head_of(strict, f"Host: {SIGNED_HOST}"), "the domain to count")


def head_of(server: Server, header: str, target: str = f"/{PATH}.flv") -> bytes:
    return asked(server.media_port, f"HEAD {target} HTTP/1.1\r\n{header}\r\n\r\n".encode())


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("form", HOSTS)
def test_no_way_to_write_a_domain_gets_round_its_settings(strict: Server, form: str) -> None:
    assert b" 403 " in head_of(strict, f"Host: {HOSTS[form]}")


@pytest.mark.usefixtures("signed")
def test_an_absolute_target_and_a_second_host_do_not_either(strict: Server) -> None:
    target = f"http://{SIGNED_HOST}/{PATH}.flv"
    assert b" 403 " in head_of(strict, "Host: 127.0.0.1", target)
    for hosts in ((SIGNED_HOST, "127.0.0.1"), ("127.0.0.1", SIGNED_HOST)):
        assert b" 400 " in head_of(strict, "\r\n".join(f"Host: {host}" for host in hosts))


UPGRADES = {
    "no key": "Upgrade: websocket\r\nConnection: Upgrade",
    "no key, signed domain": f"Host: {SIGNED_HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade",
    "signed domain": f"Host: {SIGNED_HOST}\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "a header in the key": "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a\rX-Injected: 1",
}


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("form", UPGRADES)
def test_an_upgrade_opens_no_other_door(strict: Server, form: str) -> None:
    request = f"GET /{PATH}.flv HTTP/1.1\r\n{UPGRADES[form]}\r\n\r\n".encode()
    answer = asked(strict.media_port, request + HIDDEN)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"video/x-flv" not in answer
    assert b"X-Injected" not in answer


@pytest.mark.parametrize("form", SMUGGLED)
def test_no_request_hides_in_another(strict: Server, form: str) -> None:
    answer = asked(strict.media_port, SMUGGLED[form])
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"video/x-flv" not in answer
    assert b"HTTP/1.1 200" not in answer
