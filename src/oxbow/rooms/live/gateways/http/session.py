"""One HTTP client of the media port: FLV, FLV over WebSocket, HLS playlists and segments."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import structlog
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed

from oxbow.media.formats import FLV, WEBSOCKET, Format
from oxbow.media.viewer import Viewer
from oxbow.proto.websocket import accept_key, binary_header, close_reason
from oxbow.rooms.live.addresses import PlayAddress, parse_play_path
from oxbow.rooms.live.control.messages import AskPlay
from oxbow.rooms.live.gateways.asking import check_origin, question_about
from oxbow.rooms.live.gateways.connection import Connection
from oxbow.rooms.live.gateways.door import Door
from oxbow.rooms.live.gateways.http.asked import asked_over_http
from oxbow.rooms.live.gateways.http.exchange import Exchange
from oxbow.rooms.live.gateways.http.proof import HEADERS as PROOF_HEADERS
from oxbow.rooms.live.gateways.http.proof import proof_for
from oxbow.rooms.live.gateways.http.request import Request
from oxbow.rooms.live.gateways.http.response import PREFLIGHT, close_code, head, upgraded
from oxbow.rooms.live.gateways.http.target import SEGMENT, Target, split_session, target_of
from oxbow.rooms.live.play_session import SessionScope, seal
from oxbow.rooms.live.refusing import AddressError, Refused
from oxbow.rooms.live.snapshot import PlayGrant, PlayRefused, Visitor, decide_play
from oxbow.rooms.live.ways import Way, way_of
from oxbow.rooms.live.worker.cutting import farewell
from oxbow.rooms.live.worker.plane import Plane
from oxbow.rooms.live.worker.refusals import Asked
from oxbow.rooms.live.worker.shelf import Seal

PLAYLIST_PATIENCE = 20.0
"""Seconds that the first request for a playlist may wait for the first segment."""

log = structlog.get_logger("oxbow.live.http")


class HttpSession(Exchange):
    """Answers one request after the other, until one of them turns the connection into a viewer."""

    __slots__ = (
        "_asking",
        "_fetch",
        "_format",
        "_frames",
        "_place",
        "_plane",
        "_viewer",
        "_waiting",
    )

    def __init__(
        self, plane: Plane, loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: str, door: Door
    ) -> None:
        self._plane = plane
        self._place = ("", "")
        """(hub, stream) that the viewer was let in to."""
        self._waiting: tuple[str, str, Callable[[bytes | None], None]] | None = None
        """The playlist that is waited for: hub, stream, and the answer's way."""
        self._asking: asyncio.Task[None] | None = None
        """Waits for whoever decides about the viewer."""
        self._fetch: tuple[str, str, Way] | None = None
        """Whose HLS is being answered, by what its bytes are counted: hub, stream, way."""
        self._viewer: Viewer | None = None
        self._format: Format = FLV
        self._frames: FrameProtocol | None = None
        super().__init__(loop, sock, peer, door)

    def received(self, data: bytes) -> None:
        """Requests; from a WebSocket viewer, frames; from an FLV viewer, nothing that matters."""
        if self._viewer is not None:
            if self._format is WEBSOCKET:
                self._frames_received(data)
        else:
            super().received(data)

    def _answer(self, request: Request) -> None:
        if not self.has_unsent:  # else its last bytes are still to be counted
            self._fetch = None
        if request.method == "OPTIONS":
            self._respond(204, PREFLIGHT, b"")
        elif request.method not in ("GET", "HEAD"):
            self._fail(405, "the media port takes GET, HEAD and OPTIONS", {"Allow": "GET, HEAD, OPTIONS"})
        else:
            with self._refusing():
                self._deliver(request)

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Answer with the refusal that is raised."""
        try:
            yield
        except (AddressError, PlayRefused) as error:
            self._refuse(error.http_status if isinstance(error, PlayRefused) else 404, error)

    def _deliver(self, request: Request) -> None:
        config = self._plane.config
        if (proof := proof_for(config, request.path)) is not None:
            self._respond(200, PROOF_HEADERS, proof)
            return
        target = target_of(config, request, secure=self.door.secure)
        segment = SEGMENT.fullmatch(target.path)
        path = f"{segment[1]}.ts" if segment is not None else target.path
        address = parse_play_path(path, target.query)
        protocol = "flv" if address.extension == "flv" else "hls"
        host, now = request.headers.get("host"), time.time()
        place = self._plane.geo.place(self.peer.rpartition(":")[0])
        visitor = self._visitor(request, address, segment[2] if segment is not None else None, place.area)
        grant = decide_play(config, address, host, protocol, now, visitor)
        self._place = grant.hub, grant.stream
        let_in = partial(self._let_in, request, address, grant, way_of(config, host, place), target)
        if grant.asks_origin:
            question = question_about(address, grant, visitor, protocol, self.peer)
            self._asking = self.loop.create_task(self._ask_origin(question, let_in))
        else:
            let_in()

    async def _ask_origin(self, question: AskPlay, let_in: Callable[[], None]) -> None:
        """An operator's server decides; what the client asks for next waits."""
        try:
            with self._refusing():
                await check_origin(self._plane.link, question)
                let_in()
            self._next()
        except Exception as error:
            self.door.crashed(self, error)
            self.close("internal_error")

    def _let_in(
        self, request: Request, address: PlayAddress, grant: PlayGrant, way: Way, target: Target
    ) -> None:
        segment = SEGMENT.fullmatch(target.path)
        if address.extension == "flv":
            self._deliver_flv(request, address, way)
        elif address.extension == "m3u8":
            self._deliver_playlist(address, grant, way, f"/{address.hub}/" if target.is_rewritten else "")
        elif segment is not None:
            self._deliver_segment(address, segment[2], int(segment[3]), way)
        else:
            raise AddressError("bad_address", "a stream is played as .flv or .m3u8")

    def _visitor(self, request: Request, address: PlayAddress, life: str | None, area: str) -> Visitor:
        """`life` is the broadcast that a segment's path names; a playlist's session is of the current one."""
        session = None if address.extension == "flv" else split_session(address.query)[1]
        if session is not None and life is None and address.hub in self._plane.config.hubs:
            life = self._plane.shelf.life(address.hub, address.stream)
        ip = self.peer.rpartition(":")[0]
        return Visitor(ip, request.headers.get("referer", ""), session, life or "", area)

    # FLV, plain and over WebSocket.

    def _deliver_flv(self, request: Request, address: PlayAddress, way: Way) -> None:
        if request.method == "HEAD":
            live = self._plane.registry.reader(address.hub, address.stream)
            if live is None:
                self._refuse(404, Refused("not_live", "the stream is not live"))
            else:
                live.close()
                self._respond(200, {"Content-Type": "video/x-flv", "Cache-Control": "no-store"}, b"")
            return
        if request.headers.get("upgrade", "").lower() == "websocket":
            if "sec-websocket-key" not in request.headers:
                self._fail(400, "a WebSocket request carries Sec-WebSocket-Key")
                return
            self._format = WEBSOCKET
        self._viewer = Viewer(self.sock, self, way)
        self._reader = None
        self._queue.clear()
        patience = self._plane.settings.play_wait_seconds
        self._plane.watching.watch(address.hub, address.stream, self._format, self._viewer, patience)

    def preamble(self, head_: bytes) -> bytes:
        """The stream is there: the response begins."""
        request = self._request
        unsent = self.take_unsent()
        if self._format is WEBSOCKET and request is not None:
            accept = accept_key(request.headers["sec-websocket-key"].encode("latin-1")).decode()
            self._request, self._frames = None, FrameProtocol(client=False, extensions=[])
            return unsent + upgraded(accept, self._reqid) + binary_header(len(head_)) + head_
        headers = {"Content-Type": "video/x-flv", "Cache-Control": "no-store"}
        self._request = None
        return unsent + head(200, headers, self._reqid, keep_alive=False) + head_

    def viewer_gone(self, viewer: Viewer, reason: str) -> None:
        """The viewer doesn't watch any more; if it never did, its request is answered now."""
        self._viewer = None
        if self._request is not None and reason != "disconnected":
            self._request.keep_alive = False
            self._refuse(404 if reason == "not_live" else 403, self._farewell(reason))
        elif self._frames is not None and reason != "disconnected" and viewer.whole:
            code = CloseReason.NORMAL_CLOSURE if reason == "ended" else CloseReason.POLICY_VIOLATION
            text = self._farewell(reason).description
            self.send(bytes(self._frames.close(code, close_reason(text))))
            if self.fd >= 0:
                self.close_when_sent()
        else:
            self.close(reason)

    def _farewell(self, reason: str) -> Refused:
        return farewell(self._plane, *self._place, reason)

    def _frames_received(self, data: bytes) -> None:
        if self._frames is None or self._viewer is None:
            return
        self._frames.receive_bytes(data)
        try:
            for frame in self._frames.received_frames():
                if frame.opcode is Opcode.CLOSE:
                    self._say_goodbye(self._viewer, bytes(self._frames.close(close_code(frame.payload))))
                    return
                if frame.opcode is Opcode.PING and isinstance(frame.payload, bytes | bytearray):
                    pong = self._frames.pong(bytes(frame.payload))
                    self._plane.watching.say(self._viewer, bytes(pong))
        except ParseFailed:
            self.close("protocol_error")

    def _say_goodbye(self, viewer: Viewer, frame: bytes) -> None:
        """A viewer's Close is answered (RFC 6455 section 5.5.1), unless it still has to get the rest of a
        message: one that hangs up doesn't care."""
        self._viewer = None
        self._plane.watching.say(viewer, frame)
        self._plane.watching.leave(viewer)
        if self.fd >= 0:
            self.close_when_sent()

    # HLS.

    def _deliver_playlist(self, address: PlayAddress, grant: PlayGrant, way: Way, folder: str) -> None:
        query, session = split_session(address.query)
        patience = min(PLAYLIST_PATIENCE, self._plane.settings.play_wait_seconds)
        answer = partial(self._playlist_ready, (address.hub, address.stream, way))
        self._waiting = (address.hub, address.stream, answer)
        self._plane.shelf.playlist(
            address.hub, address.stream, session, query, patience, answer, self._seal(grant), way, folder
        )

    def _seal(self, grant: PlayGrant) -> Seal | None:
        """How the session that a master playlist hands out proves that its viewer was let in."""
        if not grant.sealed or grant.domain is None:
            return None
        domain, key = grant.domain, self._plane.config.session_key
        return lambda session, life: seal(
            session, SessionScope(domain, grant.hub, grant.stream, life), time.time(), key
        )

    def _playlist_ready(self, fetch: tuple[str, str, Way], playlist: bytes | None) -> None:
        self._waiting = None
        if playlist is None:
            hub, stream = self._place
            banned = self._plane.config.is_banned(hub, stream, time.time())
            self._refuse(403 if banned else 404, self._farewell("stream_disabled" if banned else "not_live"))
        else:
            self._fetch = fetch
            headers = {"Content-Type": "application/vnd.apple.mpegurl", "Cache-Control": "no-cache"}
            self._respond(200, headers, playlist)
        self._next()

    def _deliver_segment(self, address: PlayAddress, life: str, sequence: int, way: Way) -> None:
        session = split_session(address.query)[1]
        found = self._plane.shelf.segment(address.hub, address.stream, life, sequence, session, way)
        if found is None:
            self._refuse(404, Refused("no_segment", "there is no such segment, or not any more"))
            return
        fd, size = found
        self._fetch = (address.hub, address.stream, way)
        self._respond_file({"Content-Type": "video/mp2t", "Cache-Control": "max-age=60"}, fd, size)

    def took(self, size: int) -> None:
        """Playlists and segments count, with the heads of their answers."""
        if self._fetch is not None:
            self._plane.shelf.sent(*self._fetch, size)

    # Refusals.

    def _refuse(self, status: int, refused: Refused) -> None:
        self._plane.refusals.add(self._asked(), refused, self._reqid)
        self._fail(status, refused.description)

    def _asked(self) -> Asked:
        """What the record of a refusal says of the request."""
        request = self._request or Request()
        return asked_over_http(request, self._format is WEBSOCKET, self.peer)

    def closed(self, reason: str) -> None:
        """Give back what the connection holds."""
        if self._asking is not None:
            self._asking.cancel()
        if self._viewer is not None:
            self._plane.watching.leave(self._viewer)
        if self._waiting is not None:
            self._plane.shelf.forget(*self._waiting)
        super().closed(reason)


def http_factory(plane: Plane) -> Callable[..., Connection]:
    """What a Door makes of an accepted connection."""
    return partial(HttpSession, plane)
