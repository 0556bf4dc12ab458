"""Where a domain may be watched from: its areaLimit.

Areas are those of statistics (see oxbow.kernel.geoip). They are looked up in the database that
OXBOW_GEOIP_CITY_DATABASE names; addresses of private networks are in none of them.
"""

from __future__ import annotations

import msgspec

from oxbow.rooms.live.limits import Refusal


class AreaLimit(msgspec.Struct, frozen=True, rename="camel"):
    """Who may play by area; one that is denied stays out even if it is allowed, too."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    allow_unknown: bool = False
    """Whether a list of allowed areas lets in clients that are in none, as far as the database knows."""

    @property
    def active(self) -> bool:
        return bool(self.allow or self.deny)

    def refusal(self, area: str) -> Refusal | None:
        """Whether a client in `area`, empty where it isn't known, is kept out."""
        if area in self.deny:
            return Refusal("area_denied", f"the domain may not be watched from the area {area}")
        if not self.allow or area in self.allow:
            return None
        if area:
            return Refusal("area_not_allowed", f"the domain may not be watched from the area {area}")
        if self.allow_unknown:
            return None
        return Refusal("area_unknown", "it is not known where the client is, and the domain asks for it")
