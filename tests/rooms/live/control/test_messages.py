"""Messages on the control socket."""

import asyncio

import pytest

from oxbow.media.parameters import MediaParameters
from oxbow.rooms.live.control.messages import (
    MAX_MESSAGE,
    AnyMessage,
    AskPublish,
    Configure,
    Cut,
    Figures,
    Hello,
    Kind,
    LivePublisher,
    PublishAnswer,
    PublishEnded,
    Received,
    Report,
    Share,
    StreamReport,
    encode,
    read_messages,
)
from oxbow.rooms.live.snapshot import ConfigSnapshot, HubConfig

PUBLISHER = LivePublisher("hub", "stream", "session", "1.1.1.1:5", "[::1]:1935", 1.5)
FIGURES = Figures("s", *range(1, 11), MediaParameters(1280, 720, 25.0, "H264"))
KINDS = [Kind("a.example.com", "hls", "cn", ""), Kind("", "rtmp", "", "")]
SHARE, RECEIVED = Share(0, 1, 5, ("session",)), Received(1, 7)
MESSAGES: list[AnyMessage] = [
    Hello(3, 4711, [PUBLISHER]),
    AskPublish(1, PUBLISHER, "token=\u4e2d", None),
    PublishAnswer(1, "token_expired", "the token has expired"),
    PublishEnded("hub", "stream", "session", "disconnected"),
    Cut("hub", "stream", "disabled", True),
    Configure(ConfigSnapshot(7, {"hub": HubConfig("hub", 3.5)}, banned={"hub/stream": -1})),
    Report(1.0, 5, [StreamReport("hub", "stream", FIGURES, [SHARE], [RECEIVED])], {"x": 1}, KINDS),
]


async def read(data: bytes) -> list[AnyMessage]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return [message async for message in read_messages(reader)]


async def test_everything_arrives_as_it_was_said() -> None:
    assert await read(b"".join(map(encode, MESSAGES))) == MESSAGES


async def test_a_message_that_is_cut_off_is_none() -> None:
    whole = encode(MESSAGES[0])
    for size in range(len(whole)):
        assert await read(whole[:size]) == []


@pytest.mark.parametrize(
    "data",
    [
        (MAX_MESSAGE + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x01\xc1",
        b"\x00\x00\x00\x00",
        encode(MESSAGES[0]).replace(b"Hello", b"Hallo"),
    ],
    ids=["too long", "no msgpack", "empty", "unknown"],
)
async def test_anything_else_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        await read(data)
