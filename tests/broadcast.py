"""A small broadcast to test with: what a publisher sends, and how to read what viewers get."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from oxbow.media.log import LogReader
from oxbow.proto import amf0, flv
from oxbow.proto.rtmp.chunks import OUT_CHUNK_SIZE, ChunkReader, Message

AVC = bytes.fromhex("0142c01effe100106742c01e8c680a02ff970101e1108d4001000468ce3c80")
OTHER_AVC = bytes.fromhex("0142c028ffe100176742c028da01e0089f97011000003e90000ea600f1832a01000468ce0fc8")


def picture_setup(record: bytes = AVC, at: int = 0) -> Message:
    return Message(flv.VIDEO, at, 1, b"\x17\x00\x00\x00\x00" + record)


def sound_setup(at: int = 0) -> Message:
    return Message(flv.AUDIO, at, 1, b"\xaf\x00\x12\x10")


def metadata(**values: object) -> Message:
    return Message(flv.SCRIPT, 0, 1, amf0.encode("onMetaData", amf0.EcmaArray(values)))


def picture(at: int, *, key: bool = False, size: int = 100) -> Message:
    """One H.264 access unit whose bytes tell its time."""
    unit = (b"\x65" if key else b"\x41") + at.to_bytes(8, "big") + b"v" * size
    head = (b"\x17" if key else b"\x27") + b"\x01\x00\x00\x00"
    return Message(flv.VIDEO, at % (1 << 32), 1, head + len(unit).to_bytes(4, "big") + unit)


def sound(at: int, size: int = 50) -> Message:
    return Message(flv.AUDIO, at % (1 << 32), 1, b"\xaf\x01" + b"a" * size)


def setup() -> list[Message]:
    return [metadata(width=640.0), picture_setup(), sound_setup()]


def broadcast(start: int, end: int, *, gop: int = 1000, size: int = 100) -> list[Message]:
    """25 pictures and 25 sound frames a second, a keyframe each `gop` ms."""
    messages = []
    for at in range(start, end, 40):
        messages += [picture(at, key=at % gop == 0, size=size), sound(at)]
    return messages


def is_key(tag: flv.Tag | Message) -> bool:
    return tag[0] == flv.VIDEO and flv.video_kind(tag[-1]).is_keyframe


def flv_tags(data: bytes) -> list[flv.Tag]:
    """All tags of a piece of the log; it must hold whole tags only."""
    tags, consumed = flv.iter_tags(data)
    assert consumed == len(data)
    return tags


def flv_file(data: bytes) -> list[flv.Tag]:
    """All tags of what an FLV viewer got, which may end within a tag."""
    assert data[:3] == b"FLV"
    return flv.iter_tags(data[len(flv.FILE_HEADER) :])[0]


def rtmp_messages(data: bytes) -> list[Message]:
    """The messages in what an RTMP viewer got behind its commands."""
    reader = ChunkReader()
    reader.chunk_size = OUT_CHUNK_SIZE
    return reader.receive(data)


def same_media(message: Message | flv.Tag) -> tuple[int, int, bytes]:
    """What a tag and a message have in common."""
    return message[0], message[1], bytes(message[-1])


def log_bytes(directory: Path, name: str = "flv") -> bytes:
    """Everything that a log retains."""
    reader = LogReader.open(directory, name)
    assert reader is not None
    try:
        start = reader.page.start
        return reader.read(start, reader.page.end - start)
    finally:
        reader.close()


@contextmanager
def full_memory(monkeypatch: pytest.MonkeyPatch, *, short: bool = False) -> Iterator[None]:
    """Shared memory takes nothing for a while: writes fail, or with `short` take half of what they are
    given."""

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        if short:
            return real_pwrite(fd, data[: len(data) // 2], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def pwritev(fd: int, pieces: Sequence[bytes], offset: int) -> int:
        return pwrite(fd, b"".join(pieces), offset)

    real_pwrite = os.pwrite
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        patch.setattr(os, "pwritev", pwritev)
        yield
