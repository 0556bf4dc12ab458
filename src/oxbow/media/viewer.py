"""A socket that watches a log, and who owns it."""

import socket
from collections.abc import Hashable
from typing import Protocol

from oxbow.media.shares import Share


class Handler(Protocol):
    """Who owns a viewer's socket, as the fan-out sees it."""

    def preamble(self, head: bytes) -> bytes:
        """The viewer is let in: what it gets first, given the head of the log."""

    def viewer_gone(self, viewer: "Viewer", reason: str) -> None:
        """The viewer left the cohort: `disconnected`, `stalled`, `too_slow`, `ended`, or why it was
        dismissed."""


class Viewer:
    """One socket that watches a cohort's log."""

    __slots__ = (
        "fd",
        "handler",
        "kind",
        "offset",
        "own",
        "pending",
        "progress_ns",
        "share",
        "sock",
        "until",
        "whole",
    )

    def __init__(self, sock: socket.socket, handler: Handler, kind: Hashable = None) -> None:
        """`kind`: viewers that are counted together have equal ones; of no other meaning here."""
        self.sock = sock
        self.handler = handler
        self.kind = kind
        self.share: Share
        """Where it is counted, from the time it joins a cohort."""
        self.fd = sock.fileno()
        """Remembered, since a closed socket doesn't know it any more."""
        self.offset = -1
        """Next byte of the log to send; only kept up to date while the viewer lags."""
        self.until = -1
        """End of the envelope that is being sent, -1 at a boundary."""
        self.pending = b""
        """Bytes that go out before the log's next ones."""
        self.own = b""
        """Bytes of its own, which wait until the viewer has caught up and stands at a boundary."""
        self.progress_ns = 0
        """When the socket last took something while the viewer lagged."""
        self.whole = True
        """Whether it stands between two messages, and can be told something; set when it leaves."""
