"""The bodies of requests about a domain's settings; `setting` is the value that `DomainService.set` takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from oxbow.kernel.gateway import JsonBody
from oxbow.rooms.live.addresses import MAX_ADDRESS
from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.bodies import Visible
from oxbow.rooms.live.limits import MAX_ENTRIES, IpLimit, RefererLimit
from oxbow.rooms.live.play_security import MAX_RULE, PlaySecurity, PlaySecurityType

MAX_SECONDS = 10 * 365 * 86_400

Rule = Annotated[str, StringConstraints(max_length=MAX_RULE, pattern=r"\A[!-~]*\z")]
Entries = Annotated[list[str], Field(default_factory=list, max_length=MAX_ENTRIES)]


class SetPlaySecurity(JsonBody):
    """The whole setting: what is left out takes its default, whatever was set before."""

    type: Literal["", "none", "tsStartMD5", "tsExpireMD5"]
    key1: Visible = ""
    key2: Visible = ""
    range: int = Field(default=0, ge=0, le=MAX_SECONDS)
    rule: Rule = ""
    rule2: Rule = ""
    ts_part: Visible = ""
    ts_base: int = Field(default=0, ge=0, le=36)
    sign_part: Visible = ""
    gap_duration: int = Field(default=0, ge=0, le=86_400)

    def setting(self) -> PlaySecurity:
        return PlaySecurity(**(self.model_dump() | {"type": PlaySecurityType(self.type)}))


class SetIpLimit(JsonBody):
    whitelist: Entries
    blacklist: Entries

    def setting(self) -> IpLimit:
        return IpLimit(tuple(self.whitelist), tuple(self.blacklist))


class SetAreaLimit(JsonBody):
    allow: Entries
    deny: Entries
    allow_unknown: bool = False

    def setting(self) -> AreaLimit:
        return AreaLimit(tuple(self.allow), tuple(self.deny), self.allow_unknown)


class SetRefererLimit(JsonBody):
    allow: Entries
    deny: Entries
    allow_empty: bool = True

    def setting(self) -> RefererLimit:
        return RefererLimit(tuple(self.allow), tuple(self.deny), self.allow_empty)


class Explain(JsonBody):
    url: str = Field(max_length=MAX_ADDRESS)
    client_ip: str = Field(default="", max_length=64, alias="clientIP")
    referer: str = Field(default="", max_length=MAX_ADDRESS)
    action: Literal["publish", "play"] | None = None
