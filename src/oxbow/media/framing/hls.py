"""The log once more as MPEG-TS segments and the index of a playlist, for all HLS viewers of a stream."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from oxbow.media.framing.hls_window import HlsWindow, segment_name
from oxbow.media.framing.ts import Segment, TsSegmenter
from oxbow.media.log import LogReader
from oxbow.media.names import HLS_DIRECTORY
from oxbow.media.tags import TagCursor
from oxbow.proto import flv
from oxbow.proto.errors import ProtocolError

INDEX = "index.json"

_FIRST_SEGMENTS = 4
"""How many target durations of the past the first viewer finds cut already, where the log has them."""


@dataclass(frozen=True, slots=True)
class HlsOptions:
    """How a stream is cut."""

    target_seconds: float = 2.0
    max_seconds: float = 10.0
    window_segments: int = 6


class HlsFramer:
    """A cursor on the FLV log that writes `<directory>/<sequence>.ts` and `<directory>/index.json`."""

    def __init__(self, source: LogReader, directory: Path, options: HlsOptions) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._source = source
        self._window = read_index(directory) or HlsWindow(length=options.window_segments)
        self._segmenter = TsSegmenter(options.target_seconds, options.max_seconds, self._window.segmenter)
        self._cursor = TagCursor(source, self._first_offset(options))
        self._remove_unlisted()
        self._anchor()
        head = source.page.head()
        for tag in flv.iter_tags(head[len(flv.FILE_HEADER) :])[0]:
            self._segmenter.push(tag)
        self.lost_segments = 0
        """Segments that shared memory had no room for."""

    def _first_offset(self, options: HlsOptions) -> int:
        """Where to begin: behind what an earlier run has cut, and not further back than a first viewer
        needs."""
        page = self._source.page
        keys = page.key_points()
        wanted = page.timestamp - int(_FIRST_SEGMENTS * options.target_seconds * 1000)
        enough = [key.offset for key in keys if key.timestamp <= wanted]
        begin = enough[-1] if enough else min((key.offset for key in keys), default=page.end)
        if self._window.position <= begin:
            self._forget_window()  # an earlier run ended long ago: what it listed is history
            return begin
        return min(self._window.position, page.end)

    def _anchor(self) -> None:
        key = self._source.page.last_key()
        if key is not None:
            age = (time.monotonic_ns() - key.appended_ns) / 1e9
            self._segmenter.anchor(key.timestamp, time.time() - age)

    def advance(self) -> None:
        """Cut what the source has got since the last call."""
        before = self._cursor.position
        for tag in self._cursor.tags():
            for segment in self._segmenter.push(tag):
                # The tag that completes a segment is the next one's first: who goes on later begins with it.
                self._publish(segment, before)
            before = self._cursor.position

    def _publish(self, segment: Segment, position: int) -> None:
        try:
            (self._directory / segment_name(segment.sequence)).write_bytes(segment.data)
            gone = self._window.add(segment)
            self._window.position = position
            self._window.describe(self._segmenter)
            write_index(self._directory, self._window)
        except (OSError, ProtocolError):
            # Players can't be told of a hole inside a playlist: begin a new list behind it.
            self.lost_segments += 1
            self._remove([segment.sequence])
            self._forget_window()
        else:
            self._remove(gone)

    def _forget_window(self) -> None:
        gone = self._window.restart()
        self._remove(gone)
        if gone:
            with contextlib.suppress(OSError):  # what was just removed has made room for it
                write_index(self._directory, self._window)

    def _remove_unlisted(self) -> None:
        """An earlier run may have been killed between writing a segment and listing it, or the other way
        round."""
        listed = {segment_name(entry.sequence) for entry in self._window.entries}
        for path in self._directory.glob("*.ts"):
            if path.name not in listed:
                path.unlink(missing_ok=True)

    def _remove(self, sequences: list[int]) -> None:
        for sequence in sequences:
            (self._directory / segment_name(sequence)).unlink(missing_ok=True)

    def second(self) -> None:
        """Nothing to do once a second: each new segment removes the oldest."""

    def close(self) -> None:
        """Stop: what is open becomes a last segment, so that viewers see all that came."""
        segment = self._segmenter.flush()
        if segment is not None:
            self._publish(segment, self._cursor.position)
        self._source.close()


def read_index(directory: Path) -> HlsWindow | None:
    """The window as last written; None while there is none."""
    try:
        return HlsWindow.from_json((directory / INDEX).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ProtocolError):
        return None


def write_index(directory: Path, window: HlsWindow) -> None:
    """Replace the index in one step, since other processes read it at any moment."""
    temporary = directory / f"{INDEX}.new"
    temporary.write_bytes(window.to_json())
    temporary.replace(directory / INDEX)


def end_playlist(stream_directory: Path) -> None:
    """Tell the players that nothing will follow; what is listed stays playable while the directory exists."""
    directory = stream_directory / HLS_DIRECTORY
    window = read_index(directory)
    if window is not None and not window.ended:
        window.ended = True
        write_index(directory, window)
