"""What control is asked about a publisher, and about viewers where an operator's server decides."""

from __future__ import annotations

import secrets
import time

from oxbow.rooms.live.addresses import PlayAddress, RtmpAddress
from oxbow.rooms.live.control.link import ControlLink
from oxbow.rooms.live.control.messages import AskPlay, LivePublisher
from oxbow.rooms.live.gateways.connection import Connection
from oxbow.rooms.live.snapshot import PlayGrant, PlayRefused, Visitor
from oxbow.rooms.live.ways import way_of
from oxbow.rooms.live.worker.plane import Plane

_STATUS = {"origin_refused": 403}


def broadcast_of(plane: Plane, connection: Connection, address: RtmpAddress) -> LivePublisher:
    """The broadcast that a publisher asks for, with an id of its own."""
    place = plane.geo.place(connection.peer.rpartition(":")[0])
    return LivePublisher(
        hub=address.hub,
        stream=address.stream,
        session=secrets.token_hex(16),
        client_addr=connection.peer,
        server_addr=connection.door.local_address(connection),
        started_at=time.time(),
        domain=way_of(plane.config, address.domain, place).domain,
        area=place.area,
        isp=place.isp,
        location=place.location,
        query=address.query,
    )


def question_about(
    address: PlayAddress | RtmpAddress, grant: PlayGrant, visitor: Visitor, protocol: str, peer: str
) -> AskPlay:
    """What control is asked; the link chooses the `ask`."""
    extension = f".{address.extension}" if isinstance(address, PlayAddress) else ""
    return AskPlay(
        ask=0,
        hub=grant.hub,
        stream=grant.stream,
        domain=grant.domain or "",
        protocol=protocol,
        path=f"/{grant.hub}/{grant.stream}{extension}",
        query=address.query,
        client_addr=peer,
        referer=visitor.referer,
    )


async def check_origin(link: ControlLink, question: AskPlay) -> None:
    """Return if the viewer may watch; PlayRefused otherwise, also if control doesn't answer."""
    try:
        answer = await link.ask_play(question)
    except TimeoutError:
        text = "the server can't check this now, try again soon"
        raise PlayRefused("control_away", 503, text) from None
    if answer.refusal:
        status = _STATUS.get(answer.refusal, 503)
        raise PlayRefused(answer.refusal, status, answer.description, found=answer.found)
