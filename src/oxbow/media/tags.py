"""A cursor that reads the FLV log tag by tag."""

from collections.abc import Iterator

from oxbow.media.log import LogReader
from oxbow.proto import flv

READ_SIZE = 1 << 20


class TagCursor:
    """Where one framing stands in the log. `position` is the offset of the next tag that `tags` hands out."""

    __slots__ = ("position", "source")

    def __init__(self, source: LogReader, position: int) -> None:
        self.source = source
        self.position = position

    def tags(self) -> Iterator[flv.Tag]:
        """The tags from `position` to the log's end; `position` is behind a tag while it is being looked
        at."""
        while self.position < self.source.page.end:
            tags, consumed = flv.iter_tags(self._read())
            if not consumed:
                return
            for tag in tags:
                self.position += 15 + len(tag.payload)
                yield tag

    def _read(self) -> bytes:
        block = self.source.read(self.position, READ_SIZE)
        whole = 15 + int.from_bytes(block[1:4], "big")
        return block if len(block) >= whole else self.source.read(self.position, whole)
