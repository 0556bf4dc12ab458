"""The bodies of requests about a domain's settings; `setting` is the value that `DomainService.set` takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from oxbow.kernel.gateway import JsonBody
from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.bodies import Visible
from oxbow.rooms.live.limits import MAX_ENTRIES, IpLimit, RefererLimit
from oxbow.rooms.live.play_security import MAX_RULE, PlaySecurity, PlaySecurityType
from oxbow.rooms.live.refusing import MAX_ADDRESS
from oxbow.rooms.live.url_rewrite import MAX_RULES, RewriteRule, UrlRewrite

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


class HubPlay(JsonBody):
    """What a hub asks of whoever plays; what is left out stays as it is."""

    bound_domains_only: bool | None = None
    play_security: SetPlaySecurity | None = None

    @model_validator(mode="after")
    def _something_to_do(self) -> HubPlay:
        if not self.model_fields_set:
            raise ValueError("takes at least one of boundDomainsOnly, playSecurity")
        return self


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


class SetRewriteRule(JsonBody):
    pattern: str
    replace: str


class SetUrlRewrite(JsonBody):
    rules: list[SetRewriteRule] = Field(max_length=MAX_RULES)

    def setting(self) -> UrlRewrite:
        return UrlRewrite(tuple(RewriteRule(rule.pattern, rule.replace) for rule in self.rules))


class Explain(JsonBody):
    url: str = Field(max_length=MAX_ADDRESS)
    client_ip: str = Field(default="", max_length=64, alias="clientIP")
    referer: str = Field(default="", max_length=MAX_ADDRESS)
    action: Literal["publish", "play"] | None = None
