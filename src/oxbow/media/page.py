"""The control page of a log: the few numbers that its one writer publishes and every reader polls.

The page is one page of shared memory, mapped by the writer and by each reader. Every slot is an aligned
native 64-bit integer that is stored and loaded in one instruction, so a single slot is never seen half
written. Where several slots belong together (the ring of key points) the reader validates what it read
against a counter that the writer advances last.
"""

import errno
import mmap
import os
import time
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple, Self

from oxbow.media.shm import PAGE_SIZE

MAGIC = 0x4F58424F57_0002  # "OXBOW", layout 2
HEAD_LIMIT = 64 * 1024
KEY_POINTS = 128

_MAGIC, _STATE, _EPOCH, _END, _START, _TIMESTAMP, _KEY_COUNT, _HEAD_VERSION, _HEAD_SIZE = range(9)
_DEMAND_RTMP, _DEMAND_HLS, _IDLE_SINCE, _GRACE_NS, _SOURCE, _CREATED, _OTHER_HEAD_SIZE, _DEMAND = range(9, 17)
_HEAD_SIZES = (_HEAD_SIZE, _OTHER_HEAD_SIZE)
_KEYS = 64
_KEY_SLOTS = 3


class State(IntEnum):
    """Where a log's writer stands."""

    NEW = 0
    LIVE = 1
    """A publisher is connected (or, for a framing's log: the framing runs)."""
    IDLE = 2
    """The publisher left and may come back within the grace time (a framing's log: nobody wants it now)."""
    ENDED = 3
    """Nothing will ever be appended again; readers finish what is there and close."""


class KeyPoint(NamedTuple):
    """A place where a viewer can begin."""

    offset: int
    """Byte offset in the log, at the first byte of a tag or message."""
    timestamp: int
    """The stream's time line there, in milliseconds."""
    appended_ns: int
    """Monotonic clock at the append, in nanoseconds."""


class _Slot:
    """One of the page's numbers."""

    def __init__(self, index: int, doc: str) -> None:
        self._index = index
        self.__doc__ = doc

    def __get__(self, page: "Page", owner: type) -> int:
        return page._slots[self._index]

    def __set__(self, page: "Page", value: int) -> None:
        page._slots[self._index] = value


