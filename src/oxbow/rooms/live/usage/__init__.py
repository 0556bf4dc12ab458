"""What streams cost: traffic by account, hub, domain and area, and the endpoints that tell it."""

from oxbow.rooms.live.usage.meters import METERS
from oxbow.rooms.live.usage.room import LiveUsage

__all__ = ["METERS", "LiveUsage"]
