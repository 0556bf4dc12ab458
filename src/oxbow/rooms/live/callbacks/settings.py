"""A domain's settings about an operator's own servers: callbacks, and who decides about everybody.

Fields and bounds of callbacks are those of https://developer.qiniu.com/pili/9896/live-domain-information.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from oxbow.kernel.outbound.errors import OutboundRefused
from oxbow.kernel.outbound.guard import parse_url
from oxbow.kernel.webhooks.models import Hook
from oxbow.rooms.live.callbacks.variables import Facts, fill_all, fill_url, unknown_variable
from oxbow.rooms.live.play_security import RuleError

CallbackType = Literal["", "GET", "FORM", "JSON"]

DEFAULT_TIMEOUT = 2
MAX_VARS = 32
MAX_CACHE_SECONDS = 86_400


class Callback(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A request to an operator's server."""

    type: CallbackType = ""
    """Empty for none."""
    url: str = ""
    timeout: int = 0
    """Seconds; 0 takes DEFAULT_TIMEOUT."""
    vars: dict[str, str] = {}
    retry_times: int = 0
    retry_interval: int = 0
    """Seconds."""
    success_code: int = 0
    fail_code: int = 0

    @property
    def active(self) -> bool:
        """Whether anything is sent."""
        return bool(self.type)

    def hook(self, facts: Facts) -> Hook:
        """The request about something that happened; only for an active one."""
        return Hook(
            self.type or "GET",
            fill_url(self.url, facts),
            fill_all(self.vars, facts),
            self.timeout or DEFAULT_TIMEOUT,
            self.retry_times,
            self.retry_interval,
            self.success_code,
            self.fail_code,
        )


class ConnectCallback(Callback, frozen=True):
    """Asked before a publisher is let in, and told that it was."""


class DisconnectCallback(Callback, frozen=True):
    """Told when a broadcast has ended."""


class DisconnectDelay(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How long a publisher may be away without its broadcast counting as ended."""

    disconnect_delay: int = 0
    """Seconds."""

    @property
    def active(self) -> bool:
        return self.disconnect_delay > 0


class OriginAuth(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An operator's server that decides about everybody who wants to publish or play by the domain."""

    type: CallbackType = ""
    url: str = ""
    timeout: int = 0
    """Seconds; 0 takes DEFAULT_TIMEOUT."""
    vars: dict[str, str] = {}
    success_code: int = 200
    """The status that lets in; 0 for any, where `field` decides."""
    field: str = ""
    """A field of the JSON object that is answered; empty if the status alone decides."""
    value: str = ""
    """What the field must have to let in: its text, true or false for a switch, digits for a number."""
    cache_seconds: int = 0
    """How long an answer counts that says nothing about that itself."""
    on_failure: Literal["refuse", "allow"] = "refuse"
    """What happens to everybody while the server gives no usable answer."""

    @property
    def active(self) -> bool:
        """Whether anybody is asked."""
        return bool(self.type)

    def hook(self, facts: Facts) -> Hook:
        """The question about somebody; only for an active one."""
        timeout = self.timeout or DEFAULT_TIMEOUT
        return Hook(self.type or "GET", fill_url(self.url, facts), fill_all(self.vars, facts), timeout)


def check_request(setting: Callback | OriginAuth) -> None:
    """RuleError for a request that could not be sent."""
    if not setting.active:
        return
    if "$(" in _authority(setting.url):
        raise RuleError("url", "takes variables in the path and the query only, not in the host")
    if unknown := unknown_variable(setting.url):
        raise RuleError("url", f"has the unknown variable {unknown}")
    try:
        parse_url(setting.url)
    except OutboundRefused as refused:
        raise RuleError("url", str(refused)) from None
    if not setting.vars:
        raise RuleError("vars", "takes at least one variable")
    if len(setting.vars) > MAX_VARS:
        raise RuleError("vars", f"takes at most {MAX_VARS} variables")
    for name, template in setting.vars.items():
        if unknown := unknown_variable(template):
            raise RuleError("vars", f"{name} has the unknown variable {unknown}")


def check_origin_auth(auth: OriginAuth) -> None:
    """RuleError for a setting that could not be asked, or would let in everybody."""
    check_request(auth)
    if auth.active and not auth.success_code and not auth.field:
        raise RuleError("successCode", "must be a status, unless a field decides: else everybody is let in")
    if auth.value and not auth.field:
        raise RuleError("field", "must be named where a value is given")


def _authority(url: str) -> str:
    """The part of a URL before its path."""
    scheme, colon, rest = url.partition("://")
    return scheme + colon + rest.partition("/")[0].partition("?")[0]
