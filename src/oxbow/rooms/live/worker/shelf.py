"""HLS in this worker: who asked for which playlist, and what is there to hand out.

A first request gets a master playlist whose one rendition carries a session of its own; with it, all that
one player asks for afterwards, at whichever worker, counts as one viewer.
"""

import os
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from oxbow.media.framing.hls import INDEX, read_index
from oxbow.media.framing.hls_window import HlsWindow, segment_name
from oxbow.media.log import LogReader
from oxbow.media.names import HLS_DIRECTORY
from oxbow.media.registry import Registry
from oxbow.proto import hls
from oxbow.rooms.live.play_session import ID_LENGTH, LENGTH
from oxbow.rooms.live.ways import Way

DEMAND_NS = 30_000_000_000
"""A playlist keeps the segments coming for so long; players ask again every target duration or so."""
FORGET_SECONDS = 60.0

SESSION = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}(?:[0-9a-f]{{{LENGTH - ID_LENGTH}}})?")
"""An id, and on domains that ask for a proof the seal behind it."""
_PLACE_OF_SESSION = "0000000000000000"

Answer = Callable[[bytes | None], None]
"""Takes the playlist, or None if the stream didn't come in time."""

Seal = Callable[[str, str], str]
"""Makes of a session's id and the broadcast's life what the session is to be."""


@dataclass(slots=True)
class _Pending:
    answer: Answer
    session: str | None
    query: str
    deadline: float
    seal: Seal | None
    way: Way
    folder: str


@dataclass(slots=True)
class ShelfShare:
    """A stream's HLS viewers that came on one way, since last asked."""

    sessions: set[str] = field(default_factory=set)
    sent_bytes: int = 0


@dataclass(slots=True)
class _Stream:
    """One stream's playlists as this worker hands them out."""

    hub: str
    name: str
    directory: Path
    log: LogReader | None = None
    used: float = 0.0
    window: HlsWindow | None = None
    stamp: tuple[int, int] = (0, 0)
    """Inode and modification time of the index that `window` was read from."""
    rendered: bytes = b""
    pending: list[_Pending] = field(default_factory=list)
    shares: defaultdict[Way, ShelfShare] = field(default_factory=lambda: defaultdict(ShelfShare))

    @property
    def life(self) -> str:
        """Tells this broadcast's segments from those of an earlier one of the same name, in caches on the
        way."""
        return f"{self.log.page.created // 1_000_000:x}" if self.log is not None else "0"


