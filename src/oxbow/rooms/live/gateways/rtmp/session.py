"""One RTMP client: an encoder that publishes, or a player that plays. Policy is asked here, media is carried
elsewhere."""

import asyncio
import socket
import time
from collections.abc import Callable
from functools import partial

import structlog

from oxbow.kernel.refusals.models import PLAY, PUBLISH
from oxbow.media.formats import RTMP
from oxbow.media.stream import StreamBusyError, StreamWriter
from oxbow.media.viewer import Viewer
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
from oxbow.rooms.live.control.messages import AskPlay, LivePublisher
from oxbow.rooms.live.gateways.asking import broadcast_of, check_origin, question_about
from oxbow.rooms.live.gateways.connection import Connection
from oxbow.rooms.live.gateways.door import Door
from oxbow.rooms.live.gateways.rtmp import bounds
from oxbow.rooms.live.gateways.rtmp.asked import asked_over_rtmp
from oxbow.rooms.live.gateways.rtmp.target import rtmp_address
from oxbow.rooms.live.refusing import MAX_ADDRESS, AddressError, Refused
from oxbow.rooms.live.snapshot import PlayRefused, Visitor, decide_play
from oxbow.rooms.live.ways import way_of
from oxbow.rooms.live.worker.cutting import farewell
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.refusals import new_request_id

PLAY_STREAM_ID = 1

log = structlog.get_logger("oxbow.live.rtmp")


