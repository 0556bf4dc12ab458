"""Where the streams' directories are, for every process on the machine."""

import contextlib
import os
import time
from pathlib import Path

from oxbow.media.framing.hls import end_playlist
from oxbow.media.log import LogReader
from oxbow.media.names import FLV_LOG
from oxbow.media.page import Page, State
from oxbow.media.stream import (
    StreamOptions,
    StreamWriter,
    is_at,
    lock_abandoned,
    remove_directory,
)

LINGER_NS = 30_000_000_000
"""How long an ended stream's directory stays, so that HLS players can fetch its last segments."""


class Registry:
    """The streams below one directory in shared memory, `<root>/<hub>/<stream>/`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def directory(self, hub: str, stream: str) -> Path:
        """A stream's directory. ValueError for names that would leave their place: policy has checked them
        already."""
        for name in (hub, stream):
            if not name or "/" in name or "\0" in name or name.startswith("."):
                raise ValueError(f"not a name of a hub or stream: {name!r}")
        return self._root / hub / stream

    def writer(self, hub: str, stream: str, options: StreamOptions) -> StreamWriter:
        """Become the writer of a stream, new or waiting for its publisher. StreamBusyError, OSError
        (ENOSPC)."""
        return StreamWriter(self.directory(hub, stream), options)

    def reader(
        self, hub: str, stream: str, log: str = FLV_LOG, *, with_ended: bool = False
    ) -> LogReader | None:
        """A reader of a stream that is live or waits for its publisher (or, if asked for, has ended), or
        None."""
        reader = LogReader.open(self.directory(hub, stream), log)
        if reader is not None and reader.page.state == State.ENDED and not with_ended:
            reader.close()
            return None
        return reader

    def is_current(self, hub: str, stream: str, reader: LogReader) -> bool:
        """Whether `reader` reads what is at the stream's place now, and not something that was removed."""
        return is_at(reader.page.fd, self.directory(hub, stream) / f"{FLV_LOG}.page")

    def streams(self) -> list[tuple[str, str]]:
        """All (hub, stream) that have a directory."""
        found = []
        for hub in _names(self._root):
            found += [(hub, stream) for stream in _names(self._root / hub)]
        return found

    def clear(self) -> None:
        """Remove everything: the server starts, so nobody publishes and nobody watches."""
        remove_directory(self._root)

    def expire(self, hub: str, stream: str) -> bool:
        """See to a stream that may have lost its publisher; True if its directory is gone now.

        Covers the writer that left in good order and the one that was killed: the kernel released its lock.
        After the grace time the stream ends, and some time later, when HLS players have read the end of the
        playlist, its directory goes.
        """
        directory = self.directory(hub, stream)
        lock = lock_abandoned(directory)
        if lock is None:
            with contextlib.suppress(OSError):
                directory.rmdir()  # all that a writer made before shared memory was full
            return not directory.exists()
        page = Page.attach(lock)
        if page is None:
            remove_directory(directory)
            return True
        try:
            now = time.monotonic_ns()
            if page.state in (State.NEW, State.LIVE):
                page.idle_since, page.state = now, State.IDLE
            if page.state == State.IDLE and now >= page.idle_since + page.grace_ns:
                page.idle_since, page.state = now, State.ENDED
                end_playlist(directory)
            if page.state == State.ENDED and now >= page.idle_since + LINGER_NS:
                remove_directory(directory)
                return True
            return False
        finally:
            page.close()


def _names(directory: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(directory)]
    except (FileNotFoundError, NotADirectoryError):
        return []
