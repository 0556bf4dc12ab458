"""An RTMP client that publishes: control is asked, then its frames go into the stream's log."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import structlog

from oxbow.media.stream import StreamBusyError, StreamWriter
from oxbow.proto.errors import ProtocolError
from oxbow.proto.rtmp.events import Event
from oxbow.proto.rtmp.message import Message
from oxbow.rooms.live.addresses import RtmpAddress
from oxbow.rooms.live.gateways.asking import broadcast_of
from oxbow.rooms.live.gateways.rtmp import bounds
from oxbow.rooms.live.refusing import Refused
from oxbow.rooms.live.worker.cutting import farewell

if TYPE_CHECKING:
    from oxbow.rooms.live.gateways.rtmp.session import RtmpSession

log = structlog.get_logger("oxbow.live.rtmp")


class RtmpPublisher:
    """Asks as soon as it is made; on air from `_start` to `_over`."""

    __slots__ = (
        "_address",
        "_ask",
        "_early",
        "_last_data",
        "_publishes",
        "_received",
        "_session",
        "info",
        "room",
        "writer",
    )

    writer: StreamWriter
    room: int

    def __init__(self, session: RtmpSession, address: RtmpAddress, stream_id: int) -> None:
        self._session = session
        self._address = address
        self._publishes = 0
        """The RTMP stream that it publishes on; 0 while it doesn't."""
        self._early: list[Message] | None = []
        """What an eager encoder sends before it is let in."""
        self._last_data = session.loop.time()
        self._received = 0
        """Bytes from the publisher that nobody has asked for yet."""
        self.info = broadcast_of(session.plane, session, address)
        session.deadline = None
        session.pause_reading()
        self._ask: asyncio.Task[None] | None = session.loop.create_task(self._ask_and_start(stream_id))

    @property
    def fd(self) -> int:
        """Its socket, open until it has ended."""
        return self._session.fd

    def keep_early(self, message: Message) -> None:
        """Media that came with the request to publish."""
        if self._early is not None:
            self._early.append(message)

    async def _ask_and_start(self, stream_id: int) -> None:
        """Ask control, then begin. Whatever control has granted is given back if anything fails."""
        session, address, publishing = self._session, self._address, self._session.plane.publishing
        try:
            answer = await session.plane.link.ask_publish(self.info, address.query, address.domain)
        except TimeoutError:
            publishing.end(self.info, "control_away")  # should it still be granted
            text = "the server can't check this now, try again soon"
            session.reject_publish(stream_id, Refused("control_away", text))
            return
        except asyncio.CancelledError:
            publishing.end(self.info, "disconnected")
            raise
        if answer.refusal:
            refused = Refused(answer.refusal, answer.description, found=answer.found, wanted=answer.wanted)
            session.reject_publish(stream_id, refused)
            return
        try:
            self.writer = await self._open_writer(answer.grace_seconds)
        except (OSError, StreamBusyError) as error:
            publishing.end(self.info, "no_room")
            log.error("no log for a publisher", hub=address.hub, stream=address.stream, error=str(error))
            refused = Refused("no_room", "the server has no room for the stream now")
            session.reject_publish(stream_id, refused)
            return
        except BaseException:
            publishing.end(self.info, "disconnected")
            raise
        self._start(stream_id)

    async def _open_writer(self, grace_seconds: float) -> StreamWriter:
        """The stream's log. A publisher that is being replaced may hold it for a moment longer."""
        plane = self._session.plane
        options = plane.stream_options(grace_seconds)
        for _ in range(bounds.BUSY_RETRIES):
            try:
                return plane.registry.writer(self.info.hub, self.info.stream, options)
            except StreamBusyError:
                await asyncio.sleep(bounds.BUSY_PAUSE)
        return plane.registry.writer(self.info.hub, self.info.stream, options)

    def _start(self, stream_id: int) -> None:
        session, sock = self._session, self._session.sock
        session.plane.publishing.begin(self)
        self._publishes = stream_id
        self._ask = None
        # A publisher is read once a tick or less often: its socket must hold what comes in between.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, bounds.RECEIVE_BUFFER)
        self.room = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 4
        session.rtmp.accept_publish(stream_id)
        session.flush()
        self._last_data = session.loop.time()
        if self._early and session.fd >= 0:
            self.writer.write(self._early)
        self._early = None
        log.info("publishing", client=session.peer, hub=self.info.hub, stream=self.info.stream)

    def gather(self) -> int:
        """Read what has come since the last tick; the socket is not watched while the stream runs."""
        session = self._session
        media: list[Message] = []
        events: list[Event] = []
        size, reason = self._read(media, events)
        if size:
            self._received += size
            self._last_data = session.loop.time()
        self.writer.write(media)
        self.writer.run_framings()
        for event in events:
            if session.fd >= 0:
                session.handle(event)
        session.flush()
        if reason:
            session.close(reason)
        return size

    def _read(self, media: list[Message], events: list[Event]) -> tuple[int, str]:
        """(bytes read, why the connection is over or "")."""
        sock, rtmp, size = self._session.sock, self._session.rtmp, 0
        try:
            for _ in range(bounds.READS_PER_TICK):
                data = sock.recv(bounds.READ_SIZE)
                if not data:
                    return size, "disconnected"
                size += len(data)
                rtmp.receive_media(data, media, events)
                if len(data) < bounds.READ_SIZE:
                    break
        except BlockingIOError:
            pass
        except OSError:
            return size, "disconnected"
        except ProtocolError as error:
            self._session.refuse(Refused("protocol_error", str(error)))
            return size, "protocol_error"
        return size, ""

    def second(self) -> None:
        """Housekeeping, about once a second."""
        self.writer.second()
        if self.silent_seconds() > self._session.plane.settings.publish_idle_seconds:
            self._session.close("silent")

    def failed(self, error: Exception) -> None:
        """Something nobody foresaw happened while it was read."""
        self._session.door.crashed(self._session, error)
        self._session.close("internal_error")

    def silent_seconds(self) -> float:
        """How long nothing has come from the publisher."""
        return self._session.loop.time() - self._last_data

    def take_received(self) -> int:
        """Bytes that came from the publisher since last asked."""
        received, self._received = self._received, 0
        return received

    def cut(self, reason: str) -> None:
        """Disconnect the publisher, who is told why."""
        session = self._session
        told = session.refuse(farewell(session.plane, self.info.hub, self.info.stream, reason))
        session.rtmp.reject_publish(f"{reason}: {told}", self._publishes)
        self._over(reason)
        session.flush()
        if session.fd >= 0:
            session.close_when_sent()

    def closed(self, reason: str) -> None:
        """The connection is over."""
        if self._ask is not None:
            self._ask.cancel()
        elif self._publishes:
            self._over(reason)

    def _over(self, reason: str) -> None:
        """The broadcast is over, though the connection may last for some last words."""
        self._publishes = 0
        client = self._session.peer
        log.info("published", hub=self.info.hub, stream=self.info.stream, client=client, reason=reason)
        self._session.plane.publishing.end(self.info, reason)