class HlsShelf:
    """All HLS streams that somebody watches through this worker."""

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._streams: dict[tuple[str, str], _Stream] = {}

    def playlist(
        self,
        hub: str,
        name: str,
        session: str | None,
        query: str,
        patience: float,
        answer: Answer,
        seal: Seal | None = None,
        way: Way = Way(),  # noqa: B008 - it is a tuple.
        folder: str = "",
    ) -> None:
        """Answer with the master playlist, or with the media playlist of `session`; `query` is what the
        viewer's own address carried besides, `seal` makes a new session one that can be proved, and `folder`
        is where the stream is if not next to what the viewer asked for. Waits up to `patience` seconds for
        the first segment."""
        stream = self._stream(hub, name)
        stream.pending.append(_Pending(answer, session, query, self._clock() + patience, seal, way, folder))
        self._serve(stream)

    def life(self, hub: str, name: str) -> str | None:
        """The current broadcast, None if there is none."""
        stream = self._stream(hub, name)
        self._open(stream)
        return stream.life if stream.log is not None else None

    def forget(self, hub: str, name: str, answer: Answer) -> None:
        """The viewer that waits for `answer` has gone."""
        stream = self._streams.get((hub, name))
        if stream is not None:
            stream.pending = [pending for pending in stream.pending if pending.answer is not answer]

    def segment(
        self,
        hub: str,
        name: str,
        life: str,
        sequence: int,
        session: str | None,
        way: Way = Way(),  # noqa: B008 - it is a tuple.
    ) -> tuple[int, int] | None:
        """(descriptor, size) of a segment, or None if there is no such one (any more). The caller closes
        it."""
        stream = self._stream(hub, name)
        self._open(stream)
        if stream.log is None or life != stream.life:
            return None
        try:
            fd = os.open(stream.directory / segment_name(sequence), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        if session is not None:
            stream.shares[way].sessions.add(session)
        return fd, os.fstat(fd).st_size

    def sent(self, hub: str, name: str, way: Way, size: int) -> None:
        """So many bytes of an answer have left."""
        self._stream(hub, name).shares[way].sent_bytes += size

    def streams(self) -> set[tuple[str, str]]:
        """(hub, stream) of all that somebody has asked for lately."""
        return set(self._streams)

    def serve(self) -> None:
        """Once per tick: answer whoever waits for what has come by now."""
        for stream in self._streams.values():
            if stream.pending:
                self._serve(stream)

    def second(self) -> None:
        """About once a second: forget what nobody has asked for lately."""
        now = self._clock()
        for key, stream in list(self._streams.items()):
            if not stream.pending and now - stream.used > FORGET_SECONDS:
                self._close(stream)
                del self._streams[key]

    def cut(self, hub: str, name: str) -> None:
        """Turn away whoever waits."""
        stream = self._streams.pop((hub, name), None)
        if stream is not None:
            pending, stream.pending = stream.pending, []
            for one in pending:
                one.answer(None)
            self._close(stream)

    def figures(self) -> dict[tuple[str, str], dict[Way, ShelfShare]]:
        """Who asked for anything since the last call, by stream and way."""
        figures: dict[tuple[str, str], dict[Way, ShelfShare]] = {}
        for key, stream in self._streams.items():
            if stream.shares:
                figures[key] = dict(stream.shares)
                stream.shares.clear()
        return figures

    def _stream(self, hub: str, name: str) -> _Stream:
        stream = self._streams.get((hub, name))
        if stream is None:
            directory = self._registry.directory(hub, name) / HLS_DIRECTORY
            stream = self._streams[hub, name] = _Stream(hub, name, directory)
        stream.used = self._clock()
        return stream

    def _serve(self, stream: _Stream) -> None:
        self._refresh(stream)
        if stream.window is not None and stream.window.listed:
            pending, stream.pending = stream.pending, []
            for one in pending:
                one.answer(self._render(stream, stream.window, one))
            return
        now = self._clock()
        late = [one for one in stream.pending if one.deadline < now]
        if late:
            stream.pending = [one for one in stream.pending if one.deadline >= now]
            for one in late:
                one.answer(None)

    def _refresh(self, stream: _Stream) -> None:
        """Register the demand, and read the index again if it was replaced."""
        self._open(stream)
        if stream.log is None:
            return
        stream.log.page.demand = stream.log.page.demand_hls = time.monotonic_ns() + DEMAND_NS
        try:
            status = (stream.directory / INDEX).stat()
        except (FileNotFoundError, NotADirectoryError):
            return
        if (status.st_ino, status.st_mtime_ns) != stream.stamp:
            stream.stamp = (status.st_ino, status.st_mtime_ns)
            stream.window = read_index(stream.directory)
            stream.rendered = b""

    def _open(self, stream: _Stream) -> None:
        """Open the stream's log; one that has ended is let go of as soon as its directory has a successor."""
        if stream.log is not None and not self._registry.is_current(stream.hub, stream.name, stream.log):
            self._close(stream)
        if stream.log is None:
            stream.log = self._registry.reader(stream.hub, stream.name, with_ended=True)

    def _close(self, stream: _Stream) -> None:
        if stream.log is not None:
            stream.log.close()
        stream.log, stream.window, stream.stamp, stream.rendered = None, None, (0, 0), b""

    def _render(self, stream: _Stream, window: HlsWindow, one: _Pending) -> bytes:
        if one.session is None:
            session = secrets.token_hex(ID_LENGTH // 2)
            session = one.seal(session, stream.life) if one.seal is not None else session
            query = f"{one.query}&session={session}" if one.query else f"session={session}"
            body = hls.render_master((window.variant(f"{one.folder}{stream.name}.m3u8"),), query).encode()
        else:
            stream.shares[one.way].sessions.add(one.session)
            if not stream.rendered:
                prefix = f"{stream.name}/{stream.life}-"
                stream.rendered = window.render(f"session={_PLACE_OF_SESSION}", prefix).encode()
            body = stream.rendered.replace(_PLACE_OF_SESSION.encode(), one.session.encode())
        return body
