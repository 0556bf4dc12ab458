"""Reading the log tag by tag."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oxbow.media import tags as tags_module
from oxbow.media.log import LogReader, LogWriter, Retention
from oxbow.media.tags import TagCursor
from oxbow.proto import flv

SIZES = [1, 500, 0, 70_000, 3, 2000]
TAGS = [flv.tag(flv.VIDEO, number * 40, bytes([number]) * size) for number, size in enumerate(SIZES)]


@pytest.fixture
def log(shm: Path) -> Iterator[LogWriter]:
    log = LogWriter(shm, "flv", Retention())
    yield log
    log.close()


@pytest.fixture
def reader(log: LogWriter, shm: Path) -> Iterator[LogReader]:
    reader = LogReader.open(shm, "flv")
    assert reader is not None
    yield reader
    reader.close()


@pytest.mark.parametrize("block", [16, 100, 1 << 20])
def test_all_tags_come_whatever_a_block_holds(
    log: LogWriter, reader: LogReader, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(tags_module, "READ_SIZE", block)
    log.append(TAGS, [], 200)
    cursor = TagCursor(reader, 0)
    assert [flv.tag(*tag) for tag in cursor.tags()] == TAGS
    assert cursor.position == log.end


def test_the_position_is_behind_the_tag_that_is_looked_at(log: LogWriter, reader: LogReader) -> None:
    log.append(TAGS, [], 200)
    cursor = TagCursor(reader, 0)
    ends = [cursor.position for _ in cursor.tags()]
    assert ends == [sum(map(len, TAGS[: number + 1])) for number in range(len(TAGS))]


def test_it_goes_on_where_it_stood(log: LogWriter, reader: LogReader) -> None:
    cursor = TagCursor(reader, 0)
    assert list(cursor.tags()) == []
    for tag in TAGS:
        log.append([tag], [], 200)
        assert [flv.tag(*found) for found in cursor.tags()] == [tag]


def test_whoever_stops_in_between_loses_nothing(log: LogWriter, reader: LogReader) -> None:
    log.append(TAGS, [], 200)
    cursor = TagCursor(reader, 0)
    for tag in cursor.tags():
        if len(tag.payload) == 500:
            break
    assert [len(tag.payload) for tag in cursor.tags()] == SIZES[2:]
