"""What can be set on a domain as a whole: one rule for each kind of setting, without I/O.

A setting is a value of a type of its own, with `active`: whether it asks for anything. What a rule does not
let through is a BadArgument that names the field.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from oxbow.kernel.geoip import AREAS
from oxbow.rooms.live.area_limit import AreaLimit
from oxbow.rooms.live.callbacks.settings import (
    DEFAULT_TIMEOUT,
    Callback,
    ConnectCallback,
    DisconnectCallback,
    DisconnectDelay,
    OriginAuth,
    check_origin_auth,
    check_request,
)
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.limits import (
    IpLimit,
    LimitError,
    RefererLimit,
    normal_networks,
    normal_referers,
)
from oxbow.rooms.live.models import Domain, DomainType
from oxbow.rooms.live.play_security import PlaySecurity, RuleError, check_play_security
from oxbow.rooms.live.url_rewrite import UrlRewrite, check_rewrite

DomainSetting = (
    PlaySecurity
    | IpLimit
    | RefererLimit
    | AreaLimit
    | UrlRewrite
    | ConnectCallback
    | DisconnectCallback
    | DisconnectDelay
    | OriginAuth
)
"""Everything that `DomainService.set` takes."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Rule(Generic[Value]):
    """How one kind of setting is checked and kept."""

    field: str
    """Of `Domain`, and of the domain's row."""
    normal: Callable[[Value], Value]
    """The value as it is stored; BadArgument for one that cannot be used."""
    only_plays: str = ""
    """The field to name where a domain for publishing asks for it: a setting about watching would do nothing
    there. Empty if it counts for both."""
    only_publishes: str = ""
    """The same for a setting about publishing."""


def normal_setting(domain: Domain, value: DomainSetting) -> dict[str, DomainSetting]:
    """The domain's field that `value` belongs in, and its normal form; BadArgument."""
    rule = RULES[type(value)]
    if rule.only_plays and value.active and domain.type == DomainType.PUBLISH_RTMP:
        text = "only a domain that plays can have this; the domain is for publishing"
        raise BadArgument(rule.only_plays, text)
    if rule.only_publishes and value.active and domain.type != DomainType.PUBLISH_RTMP:
        text = "only a domain for publishing can have this; the domain plays"
        raise BadArgument(rule.only_publishes, text)
    return {rule.field: rule.normal(value)}


def _normal_play_security(security: PlaySecurity) -> PlaySecurity:
    with _naming_rule():
        check_play_security(security)
    return security


def _normal_ip_limit(limit: IpLimit) -> IpLimit:
    with _naming("whitelist"):
        white = normal_networks(limit.whitelist)
    with _naming("blacklist"):
        black = normal_networks(limit.blacklist)
    return IpLimit(white, black)


def _normal_referer_limit(limit: RefererLimit) -> RefererLimit:
    with _naming("allow"):
        allow = normal_referers(limit.allow)
    with _naming("deny"):
        deny = normal_referers(limit.deny)
    return RefererLimit(allow, deny, limit.allow_empty)


def _normal_area_limit(limit: AreaLimit) -> AreaLimit:
    for field, areas in (("allow", limit.allow), ("deny", limit.deny)):
        unknown = next((area for area in areas if area not in AREAS), None)
        if unknown is not None:
            raise BadArgument(field, f"{unknown[:64]!r} is no area; takes {', '.join(AREAS)}")
    return limit


def _normal_url_rewrite(rewrite: UrlRewrite) -> UrlRewrite:
    with _naming_rule():
        check_rewrite(rewrite)
    return rewrite


def _normal_callback(callback: Callback) -> Callback:
    with _naming_rule():
        check_request(callback)
    timeout = callback.timeout or DEFAULT_TIMEOUT if callback.active else callback.timeout
    return msgspec.structs.replace(callback, timeout=timeout)


def _normal_origin_auth(auth: OriginAuth) -> OriginAuth:
    with _naming_rule():
        check_origin_auth(auth)
    timeout = auth.timeout or DEFAULT_TIMEOUT if auth.active else auth.timeout
    return msgspec.structs.replace(auth, timeout=timeout)


def _as_it_is(delay: DisconnectDelay) -> DisconnectDelay:
    return delay


@contextlib.contextmanager
def _naming_rule() -> Iterator[None]:
    """A rule names its field itself."""
    try:
        yield
    except RuleError as error:
        raise BadArgument(error.field, error.remedy) from None


@contextlib.contextmanager
def _naming(field: str) -> Iterator[None]:
    """Say which list a bad entry stands in."""
    try:
        yield
    except LimitError as error:
        raise BadArgument(field, str(error)) from None


RULES: dict[type[Any], Rule[Any]] = {
    PlaySecurity: Rule("play_security", _normal_play_security, only_plays="type"),
    IpLimit: Rule("ip_limit", _normal_ip_limit),
    RefererLimit: Rule("referer_limit", _normal_referer_limit, only_plays="allow"),
    AreaLimit: Rule("area_limit", _normal_area_limit, only_plays="allow"),
    UrlRewrite: Rule("url_rewrite", _normal_url_rewrite),
    ConnectCallback: Rule("connect_callback", _normal_callback, only_publishes="type"),
    DisconnectCallback: Rule("disconnect_callback", _normal_callback, only_publishes="type"),
    DisconnectDelay: Rule("disconnect_delay", _as_it_is, only_publishes="disconnectDelay"),
    OriginAuth: Rule("origin_auth", _normal_origin_auth),
}
