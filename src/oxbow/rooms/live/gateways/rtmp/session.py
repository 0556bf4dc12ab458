"""One RTMP client: what it says, until it is known whether it publishes or plays."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial

from oxbow.kernel.refusals.models import PLAY, PUBLISH
from oxbow.proto.errors import ProtocolError
from oxbow.proto.rtmp.events import (
    ConnectRequested,
    Event,
    PauseRequested,
    PlayRequested,
    PublishRequested,
    StreamClosed,
)
from oxbow.proto.rtmp.message import Message
from oxbow.proto.rtmp.server import ServerConnection
from oxbow.rooms.live.addresses import RtmpAddress
from oxbow.rooms.live.gateways.connection import Connection
from oxbow.rooms.live.gateways.door import Door
from oxbow.rooms.live.gateways.rtmp.asked import asked_over_rtmp
from oxbow.rooms.live.gateways.rtmp.player import RtmpPlayer
from oxbow.rooms.live.gateways.rtmp.publisher import RtmpPublisher
from oxbow.rooms.live.gateways.rtmp.target import rtmp_address
from oxbow.rooms.live.refusing import MAX_ADDRESS, AddressError, Refused
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.refusals import new_request_id


class RtmpSession(Connection):
    """Handshake and commands; with the first address that is one, a publisher or a player is added, for
    good."""

    __slots__ = ("_address", "_app", "_asked_for", "_side", "_tc_url", "page", "plane", "rtmp")

    def __init__(
        self, plane: Plane, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str, door: Door
    ) -> None:
        self.plane = plane
        self.rtmp = ServerConnection(max_message_size=plane.settings.max_message_bytes)
        self.page = ""
        """That a player is on."""
        self._app = self._tc_url = ""
        self._asked_for = (PUBLISH, "")
        """What the client wants, and the name as it typed it."""
        self._address: RtmpAddress | None = None
        self._side: RtmpPublisher | RtmpPlayer | None = None
        super().__init__(loop, sock, peer, door)

    def received(self, data: bytes) -> None:
        """Bytes from a client that doesn't publish (yet)."""
        try:
            events = self.rtmp.receive(data)
            for event in events:
                self.handle(event)
        except (ProtocolError, AddressError) as error:
            self.refuse(Refused("protocol_error", str(error)))
            self.flush()
            self.close_when_sent()
            return
        self.flush()

    def handle(self, event: Event) -> None:
        """What the client asks for."""
        match event:
            case Message():
                if isinstance(self._side, RtmpPublisher):
                    self._side.keep_early(event)
            case ConnectRequested():
                self._app, self._tc_url = event.app, event.tc_url
                self.page = str(event.properties.get("pageUrl") or "")[:MAX_ADDRESS]
                self.rtmp.accept_connect()
            case PublishRequested():
                self._publish(event)
            case PlayRequested():
                self._play(event)
            case PauseRequested():
                if isinstance(self._side, RtmpPlayer):
                    self._side.pause(event.paused)
            case StreamClosed():
                self.flush()
                self.close("finished")

    def flush(self) -> None:
        """Send what the protocol has to say; between the stream's bytes, if this is a viewer."""
        data = self.rtmp.data_to_send()
        if data and not (isinstance(self._side, RtmpPlayer) and self._side.say(data)):
            self.send(data)

    def refuse(self, refused: Refused) -> str:
        """Keep a record; what the client is told, with the id that finds the record again."""
        reqid, address = new_request_id(), self._address
        what, name = self._asked_for
        asked = asked_over_rtmp(what, self.peer, self._tc_url or self._app, name, address)
        self.plane.refusals.add(asked, refused, reqid)
        return f"{refused.description} (reqid {reqid})"

    def reject_publish(self, stream_id: int, refused: Refused) -> None:
        """Say why not, and hang up."""
        self.rtmp.reject_publish(f"{refused.reason}: {self.refuse(refused)}", stream_id)
        self.flush()
        self.close_when_sent()

    def reject_play(self, stream_id: int, refused: Refused) -> None:
        """Say why not, and hang up."""
        self.rtmp.reject_play("NetStream.Play.Failed", self.refuse(refused), stream_id)
        self.flush()
        self.close_when_sent()

    def _publish(self, event: PublishRequested) -> None:
        self._asked_for = (PUBLISH, event.name)
        try:
            address = self._take_address(event.name)
        except AddressError as error:
            self.reject_publish(event.stream_id, error)
        else:
            self._side = RtmpPublisher(self, address, event.stream_id)

    def _play(self, event: PlayRequested) -> None:
        self._asked_for = (PLAY, event.name)
        try:
            address = self._take_address(event.name)
        except AddressError as error:
            self.reject_play(event.stream_id, error)
        else:
            self._side = RtmpPlayer(self, address)
            self._side.ask(event.stream_id)

    def _take_address(self, name: str) -> RtmpAddress:
        """What the client asks to publish or play, once for all: a second stream on the same connection
        would take the place of the first one, which nobody would ever end."""
        if self._address is not None:
            raise AddressError("second_stream", "a connection publishes or plays one stream")
        self._address = rtmp_address(self.plane.config, self._app, self._tc_url, name)
        return self._address

    def closed(self, reason: str) -> None:
        """Give back what the connection holds."""
        if self._side is not None:
            self._side.closed(reason)


def rtmp_factory(plane: Plane) -> Callable[..., Connection]:
    """What a Door makes of an accepted connection."""
    return partial(RtmpSession, plane)
