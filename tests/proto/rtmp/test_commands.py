"""Commands, names, script data and aggregates as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import amf0, flv
from oxbow.proto.rtmp import commands
from oxbow.proto.rtmp.message import AGGREGATE, COMMAND, COMMAND_AMF3, DATA, DATA_AMF3, Message, RtmpError


def test_a_command_is_taken_apart():
    message = commands.command("publish", 5, None, "name", "live", stream_id=1)
    command = commands.parse_command(message)
    assert command == ("publish", 5.0, None, ["name", "live"], 1)
    assert command.argument(1) == "live"
    assert command.argument(2, "default") == "default"


def test_an_amf3_command_has_one_byte_in_front():
    payload = b"\x00" + amf0.encode("connect", 1, {"app": "live"})
    assert commands.parse_command(Message(COMMAND_AMF3, 0, 0, payload)).object == {"app": "live"}


@pytest.mark.parametrize(
    "payload", [b"", amf0.encode("connect"), amf0.encode(1, 1), amf0.encode("connect", "one")]
)
def test_what_is_no_command_is_refused(payload):
    with pytest.raises(RtmpError, match="begins with its name"):
        commands.parse_command(Message(COMMAND, 0, 0, payload))


def test_a_huge_command_is_refused_before_it_is_decoded():
    with pytest.raises(RtmpError, match="at most 65536"):
        commands.parse_command(Message(COMMAND, 0, 0, bytes(65_537)))


@pytest.mark.parametrize("name", ["live", "直播/流?token=a:b", "x" * 1024, ""])
def test_names_that_are_accepted(name):
    assert commands.checked_name(name, "stream name") == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("x" * 1025, "1025 characters; at most 1024"),
        ("a\nb", "control"),
        ("a\x00", "control"),
        ("a\x7f", "control"),
        ("a\u202eb", "control"),
        (None, "must be a string"),
        (1.0, "must be a string"),
    ],
)
def test_names_that_are_refused(name, problem):
    with pytest.raises(RtmpError, match=f"the stream name .*{problem}"):
        commands.checked_name(name, "stream name")


METADATA = amf0.encode("onMetaData", amf0.EcmaArray(width=1.0))


@pytest.mark.parametrize(
    ("type_id", "payload"),
    [
        (DATA, METADATA),
        (DATA, amf0.encode("@setDataFrame") + METADATA),
        (DATA_AMF3, b"\x00" + METADATA),
        (DATA_AMF3, b"\x00" + amf0.encode("@setDataFrame") + METADATA),
    ],
)
def test_metadata_comes_out_as_flv_has_it(type_id, payload):
    assert commands.plain_data(Message(type_id, 7, 1, payload)) == Message(DATA, 7, 1, METADATA)


def test_clearing_metadata_is_nothing_for_viewers():
    payload = amf0.encode("@clearDataFrame", "onMetaData")
    assert commands.plain_data(Message(DATA, 0, 1, payload)) is None


def test_an_aggregate_is_split_and_its_times_shifted():
    parts = flv.tag(8, 1000, b"audio") + flv.tag(9, 1040, b"video")
    assert commands.split_aggregate(Message(AGGREGATE, 5000, 1, parts)) == [
        Message(8, 5000, 1, b"audio"),
        Message(9, 5040, 1, b"video"),
    ]


def test_the_times_of_an_aggregate_wrap():
    parts = flv.tag(8, 0, b"a") + flv.tag(9, 20, b"b")
    times = [each.timestamp for each in commands.split_aggregate(Message(AGGREGATE, 2**32 - 10, 1, parts))]
    assert times == [2**32 - 10, 10]


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=4), st.data())
def test_an_aggregate_cut_short_is_refused(payloads, data):
    whole = b"".join(flv.tag(9, 0, payload) for payload in payloads)
    cut = data.draw(st.integers(0, len(whole)))
    try:
        parts = commands.split_aggregate(Message(AGGREGATE, 0, 1, whole[:cut]))
    except RtmpError:
        return
    # Only the last part's PreviousTagSize is dispensable.
    assert [part.payload for part in parts] == payloads[: len(parts)]
