"""An RTMP client that plays: the configuration decides, then the fan-out serves its socket."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from oxbow.media.formats import RTMP
from oxbow.media.viewer import Viewer
from oxbow.rooms.live.addresses import RtmpAddress
from oxbow.rooms.live.control.messages import AskPlay
from oxbow.rooms.live.gateways.asking import check_origin, question_about
from oxbow.rooms.live.refusing import AddressError, Refused
from oxbow.rooms.live.snapshot import PlayRefused, Visitor, decide_play
from oxbow.rooms.live.ways import way_of
from oxbow.rooms.live.worker.cutting import farewell

if TYPE_CHECKING:
    from oxbow.rooms.live.gateways.rtmp.session import RtmpSession

PLAY_STREAM_ID = 1


class RtmpPlayer:
    """Watches, or is paused, from being let in until the stream or the connection ends."""

    __slots__ = ("_address", "_ask", "_may_watch", "_session", "_viewer")

    def __init__(self, session: RtmpSession, address: RtmpAddress) -> None:
        self._session = session
        self._address = address
        self._ask: asyncio.Task[None] | None = None
        self._viewer: Viewer | None = None
        self._may_watch = False  # until it is let in to play: before, no pause can end

    def ask(self, stream_id: int) -> None:
        """Decide, or have an operator's server decide."""
        session, address = self._session, self._address
        try:
            if stream_id != PLAY_STREAM_ID:
                raise AddressError("bad_address", "a connection plays on its first stream")
            ip = session.peer.rpartition(":")[0]
            visitor = Visitor(ip, session.page, area=session.plane.geo.place(ip).area)
            grant = decide_play(session.plane.config, address, address.domain, "rtmp", time.time(), visitor)
        except (AddressError, PlayRefused) as error:
            session.reject_play(stream_id, error)
            return
        if grant.asks_origin:
            question = question_about(address, grant, visitor, "rtmp", session.peer)
            session.deadline = None
            self._ask = session.loop.create_task(self._ask_origin(question, stream_id))
        else:
            self._begin(stream_id)

    async def _ask_origin(self, question: AskPlay, stream_id: int) -> None:
        """An operator's server decides about the viewer."""
        try:
            await check_origin(self._session.plane.link, question)
        except PlayRefused as error:
            self._ask = None
            self._session.reject_play(stream_id, error)
        else:
            self._begin(stream_id)

    def _begin(self, stream_id: int) -> None:
        self._ask, self._may_watch = None, True
        self._session.rtmp.accept_play(stream_id)
        self._session.flush()
        if self._session.fd >= 0:
            self._watch()

    def _watch(self) -> None:
        session, address, plane = self._session, self._address, self._session.plane
        session.deadline = None
        place = plane.geo.place(session.peer.rpartition(":")[0])
        self._viewer = Viewer(session.sock, self, way_of(plane.config, address.domain, place))
        patience = plane.settings.play_wait_seconds
        plane.watching.watch(address.hub, address.stream, RTMP, self._viewer, patience)

    def say(self, data: bytes) -> bool:
        """Send something between the stream's bytes; False if none are being sent."""
        return self._viewer is not None and self._session.plane.watching.say(self._viewer, data)

    def pause(self, paused: bool) -> None:
        """Stop or go on."""
        viewer = self._viewer
        if paused and viewer is not None:
            self._session.flush()
            if viewer.own or viewer.pending:
                return  # it lags: stopped in the middle of a message, it could not be sent anything else
            self._session.plane.watching.leave(viewer)
            self._viewer = None
        elif not paused and self._viewer is None and self._may_watch:
            self._watch()

    def preamble(self, head: bytes) -> bytes:
        """The stream is there: anything still unsent goes first."""
        return self._session.take_unsent() + head

    def viewer_gone(self, viewer: Viewer, reason: str) -> None:
        """The viewer doesn't watch any more."""
        session = self._session
        self._viewer = None
        if reason == "disconnected":
            session.close(reason)
            return
        if reason == "not_live":
            told = session.refuse(Refused(reason, "the stream is not live"))
            session.rtmp.reject_play("NetStream.Play.StreamNotFound", told)
        elif not viewer.whole:
            session.close(reason)  # in the middle of a message nothing else can be said
            return
        elif reason == "ended":
            session.rtmp.stream_eof()
            session.rtmp.unpublish_notify()
        else:
            text = farewell(session.plane, self._address.hub, self._address.stream, reason).description
            session.rtmp.stream_eof()
            session.rtmp.reject_play("NetStream.Play.Failed", text)
        session.flush()
        if session.fd >= 0:
            session.close_when_sent()

    def closed(self, reason: str) -> None:
        """The connection is over."""
        if self._ask is not None:
            self._ask.cancel()
        if self._viewer is not None:
            self._session.plane.watching.leave(self._viewer)
