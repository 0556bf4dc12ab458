"""How many streams of a hub may be live at once."""

import pytest

from oxbow.kernel.database import Database
from oxbow.rooms.live.on_air import LiveStreams
from oxbow.rooms.live.policy import PublishRefused
from oxbow.rooms.live.quota import PublisherQuota
from oxbow.rooms.live.store.claims import ClaimStore

from .conftest import Board


def quota(limit: int, board: Board, database: Database) -> PublisherQuota:
    return PublisherQuota(limit, LiveStreams(board, ClaimStore(database, "here")))


async def test_one_too_many_is_refused_with_the_numbers(board: Board, sqlite_database: Database) -> None:
    for stream in ("one", "two"):
        board.go_live("live", stream)
    with pytest.raises(PublishRefused) as refused:
        await quota(2, board, sqlite_database).check("live", "three")
    assert (refused.value.reason, refused.value.rule) == ("too_many_publishers", "publishersPerHub")
    assert (refused.value.found, refused.value.wanted) == ("2", "less than 2")


async def test_a_stream_that_changes_its_publisher_is_not_counted_twice(
    board: Board, sqlite_database: Database
) -> None:
    for stream in ("one", "two"):
        board.go_live("live", stream)
    await quota(2, board, sqlite_database).check("live", "two")
    await quota(2, board, sqlite_database).check("another", "three")


async def test_nought_is_no_limit(board: Board, sqlite_database: Database) -> None:
    board.go_live("live", "one")
    await quota(0, board, sqlite_database).check("live", "two")
