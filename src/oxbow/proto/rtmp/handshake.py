"""The RTMP handshake (RTMP 5.2), simple and with digests.

Three packets go each way: a version byte, 1536 bytes of one's own, and 1536 bytes that answer the
other's. Flash Player 9 and FMS 3 added digests that the specification does not describe; librtmp, FFmpeg,
nginx-rtmp and SRS agree on them, and some players show H.264 only after such a handshake. A
packet with a digest says so by a version in bytes 4 to 7, and hides an HMAC-SHA256 of its other bytes at a
place that four of its bytes name: in the second half of the packet ("scheme 0") or in the first ("scheme 1").
"""

import hmac
import os
from collections.abc import Callable
from typing import Final

from oxbow.proto.rtmp.message import RtmpError

PACKET_SIZE: Final = 1536
_VERSION: Final = 3
_DIGEST_SIZE: Final = 32
_OFFSET_RANGE: Final = 728
_SCHEMES: Final = (772, 8)  # Where the four bytes stand that name the digest's place: schemes 0 and 1.

# The keys are those of the Adobe products, whom both sides must be able to pass for.
_KEY_TAIL = bytes.fromhex("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae")
_PLAYER_KEY = b"Genuine Adobe Flash Player 001"
_SERVER_KEY = b"Genuine Adobe Flash Media Server 001"
_SERVER_VERSION = bytes((4, 5, 0, 1))

Random = Callable[[int], bytes]


class ServerHandshake:
    """The server's side: answers C0 and C1 with S0, S1 and S2, then waits for C2."""

    def __init__(self, *, random: Random = os.urandom) -> None:
        self._random = random
        self._buffer = b""
        self._answered = False
        self.done = False
        self.leftover = b""
        """What came behind the handshake; set once ``done`` is true."""

    def receive(self, data: bytes) -> bytes:
        """Feed the client's bytes; returns the bytes to send. Raises RtmpError."""
        self._buffer += data
        if self._buffer and not self._answered:
            _check_version(self._buffer[0])
        answer = b""
        if not self._answered and len(self._buffer) > PACKET_SIZE:
            answer = self._answer(self._buffer[1 : PACKET_SIZE + 1])
            self._buffer = self._buffer[PACKET_SIZE + 1 :]
            self._answered = True
        if self._answered and len(self._buffer) >= PACKET_SIZE:
            # C2 is not checked: OBS, Flash and hardware encoders differ in what they put there.
            self.done = True
            self.leftover, self._buffer = self._buffer[PACKET_SIZE:], b""
        return answer

    def _answer(self, c1: bytes) -> bytes:
        if any(c1[4:8]):
            for base in _SCHEMES:
                digest = _verified_digest(c1, base, _PLAYER_KEY)
                if digest:
                    return bytes((_VERSION,)) + self._signed_s1(base) + self._signed_s2(digest)
        s1 = bytes(8) + self._random(PACKET_SIZE - 8)
        return bytes((_VERSION,)) + s1 + c1

    def _signed_s1(self, base: int) -> bytes:
        packet = bytes(4) + _SERVER_VERSION + self._random(PACKET_SIZE - 8)
        place = _digest_place(packet, base)
        return packet[:place] + _digest_of(packet, place, _SERVER_KEY) + packet[place + _DIGEST_SIZE :]

    def _signed_s2(self, client_digest: bytes) -> bytes:
        packet = self._random(PACKET_SIZE - _DIGEST_SIZE)
        key = hmac.digest(_SERVER_KEY + _KEY_TAIL, client_digest, "sha256")
        return packet + hmac.digest(key, packet, "sha256")


class ClientHandshake:
    """The client's side, without digests, as live encoders do it."""

    def __init__(self, *, random: Random = os.urandom) -> None:
        self._c1 = bytes(8) + random(PACKET_SIZE - 8)
        self._buffer = b""
        self.done = False
        self.leftover = b""
        """What came behind the handshake; set once ``done`` is true."""

    def start(self) -> bytes:
        """C0 and C1, which open the connection."""
        return bytes((_VERSION,)) + self._c1

    def receive(self, data: bytes) -> bytes:
        """Feed the server's bytes; returns C2 when it is time. Raises RtmpError."""
        self._buffer += data
        if self._buffer:
            _check_version(self._buffer[0])
        if len(self._buffer) < 1 + 2 * PACKET_SIZE:
            return b""
        c2 = self._buffer[1 : PACKET_SIZE + 1]
        self.done = True
        self.leftover, self._buffer = self._buffer[1 + 2 * PACKET_SIZE :], b""
        return c2


def _check_version(version: int) -> None:
    if version != _VERSION:
        # 6 and 8 are RTMPE; a letter is most often HTTP, or TLS (22), on the wrong port.
        raise RtmpError(f"RTMP version {version} is not spoken here; plain RTMP is version 3")


def _digest_place(packet: bytes, base: int) -> int:
    return base + 4 + sum(packet[base : base + 4]) % _OFFSET_RANGE


def _digest_of(packet: bytes, place: int, key: bytes) -> bytes:
    return hmac.digest(key, packet[:place] + packet[place + _DIGEST_SIZE :], "sha256")


def _verified_digest(packet: bytes, base: int, key: bytes) -> bytes:
    """The digest in ``packet``, or b"" when there is none at this scheme's place."""
    place = _digest_place(packet, base)
    digest = packet[place : place + _DIGEST_SIZE]
    return digest if hmac.compare_digest(digest, _digest_of(packet, place, key)) else b""
