"""One log, many sockets: the loop that hands every viewer the same bytes, once per tick.

Viewers that stand at the same offset are one list of file descriptors, and serving them is one `sendfile`
each. A viewer whose socket takes less than it was offered becomes a laggard with an offset of its own until
it has caught up; one that falls too far behind goes on at a later keyframe, and one that takes nothing at
all is dropped. Nobody waits for anybody else.
"""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from oxbow.media.formats import Format
from oxbow.media.log import LogReader
from oxbow.media.shares import Shares
from oxbow.media.viewer import Viewer

OWN_LIMIT = 64 * 1024
"""Bytes of a viewer's own (answers to its pings and such) that may wait behind the stream."""


class WritableEvents(Protocol):
    """Tells when a socket takes more; an asyncio event loop is one."""

    def add_writer(self, fd: int, callback: Callable[[Viewer], object], viewer: Viewer, /) -> object: ...
    def remove_writer(self, fd: int, /) -> object: ...


@dataclass(slots=True)
class FanoutLimits:
    """When a slow viewer is helped, and when it is given up."""

    max_lag_seconds: float = 8.0
    """Further behind than this, a viewer goes on at the last keyframe."""
    stall_seconds: float = 15.0
    """A viewer that takes nothing for so long is dropped."""


@dataclass(slots=True)
class Totals:
    """What a cohort did not do since somebody began to count. What it sent is told by its shares."""

    skipped_bytes: int = 0
    """Bytes that slow viewers never got, because they were moved to a later keyframe or dropped."""
    skips: int = 0
    dropped: int = 0