class RtmpSession(Connection):
    """States: asking (handshake, commands), then publishing or watching, until closed."""

    __slots__ = (
        "_address",
        "_app",
        "_ask",
        "_asked_for",
        "_early",
        "_last_data",
        "_may_watch",
        "_page",
        "_plane",
        "_publishes",
        "_received",
        "_rtmp",
        "_tc_url",
        "_viewer",
        "info",
        "room",
        "writer",
    )

    info: LivePublisher
    writer: StreamWriter
    room: int

    def __init__(
        self, plane: Plane, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str, door: Door
    ) -> None:
        self._plane = plane
        self._publishes = 0
        """The RTMP stream that it publishes on; 0 while it doesn't."""
        self._rtmp = ServerConnection(max_message_size=plane.settings.max_message_bytes)
        self._app = self._tc_url = self._page = ""
        self._asked_for = (PUBLISH, "")
        """What the client wants, and the name as it typed it."""
        self._address: RtmpAddress | None = None
        self._ask: asyncio.Task[None] | None = None
        self._early: list[Message] | None = None
        """Set from the request to publish on: what an eager encoder sends before it is let in."""
        self._viewer: Viewer | None = None
        self._may_watch = False  # until it is let in to play: before, no pause can end
        self._last_data = loop.time()
        self._received = 0
        """Bytes from the publisher that nobody has asked for yet."""
        super().__init__(loop, sock, peer, door)

    def received(self, data: bytes) -> None:
        """Bytes from a client that doesn't publish (yet)."""
        try:
            events = self._rtmp.receive(data)
            for event in events:
                self._handle(event)
        except (ProtocolError, AddressError) as error:
            self._refuse(Refused("protocol_error", str(error)))
            self._flush()
            self.close_when_sent()
            return
        self._flush()

    def _handle(self, event: Event) -> None:
        match event:
            case Message():
                if self._early is not None:
                    self._early.append(event)
            case ConnectRequested():
                self._app, self._tc_url = event.app, event.tc_url
                self._page = str(event.properties.get("pageUrl") or "")[:MAX_ADDRESS]
                self._rtmp.accept_connect()
            case PublishRequested():
                self._publish(event)
            case PlayRequested():
                self._play(event)
            case PauseRequested():
                self._pause(event.paused)
            case StreamClosed():
                self._flush()
                self.close("finished")

    def _flush(self) -> None:
        """Send what the protocol has to say; between the stream's bytes, if this is a viewer."""
        data = self._rtmp.data_to_send()
        if data and not (self._viewer is not None and self._plane.watching.say(self._viewer, data)):
            self.send(data)

    def _take_address(self, name: str) -> RtmpAddress:
        """What the client asks to publish or play, once for all: a second stream on the same connection
        would take the place of the first one, which nobody would ever end."""
        if self._address is not None:
            raise AddressError("second_stream", "a connection publishes or plays one stream")
        self._address = rtmp_address(self._plane.config, self._app, self._tc_url, name)
        return self._address

    def _refuse(self, refused: Refused) -> str:
        """Keep a record; what the client is told, with the id that finds the record again."""
        reqid, address = new_request_id(), self._address
        what, name = self._asked_for
        asked = asked_over_rtmp(what, self.peer, self._tc_url or self._app, name, address)
        self._plane.refusals.add(asked, refused, reqid)
        return f"{refused.description} (reqid {reqid})"

    # Publishing.

    def _publish(self, event: PublishRequested) -> None:
        self._asked_for = (PUBLISH, event.name)
        try:
            address = self._take_address(event.name)
        except AddressError as error:
            self._reject_publish(event.stream_id, error)
            return
        self._early = []
        self.deadline = None
        self.info = broadcast_of(self._plane, self, address)
        self.pause_reading()
        self._ask = self.loop.create_task(self._ask_and_start(event.stream_id, address))

    def _reject_publish(self, stream_id: int, refused: Refused) -> None:
        self._rtmp.reject_publish(f"{refused.reason}: {self._refuse(refused)}", stream_id)
        self._flush()
        self.close_when_sent()

    async def _ask_and_start(self, stream_id: int, address: RtmpAddress) -> None:
        """Ask control, then begin. Whatever control has granted is given back if anything fails."""
        try:
            answer = await self._plane.link.ask_publish(self.info, address.query, address.domain)
        except TimeoutError:
            self._plane.publishing.end(self.info, "control_away")  # should it still be granted
            text = "the server can't check this now, try again soon"
            self._reject_publish(stream_id, Refused("control_away", text))
            return
        except asyncio.CancelledError:
            self._plane.publishing.end(self.info, "disconnected")
            raise
        if answer.refusal:
            refused = Refused(answer.refusal, answer.description, found=answer.found, wanted=answer.wanted)
            self._reject_publish(stream_id, refused)
            return
        try:
            self.writer = await self._open_writer(answer.grace_seconds)
        except (OSError, StreamBusyError) as error:
            self._plane.publishing.end(self.info, "no_room")
            log.error("no log for a publisher", hub=address.hub, stream=address.stream, error=str(error))
            refused = Refused("no_room", "the server has no room for the stream now")
            self._reject_publish(stream_id, refused)
            return
        except BaseException:
            self._plane.publishing.end(self.info, "disconnected")
            raise
        self._start(stream_id)

    async def _open_writer(self, grace_seconds: float) -> StreamWriter:
        """The stream's log. A publisher that is being replaced may hold it for a moment longer."""
        options = self._plane.stream_options(grace_seconds)
        for _ in range(bounds.BUSY_RETRIES):
            try:
                return self._plane.registry.writer(self.info.hub, self.info.stream, options)
            except StreamBusyError:
                await asyncio.sleep(bounds.BUSY_PAUSE)
        return self._plane.registry.writer(self.info.hub, self.info.stream, options)

    def _start(self, stream_id: int) -> None:
        self._plane.publishing.begin(self)
        self._publishes = stream_id
        self._ask = None
        # A publisher is read once a tick or less often: its socket must hold what comes in between.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, bounds.RECEIVE_BUFFER)
        self.room = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 4
        self._rtmp.accept_publish(stream_id)
        self._flush()
        self._last_data = self.loop.time()
        if self._early and self.fd >= 0:
            self.writer.write(self._early)
        self._early = None
        log.info("publishing", client=self.peer, hub=self.info.hub, stream=self.info.stream)

    def gather(self) -> int:
        """Read what has come since the last tick; the socket is not watched while the stream runs."""
        media: list[Message] = []
        events: list[Event] = []
        size, reason = self._read(media, events)
        if size:
            self._received += size
            self._last_data = self.loop.time()
        self.writer.write(media)
        self.writer.run_framings()
        for event in events:
            if self.fd >= 0:
                self._handle(event)
        self._flush()
        if reason:
            self.close(reason)
        return size

    def _read(self, media: list[Message], events: list[Event]) -> tuple[int, str]:
        """(bytes read, why the connection is over or "")."""
        size = 0
        try:
            for _ in range(bounds.READS_PER_TICK):
                data = self.sock.recv(bounds.READ_SIZE)
                if not data:
                    return size, "disconnected"
                size += len(data)
                self._rtmp.receive_media(data, media, events)
                if len(data) < bounds.READ_SIZE:
                    break
        except BlockingIOError:
            pass
        except OSError:
            return size, "disconnected"
        except ProtocolError as error:
            self._refuse(Refused("protocol_error", str(error)))
            return size, "protocol_error"
        return size, ""

    def second(self) -> None:
        """Housekeeping, about once a second."""
        self.writer.second()
        if self.silent_seconds() > self._plane.settings.publish_idle_seconds:
            self.close("silent")

    def failed(self, error: Exception) -> None:
        """Something nobody foresaw happened while it was read."""
        self.door.crashed(self, error)
        self.close("internal_error")

    def silent_seconds(self) -> float:
        """How long nothing has come from the publisher."""
        return self.loop.time() - self._last_data

    def take_received(self) -> int:
        """Bytes that came from the publisher since last asked."""
        received, self._received = self._received, 0
        return received

    def cut(self, reason: str) -> None:
        """Disconnect the publisher, who is told why."""
        told = self._refuse(farewell(self._plane.config, self.info.hub, self.info.stream, reason))
        self._rtmp.reject_publish(f"{reason}: {told}", self._publishes)
        self._over(reason)
        self._flush()
        if self.fd >= 0:
            self.close_when_sent()

    # Playing.

    def _play(self, event: PlayRequested) -> None:
        self._asked_for = (PLAY, event.name)
        try:
            address = self._take_address(event.name)
            if event.stream_id != PLAY_STREAM_ID:
                raise AddressError("bad_address", "a connection plays on its first stream")
            ip = self.peer.rpartition(":")[0]
            visitor = Visitor(ip, self._page, area=self._plane.geo.place(ip).area)
            grant = decide_play(self._plane.config, address, address.domain, "rtmp", time.time(), visitor)
        except (AddressError, PlayRefused) as error:
            self._reject_play(error, event.stream_id)
            return
        if grant.asks_origin:
            question = question_about(address, grant, visitor, "rtmp", self.peer)
            self.deadline = None
            self._ask = self.loop.create_task(self._ask_origin(question, event.stream_id))
        else:
            self._begin_to_play(event.stream_id)

    def _reject_play(self, refused: Refused, stream_id: int) -> None:
        self._ask = None
        self._rtmp.reject_play("NetStream.Play.Failed", self._refuse(refused), stream_id)
        self._flush()
        self.close_when_sent()

    async def _ask_origin(self, question: AskPlay, stream_id: int) -> None:
        """An operator's server decides about the viewer."""
        try:
            await check_origin(self._plane.link, question)
        except PlayRefused as error:
            self._reject_play(error, stream_id)
        else:
            self._begin_to_play(stream_id)

    def _begin_to_play(self, stream_id: int) -> None:
        self._ask, self._may_watch = None, True
        self._rtmp.accept_play(stream_id)
        self._flush()
        if self.fd >= 0:
            self._watch()

    def _watch(self) -> None:
        assert self._address is not None
        self.deadline = None
        place = self._plane.geo.place(self.peer.rpartition(":")[0])
        self._viewer = Viewer(self.sock, self, way_of(self._plane.config, self._address.domain, place))
        patience = self._plane.settings.play_wait_seconds
        self._plane.watching.watch(self._address.hub, self._address.stream, RTMP, self._viewer, patience)

    def _pause(self, paused: bool) -> None:
        viewer = self._viewer
        if paused and viewer is not None:
            self._flush()
            if viewer.own or viewer.pending:
                return  # it lags: stopped in the middle of a message, it could not be sent anything else
            self._plane.watching.leave(viewer)
            self._viewer = None
        elif not paused and self._viewer is None and self._may_watch:
            self._watch()

    def preamble(self, head: bytes) -> bytes:
        """The stream is there: anything still unsent goes first."""
        return self.take_unsent() + head

    def viewer_gone(self, viewer: Viewer, reason: str) -> None:
        """The viewer doesn't watch any more."""
        self._viewer = None
        if reason == "disconnected":
            self.close(reason)
            return
        if reason == "not_live":
            told = self._refuse(Refused(reason, "the stream is not live"))
            self._rtmp.reject_play("NetStream.Play.StreamNotFound", told)
        elif not viewer.whole:
            self.close(reason)  # in the middle of a message nothing else can be said
            return
        elif reason == "ended":
            self._rtmp.stream_eof()
            self._rtmp.unpublish_notify()
        else:
            assert self._address is not None
            hub, stream = self._address.hub, self._address.stream
            text = farewell(self._plane.config, hub, stream, reason).description
            self._rtmp.stream_eof()
            self._rtmp.reject_play("NetStream.Play.Failed", text)
        self._flush()
        if self.fd >= 0:
            self.close_when_sent()

    def closed(self, reason: str) -> None:
        """Give back what the connection holds."""
        if self._ask is not None:
            self._ask.cancel()
        elif self._publishes:
            self._over(reason)
        if self._viewer is not None:
            self._plane.watching.leave(self._viewer)

    def _over(self, reason: str) -> None:
        """The broadcast is over, though the connection may last for some last words."""
        self._publishes = 0
        log.info("published", hub=self.info.hub, stream=self.info.stream, client=self.peer, reason=reason)
        self._plane.publishing.end(self.info, reason)


def rtmp_factory(plane: Plane) -> Callable[..., Connection]:
    """What a Door makes of an accepted connection."""
    return partial(RtmpSession, plane)
