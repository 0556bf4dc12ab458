"""What other rooms may import from the live room."""

from oxbow.rooms.live.board import LiveInfo
from oxbow.rooms.live.models import Activity, Domain, DomainType, Hub, PublishSecurity, Stream
from oxbow.rooms.live.service import LiveService

__all__ = [
    "Activity",
    "Domain",
    "DomainType",
    "Hub",
    "LiveInfo",
    "LiveService",
    "PublishSecurity",
    "Stream",
]
