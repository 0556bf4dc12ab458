"""Both kinds of handshake, seen from a client that checks what it is answered."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto.rtmp.handshake import PACKET_SIZE, ClientHandshake, ServerHandshake
from oxbow.proto.rtmp.message import RtmpError

PLAYER_KEY = b"Genuine Adobe Flash Player 001"
SERVER_KEY = b"Genuine Adobe Flash Media Server 001"
TAIL = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")


def zeros(count):
    return bytes(count)


def digest_at(packet, base):
    place = base + 4 + sum(packet[base : base + 4]) % 728
    return place, packet[:place] + packet[place + 32 :]


def signed_c1(base):
    packet = bytes(4) + bytes((9, 0, 124, 2)) + bytes(range(256)) * 5 + bytes(248)
    place, rest = digest_at(packet, base)
    digest = hmac.digest(PLAYER_KEY, rest, "sha256")
    return packet[:place] + digest + packet[place + 32 :], digest


def test_a_client_without_digest_gets_its_own_bytes_back():
    server = ServerHandshake(random=zeros)
    c1 = bytes(8) + bytes(range(256)) * 5 + bytes(248)
    answer = server.receive(b"\x03" + c1)
    assert answer == b"\x03" + bytes(PACKET_SIZE) + c1
    assert not server.done
    assert server.receive(bytes(PACKET_SIZE) + b"rest") == b""
    assert server.done
    assert server.leftover == b"rest"


@pytest.mark.parametrize("base", [772, 8], ids=["scheme 0", "scheme 1"])
def test_a_digest_is_answered_with_digests_that_the_client_can_verify(base):
    c1, client_digest = signed_c1(base)
    answer = ServerHandshake(random=zeros).receive(b"\x03" + c1)
    s1, s2 = answer[1 : 1 + PACKET_SIZE], answer[1 + PACKET_SIZE :]
    assert any(s1[4:8])
    place, rest = digest_at(s1, base)
    assert s1[place : place + 32] == hmac.digest(SERVER_KEY, rest, "sha256")
    key = hmac.digest(SERVER_KEY + TAIL, client_digest, "sha256")
    assert s2[-32:] == hmac.digest(key, s2[:-32], "sha256")


def test_a_version_without_a_valid_digest_is_answered_simply():
    c1, _ = signed_c1(8)
    spoilt = c1[:-1] + bytes((c1[-1] ^ 1,))
    assert ServerHandshake(random=zeros).receive(b"\x03" + spoilt)[1 + PACKET_SIZE :] == spoilt


@pytest.mark.parametrize("first", [0, 6, 22, ord("G")])
def test_other_protocols_are_refused_by_their_first_byte(first):
    with pytest.raises(RtmpError, match=f"RTMP version {first} is not spoken here"):
        ServerHandshake().receive(bytes((first,)))


@given(st.lists(st.integers(1, 1600), max_size=6))
def test_both_ends_agree_however_the_bytes_are_cut(sizes):
    client, server = ClientHandshake(), ServerHandshake()
    to_server, to_client = client.start(), b""
    sizes = [*sizes, 1 << 20, 1 << 20, 1 << 20]
    for size in sizes:
        to_client += server.receive(to_server[:size])
        to_server = to_server[size:]
        if not client.done:
            to_server += client.receive(to_client[:size])
            to_client = to_client[size:]
    assert client.done
    assert server.done
    assert server.leftover == client.leftover == b""


def test_one_byte_at_a_time():
    server = ServerHandshake(random=zeros)
    stream = b"\x03" + signed_c1(8)[0] + bytes(PACKET_SIZE)
    answers = [server.receive(stream[place : place + 1]) for place in range(len(stream))]
    assert b"".join(answers) == ServerHandshake(random=zeros).receive(stream)
    assert server.done
