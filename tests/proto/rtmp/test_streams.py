"""The table of a connection's message streams."""

import pytest

from oxbow.proto.rtmp.message import RtmpError
from oxbow.proto.rtmp.streams import MAX_STREAMS, StreamTable, Use


@pytest.fixture
def table():
    table = StreamTable()
    table.create()
    return table


def test_the_lowest_free_number_is_handed_out(table):
    assert [table.create() for _ in range(MAX_STREAMS - 1)] == [2, 3, 4]
    with pytest.raises(RtmpError, match="at most 4 streams"):
        table.create()
    table.delete(2)
    assert table.create() == 2


def test_media_is_accepted_from_the_request_to_publish_until_its_end(table):
    table.begin(1, Use.PUBLISH, "name")
    assert table.publishing == {1}
    assert table.publishing_as("name") == [1]
    assert table.publishing_as("other") == []
    assert table.end(1) is Use.PUBLISH
    assert table.publishing == set()


def test_a_player_is_no_publisher(table):
    table.begin(1, Use.PLAY, "name")
    assert table.publishing == set()
    assert table.used(1, Use.PLAY).name == "name"
    assert table.used(1, Use.PUBLISH) is None


def test_a_stream_in_use_is_not_idle(table):
    table.begin(1, Use.PLAY, "name")
    with pytest.raises(RtmpError, match="already used to play"):
        table.idle(1)
    table.end(1)
    assert table.idle(1).use is Use.NOTHING


def test_ending_what_is_not_there_does_nothing(table):
    assert table.end(1) is Use.NOTHING
    assert table.end(9) is Use.NOTHING
