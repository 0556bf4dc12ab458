"""The server's end: what clients ask, what they are answered, and what reaches the caller."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxbow.proto import amf0, flv
from oxbow.proto.errors import ProtocolError
from oxbow.proto.rtmp import commands
from oxbow.proto.rtmp.chunks import OUT_CHUNK_SIZE, ChunkReader, Message, encode_message
from oxbow.proto.rtmp.events import (
    Acknowledged,
    ConnectRequested,
    PauseRequested,
    PingAnswered,
    PlayRequested,
    PublishRequested,
    StreamClosed,
)
from oxbow.proto.rtmp.handshake import PACKET_SIZE
from oxbow.proto.rtmp.message import RtmpError
from oxbow.proto.rtmp.server import ServerConnection


class Client:
    """Says things to a server connection, and reads its answers, message by message."""

    def __init__(self):
        self.server = ServerConnection(random=bytes)
        self.server.receive(b"\x03" + bytes(2 * PACKET_SIZE))
        assert self.server.handshake_done
        self.server.data_to_send()
        self._reader = ChunkReader()

    def send(self, *messages, csid=3):
        wire = b"".join(encode_message(message, csid=csid, chunk_size=128) for message in messages)
        return self.server.receive(wire)

    def call(self, name, transaction, *values, stream_id=0):
        return self.send(commands.command(name, transaction, *values, stream_id=stream_id))

    def answers(self):
        return self._reader.receive(self.server.data_to_send())

    def commands(self):
        """(name, transaction, further values) of each command that came back."""
        decoded = [amf0.decode(each.payload) for each in self.answers() if each.type_id == 20]
        return [(name, transaction, *rest) for name, transaction, *rest in decoded]

    def statuses(self):
        return [(each[3]["level"], each[3]["code"]) for each in self.commands() if each[0] == "onStatus"]


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def connected(client):
    client.call("connect", 1, {"app": "live", "tcUrl": "rtmp://host/live"})
    client.server.accept_connect()
    client.call("createStream", 2, None)
    client.answers()
    return client


@pytest.fixture
def publishing(connected):
    connected.call("publish", 3, None, "name", "live", stream_id=1)
    connected.server.accept_publish()
    connected.answers()
    return connected


@pytest.fixture
def playing(connected):
    connected.call("play", 3, None, "name", stream_id=1)
    connected.server.accept_play()
    connected.answers()
    return connected


def test_connect_tells_what_the_client_said(client):
    properties = {"app": "live", "tcUrl": "rtmp://host/live", "flashVer": "FMLE/3.0"}
    assert client.call("connect", 1, properties) == [ConnectRequested("live", "rtmp://host/live", properties)]


def test_an_accepted_connect_announces_windows_and_chunk_size_before_the_result(client):
    client.call("connect", 1, {"app": "live"})
    client.server.accept_connect()
    *control, result = client.answers()
    assert [each.type_id for each in control] == [5, 6]  # Set Chunk Size, 1, was obeyed by the reader.
    assert client._reader.chunk_size == OUT_CHUNK_SIZE
    name, transaction, properties, info = amf0.decode(result.payload)
    assert (name, transaction) == ("_result", 1.0)
    assert properties["fmsVer"].startswith("FMS/")
    assert "fourCcList" not in properties
    assert (info["level"], info["code"]) == ("status", "NetConnection.Connect.Success")
    assert info["objectEncoding"] == 0


def test_a_rejected_connect_says_why(client):
    client.call("connect", 1, {"app": "live"})
    client.server.reject_connect("no such hub")
    ((name, transaction, _, info),) = client.commands()
    assert (name, transaction) == ("_error", 1.0)
    assert (info["code"], info["description"]) == ("NetConnection.Connect.Rejected", "no such hub")


def test_clients_of_objectencoding_3_are_answered(client):
    payload = b"\x00" + amf0.encode("connect", 1, {"app": "live", "objectEncoding": 3})
    (event,) = client.send(Message(17, 0, 0, payload))
    assert event.app == "live"
    client.server.accept_connect()
    assert client.commands()[0][3]["objectEncoding"] == 3


def test_connect_comes_first_and_once(client):
    with pytest.raises(RtmpError, match="'createStream' came before connect"):
        client.call("createStream", 1, None)
    client = Client()
    client.call("connect", 1, {"app": "live"})
    with pytest.raises(RtmpError, match="connect came twice"):
        client.call("connect", 1, {"app": "live"})


@pytest.mark.parametrize("app", ["a\nb", "x" * 1025, 7.0])
def test_absurd_application_names_are_refused_and_the_client_told(client, app):
    with pytest.raises(RtmpError, match="application name"):
        client.call("connect", 1, {"app": app})
    ((name, _, _, info),) = client.commands()
    assert name == "_error"
    assert "application name" in info["description"]


def test_streams_are_numbered_from_1_and_few(connected):
    for transaction in range(3, 6):
        connected.call("createStream", transaction, None)
    assert [each[3] for each in connected.commands()] == [2.0, 3.0, 4.0]
    connected.call("createStream", 6, None)
    assert connected.commands()[0][:2] == ("_error", 6.0)
    connected.call("deleteStream", 0, None, 1)
    connected.call("createStream", 7, None)
    assert connected.commands() == [("_result", 7.0, None, 1.0)]


def test_publish(connected):
    assert connected.call("publish", 3, None, "name?token=secret", "live", stream_id=1) == [
        PublishRequested(1, "name?token=secret", "live", 3.0)
    ]
    connected.server.accept_publish()
    begin, status = connected.answers()
    assert (begin.type_id, begin.payload) == (4, b"\x00\x00\x00\x00\x00\x01")
    assert status.stream_id == 1
    info = amf0.decode(status.payload)[3]
    assert info["code"] == "NetStream.Publish.Start"
    assert "secret" not in info["description"]


def test_a_refused_publisher_is_told_why_and_its_media_dropped(connected):
    connected.call("publish", 3, None, "name", "live", stream_id=1)
    connected.server.reject_publish("token_expired: sign again")
    ((_, _, _, info),) = connected.commands()
    assert info == {
        "level": "error",
        "code": "NetStream.Publish.BadName",
        "description": "token_expired: sign again",
    }
    assert connected.send(Message(9, 0, 1, b"\x17\x01")) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [("a\x00b", "control"), ("x" * 1025, "1025 characters"), ("", "empty"), (None, "must be a string")],
)
@pytest.mark.parametrize(
    ("verb", "code"), [("publish", "NetStream.Publish.BadName"), ("play", "NetStream.Play.Failed")]
)
def test_absurd_stream_names_are_refused_and_the_client_told(connected, verb, code, name, problem):
    with pytest.raises(RtmpError, match=f"the stream name .*{problem}"):
        connected.call(verb, 3, None, name, stream_id=1)
    ((_, _, _, info),) = connected.commands()
    assert info["code"] == code
    assert problem in info["description"]


@pytest.mark.parametrize("stream_id", [0, 2, 7])
def test_publishing_on_a_stream_that_was_not_created_is_refused(connected, stream_id):
    assert connected.call("publish", 3, None, "name", stream_id=stream_id) == []
    assert connected.statuses() == [("error", "NetStream.Publish.BadName")]


def test_a_stream_does_one_thing_at_a_time(publishing):
    assert publishing.call("publish", 4, None, "other", stream_id=1) == []
    assert publishing.call("play", 5, None, "other", stream_id=1) == []
    assert publishing.statuses() == [
        ("error", "NetStream.Publish.BadName"),
        ("error", "NetStream.Play.Failed"),
    ]
    assert publishing.send(Message(9, 0, 1, b"goes on")) == [Message(9, 0, 1, b"goes on")]


def test_media_arrives_as_plain_messages(publishing):
    media = [Message(9, 0, 1, b"\x17\x00" + bytes(300)), Message(8, 5, 1, b"\xaf\x01x")]
    assert publishing.send(*media) == media


def test_an_eager_publishers_media_follows_its_request(connected):
    first = Message(9, 0, 1, b"\x17\x00")
    events = connected.send(commands.command("publish", 3, None, "name", stream_id=1), first)
    assert events == [PublishRequested(1, "name", "live", 3.0), first]


def test_media_without_publish_is_dropped(connected):
    assert connected.send(Message(9, 0, 1, b"x"), Message(18, 0, 1, b"x"), Message(22, 0, 1, b"x")) == []


def test_metadata_reaches_the_caller_unwrapped(publishing):
    metadata = amf0.encode("onMetaData", amf0.EcmaArray(width=1.0))
    wrapped = amf0.encode("@setDataFrame") + metadata
    assert publishing.send(Message(18, 3, 1, wrapped)) == [Message(18, 3, 1, metadata)]


def test_aggregates_reach_the_caller_split(publishing):
    metadata = amf0.encode("onMetaData", {})
    parts = flv.tag(18, 100, amf0.encode("@setDataFrame") + metadata) + flv.tag(9, 140, b"v")
    assert publishing.send(Message(22, 1000, 1, parts)) == [
        Message(18, 1000, 1, metadata),
        Message(9, 1040, 1, b"v"),
    ]


@pytest.mark.parametrize(
    "farewell",
    [
        commands.command("FCUnpublish", 4, None, "name"),
        commands.command("deleteStream", 4, None, 1),
        commands.command("closeStream", 4, None, stream_id=1),
    ],
    ids=["FCUnpublish", "deleteStream", "closeStream"],
)
def test_the_end_of_a_broadcast_is_told_once(publishing, farewell):
    assert publishing.send(farewell) == [StreamClosed(1)]
    assert publishing.send(farewell) == []
    assert ("status", "NetStream.Unpublish.Success") in publishing.statuses()
    assert publishing.send(Message(9, 0, 1, b"too late")) == []


def test_fcunpublish_of_another_name_ends_nothing(publishing):
    assert publishing.call("FCUnpublish", 4, None, "other") == []


def test_play(connected):
    assert connected.call("play", 3, None, "name?x=1", -2000, stream_id=1) == [
        PlayRequested(1, "name?x=1", -2000.0, -1.0, True, 3.0)
    ]
    connected.server.accept_play()
    answers = connected.answers()
    assert answers[0] == Message(4, 0, 0, b"\x00\x00\x00\x00\x00\x01")
    decoded = [amf0.decode(each.payload) for each in answers[1:]]
    assert [each[3]["code"] for each in decoded[:2]] == ["NetStream.Play.Reset", "NetStream.Play.Start"]
    assert decoded[2:] == [
        ["|RtmpSampleAccess", True, True],
        ["onStatus", {"code": "NetStream.Data.Start"}],
    ]


def test_a_refused_player_is_told_the_code(connected):
    connected.call("play", 3, None, "name", stream_id=1)
    connected.server.reject_play("NetStream.Play.StreamNotFound", "no such stream")
    assert connected.statuses() == [("error", "NetStream.Play.StreamNotFound")]
    assert len(connected.call("play", 4, None, "other", stream_id=1)) == 1


def test_a_player_pauses_and_goes_on(playing):
    assert playing.call("pause", 0, None, True, 500, stream_id=1) == [PauseRequested(1, True, 500.0)]
    assert playing.call("pause", 0, None, False, 500, stream_id=1) == [PauseRequested(1, False, 500.0)]
    assert playing.statuses() == [
        ("status", "NetStream.Pause.Notify"),
        ("status", "NetStream.Unpause.Notify"),
    ]


def test_a_live_stream_cannot_be_sought_in(playing):
    assert playing.call("seek", 0, None, 1000, stream_id=1) == []
    assert playing.statuses() == [("error", "NetStream.Seek.Failed")]


def test_a_player_is_told_when_the_publisher_goes(playing):
    playing.server.unpublish_notify()
    playing.server.stream_eof()
    status, eof = playing.answers()
    assert amf0.decode(status.payload)[3]["code"] == "NetStream.Play.UnpublishNotify"
    assert eof.payload == b"\x00\x01\x00\x00\x00\x01"


def test_an_answer_that_comes_after_the_client_has_gone_on_is_dropped(connected):
    connected.call("publish", 3, None, "name", stream_id=1)
    connected.call("deleteStream", 4, None, 1)
    connected.answers()
    connected.server.accept_publish()
    connected.server.reject_publish("too late")
    connected.server.accept_play()
    connected.server.reject_play("NetStream.Play.Failed", "too late")
    connected.server.unpublish_notify()
    assert connected.answers() == []


def test_accepting_a_connection_that_was_not_asked_for_is_the_callers_mistake():
    with pytest.raises(RuntimeError, match="has not asked to connect"):
        ServerConnection().accept_connect()


def test_encoders_courtesies_are_returned(connected):
    connected.call("releaseStream", 2, None, "name")
    connected.call("FCPublish", 3, None, "name")
    connected.call("getStreamLength", 4, None, "name")
    connected.call("_checkbw", 5, None)
    answers = connected.commands()
    assert [each[:2] for each in answers] == [
        ("_result", 2.0),
        ("_result", 3.0),
        ("onFCPublish", 0.0),
        ("_result", 4.0),
        ("_result", 5.0),
    ]
    assert answers[3][3] == 0.0


def test_unknown_commands_fail_only_when_an_answer_is_wanted(connected):
    connected.call("somethingElse", 0, None)
    connected.call("_result", 9, None)
    assert connected.commands() == []
    connected.call("somethingElse", 9, None)
    assert connected.commands()[0][:2] == ("_error", 9.0)


def test_pings(connected):
    connected.send(commands.user_control(commands.PING_REQUEST, 77))
    assert connected.answers() == [commands.user_control(commands.PING_RESPONSE, 77)]
    connected.server.ping_request(99)
    assert connected.answers() == [commands.user_control(commands.PING_REQUEST, 99)]
    assert connected.send(commands.user_control(commands.PING_RESPONSE, 99)) == [PingAnswered(99)]


def test_bytes_are_acknowledged_as_the_clients_window_asks(publishing):
    publishing.send(commands.window_acknowledgement_size(10_000))
    publishing.send(Message(9, 0, 1, bytes(5000)))
    assert publishing.answers() == []
    publishing.send(Message(9, 40, 1, bytes(5000)))
    assert publishing.answers() == [commands.acknowledgement(publishing.server.bytes_received)]


def test_the_clients_acknowledgements_are_told(connected):
    assert connected.send(commands.acknowledgement(12345)) == [Acknowledged(12345)]


def test_http_on_the_rtmp_port_is_refused_at_once():
    with pytest.raises(RtmpError, match="version 71"):
        ServerConnection().receive(b"GET / HTTP/1.1\r\n")


@given(st.binary(max_size=400), st.integers(1, 50))
@settings(deadline=None)
def test_any_bytes_after_the_handshake_are_read_or_refused_alike_however_they_are_cut(data, piece):
    def outcome(pieces):
        client = Client()
        events = []
        try:
            for each in pieces:
                events += client.server.receive(each)
        except ProtocolError as error:
            return str(error), client.server.data_to_send()
        return events, client.server.data_to_send()

    pieces = [data[start : start + piece] for start in range(0, len(data), piece)]
    assert outcome([data]) == outcome(pieces)


@given(
    st.sampled_from([17, 20]), st.lists(st.one_of(st.text(max_size=9), st.floats(), st.none()), max_size=5)
)
@settings(deadline=None)
def test_commands_of_any_shape_are_answered_or_refused(type_id, values):
    names = ["connect", "createStream", "publish", "play", "pause", "seek", "deleteStream", "closeStream"]
    for name in [*names, "FCPublish", "FCUnpublish", "releaseStream", "getStreamLength"]:
        client = Client()
        client.call("connect", 1, {"app": "live"})
        client.call("createStream", 2, None)
        for stream_id in (0, 1):
            payload = amf0.encode(name, 3, *values)
            with contextlib.suppress(ProtocolError):
                client.send(Message(type_id, 0, stream_id, payload))