class Cohort:
    """All viewers of one log in one worker. Times are monotonic nanoseconds."""

    def __init__(
        self, log: LogReader, format_: Format, limits: FanoutLimits, events: WritableEvents | None = None
    ) -> None:
        """With `events`, viewers that join or lag are served as fast as they take it, not once per tick."""
        self.log = log
        self.totals = Totals()
        self.shares = Shares()
        self._format = format_
        self._envelope = format_.envelope
        self._limits = limits
        self._head: tuple[int, int, bytes] = (-1, -1, b"")
        """The head as it was made last: its version, for which time stamp, and the bytes."""
        self._position = self._last_position = log.page.end
        self._too_old = 0  # viewers before this offset lag more than max_lag_seconds
        self._in_step: list[int] = []
        self._lagging: set[int] = set()
        self._viewers: dict[int, Viewer] = {}
        self._events = events
        self._awaited: set[int] = set()
        """Sockets of which we are told when they take more."""

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self, viewer: Viewer) -> bool:
        """Let a viewer in at the last key point: its preamble, then the log from there. False if there is
        none yet."""
        key = self.log.page.last_key()
        if key is None:
            return False
        if key.offset > self._position:  # appended since the last tick: serve everyone up to here first
            self.push()
        viewer.pending = viewer.handler.preamble(self._head_at(key.timestamp))
        viewer.offset = key.offset
        viewer.progress_ns = time.monotonic_ns()
        viewer.share = self.shares.joined(viewer.kind)
        self._viewers[viewer.fd] = viewer
        self._lagging.add(viewer.fd)
        self._catch_up(viewer)
        return True

    def _head_at(self, timestamp: int) -> bytes:
        """The head before the key point with this time stamp; made once for all that join there."""
        version = self.log.page.head_version
        if self._head[:2] != (version, timestamp):
            self._head = (version, timestamp, self._format.head_at(self.log.page.head(), timestamp))
        return self._head[2]

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer; its handler closes the socket."""
        if self._viewers.pop(viewer.fd, None) is None:
            return
        viewer.whole = viewer.fd not in self._lagging
        self._await_no_more(viewer.fd)
        if viewer.fd in self._lagging:
            self._lagging.discard(viewer.fd)
        else:
            self._in_step.remove(viewer.fd)
            self.shares.fell_out(viewer.share)
        viewer.share.viewers -= 1

    def say(self, viewer: Viewer, data: bytes) -> None:
        """Send a viewer bytes of its own, at the next place where the stream may be interrupted."""
        if len(viewer.own) + len(data) > OWN_LIMIT:
            self._drop(viewer, "too_slow")
            return
        viewer.own += data
        if viewer.fd not in self._lagging:
            self._in_step.remove(viewer.fd)
            self.shares.fell_out(viewer.share)
            self._lagging.add(viewer.fd)
            viewer.offset, viewer.until = self._position, -1
            viewer.progress_ns = time.monotonic_ns()
            self._catch_up(viewer)

    def push(self) -> None:
        """Serve everyone up to the end of the log; to be called once per tick."""
        if self._position < self.log.page.start:
            self._jump_hole()
        start, end = self._position, self.log.page.end
        if end > start:
            self._last_position, self._position = start, end
            if self._in_step:
                self._serve_in_step(start, end - start)
        if self._lagging:
            self._serve_lagging()

    def _jump_hole(self) -> None:
        """Shared memory was full, and what nobody had seen yet was given back: everyone in step goes on
        behind it. A hole reads as zeros and must never be sent."""
        start = self.log.page.start
        self.totals.skips += len(self._in_step)
        self.totals.skipped_bytes += (start - self._position) * len(self._in_step)
        self._position = start

    def finish(self) -> None:
        """The stream is over: everyone who has got all of it leaves as `ended`."""
        if self._position == self.log.page.end:
            for fd in self._in_step.copy():
                self._dismiss(self._viewers[fd], "ended")

    def dismiss(self, reason: str) -> None:
        """Everyone leaves now."""
        viewers = list(self._viewers.values())
        for fd in self._lagging:
            self._viewers[fd].whole = False
        for fd in self._awaited.copy():
            self._await_no_more(fd)
        for fd in self._in_step:
            self.shares.fell_out(self._viewers[fd].share)
        self._in_step.clear()
        self._lagging.clear()
        self._viewers.clear()
        for viewer in viewers:
            viewer.share.viewers -= 1
            viewer.handler.viewer_gone(viewer, reason)

    def _serve_in_step(self, start: int, count: int) -> None:
        if self._envelope is not None:
            self._announce(self._envelope(count))
        # This loop is what a server with a thousand viewers does all day: nothing in it that can be outside.
        sendfile, log_fd = os.sendfile, self.log.fd
        short: list[tuple[int, int]] = []
        gone: list[int] = []
        for fd in self._in_step:
            try:
                sent = sendfile(fd, log_fd, start, count)
            except BlockingIOError:
                short.append((fd, 0))
            except OSError:
                gone.append(fd)
            else:
                if sent != count:
                    short.append((fd, sent))
        self.shares.step(count)
        if short or gone:
            until = -1 if self._envelope is None else start + count
            self._fall_behind(short, gone, start, count, until)

    def _announce(self, header: bytes) -> None:
        """Send each viewer the envelope of the coming bytes; who can't take it falls behind before it."""
        short: list[tuple[int, int]] = []
        gone: list[int] = []
        for fd in self._in_step:
            try:
                sent = self._viewers[fd].sock.send(header, socket.MSG_MORE)
            except BlockingIOError:
                short.append((fd, 0))
            except OSError:
                gone.append(fd)
            else:
                if sent != len(header):
                    self._viewers[fd].share.sent += sent
                    gone.append(fd)  # a socket without room for a few bytes has been full for long
        self.shares.step(len(header))
        if short or gone:
            self._fall_behind(short, gone, self._last_position, len(header), until=-1)

    def _fall_behind(
        self, short: list[tuple[int, int]], gone: list[int], start: int, count: int, until: int
    ) -> None:
        """Take viewers out of the step: `short` are (descriptor, bytes it took from `start`), and all were
        counted as having got the step's `count` bytes."""
        now = time.monotonic_ns()
        for fd, sent in short:
            viewer = self._viewers[fd]
            viewer.offset, viewer.until, viewer.progress_ns = start + sent, until, now
            viewer.share.sent += sent
        out = {fd for fd, _ in short}.union(gone)
        for fd in out:
            share = self._viewers[fd].share
            self.shares.fell_out(share)
            share.sent -= count
        self._in_step = [fd for fd in self._in_step if fd not in out]
        self._lagging |= out
        for fd in gone:
            self._drop(self._viewers[fd], "disconnected")

    def _serve_lagging(self) -> None:
        oldest = time.monotonic_ns() - int(self._limits.max_lag_seconds * 1e9)
        self._too_old = max(
            (key.offset for key in self.log.page.key_points() if key.appended_ns < oldest), default=0
        )
        for fd in list(self._lagging):
            viewer = self._viewers.get(fd)
            if viewer is not None:
                self._catch_up(viewer)

    def _catch_up(self, viewer: Viewer) -> None:
        """Send a laggard what its socket takes; one that has it all is in step again."""
        if viewer.offset < self.log.page.start:
            self._drop(viewer, "too_slow")  # its next bytes are gone, and a hole must never be sent
            return
        try:
            caught_up = self._send_pending(viewer) and self._send_log(viewer) and self._send_own(viewer)
        except BlockingIOError:
            caught_up = False
        except OSError:
            self._drop(viewer, "disconnected")
            return
        if caught_up:
            self._lagging.discard(viewer.fd)
            self._in_step.append(viewer.fd)
            self.shares.came_in(viewer.share)
            self._await_no_more(viewer.fd)
        else:
            self._judge(viewer)
            self._await_room(viewer)

    def _await_room(self, viewer: Viewer) -> None:
        """A group of pictures is many times what a tick brings: who joins gets it as fast as the line is."""
        if self._events is None or viewer.fd in self._awaited or viewer.fd not in self._lagging:
            return
        self._awaited.add(viewer.fd)
        self._events.add_writer(viewer.fd, self._has_room, viewer)

    def _await_no_more(self, fd: int) -> None:
        if self._events is not None and fd in self._awaited:
            self._awaited.discard(fd)
            self._events.remove_writer(fd)

    def _has_room(self, viewer: Viewer) -> None:
        if viewer.fd in self._lagging:
            self._catch_up(viewer)

    def _send_pending(self, viewer: Viewer) -> bool:
        if viewer.until >= 0 and not self._send_range(viewer, viewer.until):
            return False
        viewer.until = -1
        if viewer.pending:
            more = socket.MSG_MORE if viewer.offset < self._position else 0
            sent = viewer.sock.send(viewer.pending, more)
            viewer.share.sent += sent
            viewer.progress_ns = time.monotonic_ns()
            viewer.pending = viewer.pending[sent:]
        return not viewer.pending

    def _send_own(self, viewer: Viewer) -> bool:
        """At a boundary and with nothing of the log left to send."""
        viewer.pending, viewer.own = viewer.own, b""
        return self._send_pending(viewer)

    def _send_log(self, viewer: Viewer) -> bool:
        if self._envelope is None:
            return self._send_range(viewer, self._position)
        while viewer.offset < self._position:
            if viewer.offset < self._too_old:
                self._skip(viewer)  # here or never: within an envelope it can't be moved
            self._send_envelope(viewer, self._envelope)
            self._send_range(viewer, viewer.until)
        return True

    def _send_envelope(self, viewer: Viewer, envelope: Callable[[int], bytes]) -> None:
        """Announce what comes up to the next key point, where a viewer that has become too slow can skip."""
        keys = (key.offset for key in self.log.page.key_points() if key.offset > viewer.offset)
        end = min(next(keys, self._position), self._position)
        header = envelope(end - viewer.offset)
        sent = viewer.sock.send(header, socket.MSG_MORE)
        viewer.share.sent += sent
        if sent != len(header):
            raise ConnectionAbortedError
        viewer.until = end

    def _send_range(self, viewer: Viewer, end: int) -> bool:
        while viewer.offset < end:
            sent = os.sendfile(viewer.fd, self.log.fd, viewer.offset, end - viewer.offset)
            if not sent:
                raise ConnectionAbortedError  # the log is shorter than its page says: never spin on it
            viewer.offset += sent
            viewer.share.sent += sent
            viewer.progress_ns = time.monotonic_ns()
        viewer.until = -1
        return True

    def _judge(self, viewer: Viewer) -> None:
        """What becomes of a viewer that still lags after it was served."""
        if time.monotonic_ns() - viewer.progress_ns > self._limits.stall_seconds * 1e9:
            self._drop(viewer, "stalled")
        elif viewer.offset < self._too_old and viewer.until < 0:
            self._skip(viewer)

    def _skip(self, viewer: Viewer) -> None:
        """Move a viewer to the last key point: it finishes the message it is in and goes on there."""
        last = self.log.page.last_key()
        boundary = self._boundary_after(viewer.offset)
        if last is None or boundary is None or boundary >= last.offset:
            return
        viewer.pending += os.pread(self.log.fd, boundary - viewer.offset, viewer.offset)
        self.totals.skips += 1
        self.totals.skipped_bytes += last.offset - boundary
        viewer.offset = last.offset

    def _boundary_after(self, offset: int) -> int | None:
        """The first message boundary at or behind `offset`, found from the key point before it."""
        known = [key.offset for key in self.log.page.key_points() if key.offset <= offset]
        if not known:
            return None
        boundary = known[-1]
        while boundary < offset:
            boundary += self._format.size_of(self.log, boundary)
        return boundary

    def _drop(self, viewer: Viewer, reason: str) -> None:
        if reason != "disconnected":
            self.totals.dropped += 1
            if viewer.fd in self._lagging:
                self.totals.skipped_bytes += max(0, self._position - viewer.offset)
        self._dismiss(viewer, reason)

    def _dismiss(self, viewer: Viewer, reason: str) -> None:
        self.leave(viewer)
        viewer.handler.viewer_gone(viewer, reason)
