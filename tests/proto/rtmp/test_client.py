"""The client's end, against our own server."""

import pytest

from oxbow.proto import amf0
from oxbow.proto.rtmp.chunks import Message
from oxbow.proto.rtmp.client import ClientConnection, Connected, StatusReceived, StreamEnded
from oxbow.proto.rtmp.events import (
    ConnectRequested,
    PingAnswered,
    PlayRequested,
    PublishRequested,
    StreamClosed,
)
from oxbow.proto.rtmp.server import ServerConnection


class Wire:
    """A client and a server that says yes, and what each of them was told."""

    def __init__(self, client):
        self.client = client
        self.server = ServerConnection()
        self.at_server = []
        self.at_client = []

    def exchange(self):
        while True:
            to_server, to_client = self.client.data_to_send(), self.server.data_to_send()
            if not to_server and not to_client:
                return
            self.at_client += self.client.receive(to_client)
            for event in self.server.receive(to_server):
                self.at_server.append(event)
                self._accept(event)

    def _accept(self, event):
        if isinstance(event, ConnectRequested):
            self.server.accept_connect()
        elif isinstance(event, PublishRequested):
            self.server.accept_publish(event.stream_id)
        elif isinstance(event, PlayRequested):
            self.server.accept_play(event.stream_id)


@pytest.mark.parametrize("chunk_size", [128, 60_000])
def test_publishing(chunk_size):
    wire = Wire(ClientConnection("live", "rtmp://host/live", chunk_size=chunk_size))
    wire.client.publish("name?token=x")
    wire.exchange()
    assert isinstance(wire.at_client[0], Connected)
    assert wire.at_client[1:] == [
        StatusReceived("status", "NetStream.Publish.Start", "name is now published.")
    ]
    wire.at_server.clear()
    wire.client.send_metadata({"width": 320})
    wire.client.send(9, 40, b"\x17\x01" + bytes(1000))
    wire.client.close_stream()
    wire.exchange()
    assert wire.at_server == [
        Message(18, 0, 1, amf0.encode("onMetaData", amf0.EcmaArray(width=320))),
        Message(9, 40, 1, b"\x17\x01" + bytes(1000)),
        StreamClosed(1),
    ]


def test_playing_after_having_connected():
    wire = Wire(ClientConnection("live", "rtmp://host/live", properties={"fourCcList": ["*"]}))
    wire.exchange()
    (connected,) = wire.at_client
    assert "hvc1" in connected.properties["fourCcList"]
    wire.client.play("name")
    wire.exchange()
    assert wire.at_server[-1] == PlayRequested(1, "name", -2.0, -1.0, True, 0.0)
    codes = [each.code for each in wire.at_client if isinstance(each, StatusReceived)]
    assert codes == ["NetStream.Play.Reset", "NetStream.Play.Start"]
    wire.server.stream_eof()
    wire.server.ping_request(5)
    wire.exchange()
    assert wire.at_client[-1] == StreamEnded()
    assert wire.at_server[-1] == PingAnswered(5)


def test_refusals_reach_the_client_with_their_reason():
    client, server = ClientConnection("live", "rtmp://host/live"), ServerConnection()
    client.publish("name")
    for _ in range(2):
        server.receive(client.data_to_send())
        client.receive(server.data_to_send())
    server.receive(client.data_to_send())
    server.reject_connect("no such hub")
    assert client.receive(server.data_to_send()) == [
        StatusReceived("error", "NetConnection.Connect.Rejected", "no such hub")
    ]


def test_a_connection_is_for_one_stream():
    client = ClientConnection("live", "rtmp://host/live")
    client.publish("name")
    with pytest.raises(RuntimeError, match="one stream"):
        client.play("name")