class Page:
    """A mapped control page. Opened for writing by one process at a time, for reading by any number."""

    __slots__ = ("_map", "_slots", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, PAGE_SIZE)
        self._slots = memoryview(self._map).cast("Q")

    @classmethod
    def create(cls, path: Path) -> Self:
        """Open the page at `path`, making it first if need be. OSError (ENOSPC) if shared memory is full.

        The page is filled through a write before it is mapped: touching a mapped page that a full tmpfs
        can't back would kill the process (SIGBUS).
        """
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(fd).st_size < PAGE_SIZE:
                _write_all(fd, bytes(PAGE_SIZE), 0)
            page = cls(fd)
        except BaseException:
            os.close(fd)
            raise
        if page._slots[_MAGIC] != MAGIC:
            page._slots[_CREATED] = time.time_ns()
            page._slots[_MAGIC] = MAGIC
        return page

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Open an existing page, or None if there is none (yet)."""
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        return cls.attach(fd)

    @classmethod
    def attach(cls, fd: int) -> Self | None:
        """Take over a descriptor of a page; None, and it is closed, if the page was never finished."""
        if os.fstat(fd).st_size < PAGE_SIZE:
            os.close(fd)
            return None
        page = cls(fd)
        if page._slots[_MAGIC] != MAGIC:
            page.close()
            return None
        return page

    def close(self) -> None:
        """Unmap and close; the log itself stays."""
        if self.fd >= 0:
            self._slots.release()
            self._map.close()
            os.close(self.fd)
            self.fd = -1

    state = _Slot(_STATE, "a State")
    epoch = _Slot(_EPOCH, "how many publishers (or runs of the framing) have written this log")
    end = _Slot(_END, "offset behind the last committed byte, always at a tag or message boundary")
    start = _Slot(_START, "offset of the oldest byte that a reader may still use")
    timestamp = _Slot(_TIMESTAMP, "the largest time stamp appended, in ms on the continuous time line")
    key_count = _Slot(_KEY_COUNT, "how many key points were ever marked")
    head_version = _Slot(_HEAD_VERSION, "how often the head was replaced; odd and even have a place each")
    demand = _Slot(_DEMAND, "monotonic ns until which somebody watches, in whatever format")
    demand_rtmp = _Slot(_DEMAND_RTMP, "monotonic ns until which somebody wants RTMP framing")
    demand_hls = _Slot(_DEMAND_HLS, "monotonic ns until which somebody wants HLS segments")
    idle_since = _Slot(_IDLE_SINCE, "monotonic ns at which the publisher left, or the stream ended")
    grace_ns = _Slot(_GRACE_NS, "how long after idle_since the publisher may come back, in ns")
    source = _Slot(_SOURCE, "of a framing's log: offset in the source log up to which it is framed")

    created = _Slot(_CREATED, "Unix time in ns at which the log was made; it tells a stream's lives apart")

    def mark_key(self, key: KeyPoint) -> None:
        """Publish a key point; the counter moves last, so a reader never takes a slot in the making for the
        newest."""
        count = self._slots[_KEY_COUNT]
        base = _KEYS + count % KEY_POINTS * _KEY_SLOTS
        self._slots[base], self._slots[base + 1], self._slots[base + 2] = key
        self._slots[_KEY_COUNT] = count + 1

    def last_key(self) -> KeyPoint | None:
        """The newest key point that is still retained, or None."""
        while count := self._slots[_KEY_COUNT]:
            key = self._key(count - 1)
            if self._slots[_KEY_COUNT] - count < KEY_POINTS - 1:
                return key if key.offset >= self.start else None
        return None

    def key_points(self) -> list[KeyPoint]:
        """All retained key points, oldest first: at most KEY_POINTS - 1, since one may be in the making."""
        count = self._slots[_KEY_COUNT]
        keys = [(number, self._key(number)) for number in range(max(0, count - KEY_POINTS + 1), count)]
        overtaken = self._slots[_KEY_COUNT] - KEY_POINTS  # up to this one the writer may be ahead of us
        start = self.start
        return [key for number, key in keys if number > overtaken and key.offset >= start]

    def _key(self, number: int) -> KeyPoint:
        base = _KEYS + number % KEY_POINTS * _KEY_SLOTS
        return KeyPoint(self._slots[base], self._slots[base + 1], self._slots[base + 2])

    def set_head(self, head: bytes) -> None:
        """Replace what every viewer gets first (stream metadata and decoder configurations), up to
        HEAD_LIMIT bytes. OSError (ENOSPC) if shared memory is full: then the old head stays."""
        if len(head) > HEAD_LIMIT:
            raise ValueError(f"a log's head of {len(head)} bytes is over the limit of {HEAD_LIMIT}")
        version = self._slots[_HEAD_VERSION] + 1
        _write_all(self.fd, head, _head_place(version))
        self._slots[_HEAD_SIZES[version % 2]] = len(head)
        self._slots[_HEAD_VERSION] = version

    def head(self) -> bytes:
        """The head as last set, empty before that.

        A head is read again only if two more were set meanwhile: the next one has a place of its own.
        """
        while True:
            version = self._slots[_HEAD_VERSION]
            head = os.pread(self.fd, self._slots[_HEAD_SIZES[version % 2]], _head_place(version))
            if version == self._slots[_HEAD_VERSION]:
                return head


def _head_place(version: int) -> int:
    return PAGE_SIZE + version % 2 * HEAD_LIMIT


def _write_all(fd: int, data: bytes, offset: int) -> None:
    """A file system without room for all of it may take a part."""
    if os.pwrite(fd, data, offset) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
