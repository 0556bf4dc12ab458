"""A log in shared memory: one writer appends wire bytes, any number of processes read and send them.

Offsets only grow. What is older than the retention is given back by punching a hole, never overwritten:
`sendfile` hands out references to pages, and a page that waits in a slow viewer's socket must keep its bytes.
"""

import errno
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oxbow.media.page import KEY_POINTS, KeyPoint, Page
from oxbow.media.shm import PAGE_SIZE, punch_hole

IOV_MAX = os.sysconf("SC_IOV_MAX")

PUNCH_DELAY_NS = 2_000_000_000
"""Between announcing a new start and giving the bytes before it back, so that a reader which has just
compared its offset with the old start is done with its sendfile."""


class LogFullError(Exception):
    """Shared memory can't take the bytes now; nothing was appended."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of the past a log keeps."""

    seconds: float = 12.0
    max_bytes: int = 64 * 1024 * 1024
    """The hard bound, whatever the key points say."""


class LogWriter:
    """The one writer of a log, `<name>.log` with its page `<name>.page`. Reopening goes on where the log
    ended."""

    def __init__(self, directory: Path, name: str, retention: Retention) -> None:
        self.page = Page.create(directory / f"{name}.page")
        self._retention = retention
        self._announced: tuple[int, int] | None = (
            None  # (offset to punch up to, monotonic ns of the announcement)
        )
        # The retained key points once more, since reading them off the page each second costs a hundred
        # times as much.
        self._keys = deque(self.page.key_points(), KEY_POINTS)
        self._punched = 0  # a writer before us may have announced more than it gave back
        try:
            self._fd = os.open(directory / f"{name}.log", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except BaseException:
            self.page.close()
            raise

    @property
    def end(self) -> int:
        return self.page.end

    def append(self, pieces: Sequence[bytes], keys: Sequence[tuple[int, int]], timestamp: int) -> None:
        """Append `pieces` and publish them at once.

        `keys` are (offset relative to the first piece, time stamp in ms); `timestamp` is the largest one in
        `pieces`. Raises LogFullError if shared memory is full: then the log is as it was before.
        """
        base = self.page.end
        end = self._write(pieces, base)
        now = time.monotonic_ns()
        page = self.page
        # The order matters to readers: whoever sees a key point also finds its bytes below `end`.
        page.end = end
        page.timestamp = timestamp
        for offset, key_timestamp in keys:
            key = KeyPoint(base + offset, key_timestamp, now)
            page.mark_key(key)
            self._keys.append(key)

    def _write(self, pieces: Sequence[bytes], offset: int) -> int:
        try:
            for first in range(0, len(pieces), IOV_MAX):
                batch = pieces[first : first + IOV_MAX]
                size = sum(map(len, batch))
                if os.pwritev(self._fd, batch, offset) != size:
                    raise LogFullError
                offset += size
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM):
                raise LogFullError from error
            raise
        return offset

    def retain(self) -> None:
        """Give back what the retention no longer covers; to be called about once a second."""
        now = time.monotonic_ns()
        if self._announced is not None:
            offset, since = self._announced
            if now - since < PUNCH_DELAY_NS:
                return
            self._punch(offset)
            self._announced = None
        start = self._wanted_start()
        if start > self.page.start:
            self.page.start = start
            self._announced = (start, now)

    def _wanted_start(self) -> int:
        page, keys = self.page, self._keys
        floor = page.end - self._retention.max_bytes
        oldest = page.timestamp - int(self._retention.seconds * 1000)
        while len(keys) > 1 and keys[0].timestamp < oldest:
            keys.popleft()
        while keys and keys[0].offset < floor:
            keys.popleft()
        if keys:
            return keys[0].offset
        return page.end if page.start < floor else page.start

    def forget(self) -> None:
        """Give everything back: nobody reads this log now, and the next reader begins behind its end."""
        self.page.start = self.page.end
        self._keys.clear()
        self._announced = None
        self._punch(self.page.end)

    def shrink(self) -> None:
        """Under memory pressure: keep nothing before the last key point and give the rest back without
        delay."""
        last = self.page.last_key()
        start = last.offset if last is not None else self.page.end
        self.page.start = max(self.page.start, start)
        self._announced = None
        self._punch(self.page.start)

    def _punch(self, offset: int) -> None:
        punch_hole(self._fd, self._punched, offset)
        # The page that `offset` lies in is still there: the next hole begins with it.
        self._punched = max(self._punched, offset // PAGE_SIZE * PAGE_SIZE)

    def close(self) -> None:
        """Close the files; what was appended stays for the readers."""
        self.page.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class LogReader:
    """A log as a reader sees it: its page, and a descriptor to send from."""

    __slots__ = ("fd", "page")

    def __init__(self, fd: int, page: Page) -> None:
        self.fd = fd
        self.page = page

    @classmethod
    def open(cls, directory: Path, name: str) -> "LogReader | None":
        """Open the log `name` in `directory`, or None if it isn't there (yet)."""
        page = Page.open(directory / f"{name}.page")
        if page is None:
            return None
        try:
            fd = os.open(directory / f"{name}.log", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            page.close()
            return None
        return cls(fd, page)

    def read(self, offset: int, limit: int) -> bytes:
        """Up to `limit` committed bytes from `offset`."""
        return os.pread(self.fd, min(limit, max(0, self.page.end - offset)), offset)

    def close(self) -> None:
        if self.fd >= 0:
            self.page.close()
            os.close(self.fd)
            self.fd = -1
