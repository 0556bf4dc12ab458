"""Would this address be let in? The decisions of publishing and playing, asked without their effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from oxbow.kernel.geoip import GeoFinder
from oxbow.rooms.live.addresses import (
    PlayAddress,
    RtmpAddress,
    normal_host,
    parse_play_path,
    parse_rtmp_address,
)
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.limits import parse_ip
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.on_air import LiveStreams
from oxbow.rooms.live.policy import PublishAttempt, PublishRefused
from oxbow.rooms.live.publishing import Publishing
from oxbow.rooms.live.quota import PublisherQuota
from oxbow.rooms.live.refusing import AddressError, rule_of
from oxbow.rooms.live.snapshot import DomainConfig, PlayRefused, Visitor, decide_play
from oxbow.rooms.live.url_rewrite import split_url
from oxbow.rooms.live.verdicts import Verdict, verdicts

RTMP_SCHEMES = ("rtmp", "rtmps")
HTTP_SCHEMES = ("http", "https", "ws", "wss")
Action = Literal["publish", "play"]


@dataclass(frozen=True)
class Explanation:
    """What would happen; `reason`, `rule` and `description` are empty where the address is let in."""

    action: Action
    stream: str = ""
    domain: str = ""
    """The bound domain that the address uses."""
    rewritten: str = ""
    """What the domain's rules make of the address; empty if they leave it as it is."""
    reason: str = ""
    description: str = ""
    asked: tuple[str, ...] = ()
    """Settings by which an operator's servers would be asked, in order."""

    @property
    def allowed(self) -> bool:
        return not self.reason

    @property
    def rule(self) -> str:
        """The setting that refuses."""
        return "" if self.allowed else rule_of(self.reason)

    @property
    def rules(self) -> list[Verdict]:
        """What every rule said, in the order in which they are asked."""
        return verdicts(self.action, self.rule, self.asked)


class Explainer:
    def __init__(
        self,
        cache: ConfigurationCache,
        publishing: Publishing,
        clock: Callable[[], float],
        geo: GeoFinder,
        live: LiveStreams,
        quota: PublisherQuota,
    ) -> None:
        self._geo = geo
        self._live = live
        self._quota = quota
        self._cache = cache
        self._publishing = publishing
        self._clock = clock

    async def explain(
        self, hub: str, url: str, client_ip: str, referer: str, action: Action | None
    ) -> Explanation:
        """Decide about `url`, which must be of `hub`, for a client at `client_ip`; BadArgument.

        Without an action an RTMP address publishes if its domain does, and plays otherwise.
        """
        if client_ip and parse_ip(client_ip) is None:
            raise BadArgument("clientIP", "must be an IPv4 or IPv6 address without a port")
        parts = _split(url)
        host = normal_host(parts.netloc) or ""
        bound = self._cache.snapshot.domains.get(host)
        publishes = (
            parts.scheme in RTMP_SCHEMES and bound is not None and bound.type == DomainType.PUBLISH_RTMP
        )
        answer = Explanation(
            action or ("publish" if publishes else "play"), domain=host if bound is not None else ""
        )
        answer = replace(answer, asked=self._asked(answer))
        if answer.action == "publish" and parts.scheme not in RTMP_SCHEMES:
            raise BadArgument("url", "an address to publish to is rtmp://<server>/<hub>/<stream>")
        try:
            answer, address = self._address(answer, bound, url, parts)
        except AddressError as error:
            return replace(answer, reason=error.reason, description=error.description)
        if address.hub != hub:
            raise BadArgument("url", f"names the hub {address.hub}, the request is about {hub}")
        answer = replace(answer, stream=address.stream)
        try:
            if answer.action == "publish":
                await self._publish(address, host, client_ip)
            else:
                self._play(address, host, Visitor(client_ip, referer, area=self._geo.place(client_ip).area))
        except (PublishRefused, PlayRefused) as refused:
            return replace(answer, reason=refused.reason, description=refused.description)
        return answer

    def _asked(self, answer: Explanation) -> tuple[str, ...]:
        domain = self._cache.current.domains.get(answer.domain)
        settings = {
            "originAuth": domain is not None and domain.origin_auth.active,
            "connectCallback": domain is not None
            and answer.action == "publish"
            and domain.connect_callback.active,
        }
        return tuple(name for name, active in settings.items() if active)

    def _address(
        self, answer: Explanation, domain: DomainConfig | None, url: str, parts: SplitResult
    ) -> tuple[Explanation, PlayAddress | RtmpAddress]:
        """The address that counts, after the domain's rewrite rules; AddressError."""
        rewritten = domain.url_rewrite.rewrite(url) if domain is not None else None
        if rewritten is not None:
            path, query = split_url(rewritten)
            parts = parts._replace(path=path, query=query)
        return replace(answer, rewritten=rewritten or ""), _address(parts)

    async def _publish(self, address: PlayAddress | RtmpAddress, host: str, client_ip: str) -> None:
        attempt = PublishAttempt(
            hub=address.hub,
            stream=address.stream,
            query=address.query,
            domain=host,
            client_addr=f"{client_ip}:0",
            now=self._clock(),
        )
        grant = await self._publishing.examine(attempt)
        if not grant.takeover and await self._live.is_taken(grant.hub, grant.stream):
            raise PublishRefused("already_publishing", "the stream is being published already")
        await self._quota.check(grant.hub, grant.stream)

    def _play(self, address: PlayAddress | RtmpAddress, host: str, visitor: Visitor) -> None:
        protocol = "rtmp"
        if isinstance(address, PlayAddress):
            protocol = "flv" if address.extension == "flv" else "hls"
        decide_play(self._cache.snapshot, address, host, protocol, self._clock(), visitor)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadArgument("url", "is no address") from None
    if parts.scheme not in (*RTMP_SCHEMES, *HTTP_SCHEMES):
        raise BadArgument("url", "must begin with rtmp(s)://, http(s):// or ws(s)://")
    return parts


def _address(parts: SplitResult) -> PlayAddress | RtmpAddress:
    if parts.scheme in RTMP_SCHEMES:
        return parse_rtmp_address(parts.path, f"rtmp://{parts.netloc}/", f"?{parts.query}")
    address = parse_play_path(parts.path, parts.query)
    if address.extension not in ("flv", "m3u8"):
        raise AddressError("bad_address", "a stream is played as .flv or .m3u8")
    return address
