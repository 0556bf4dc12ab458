"""The bodies of the live room's requests; each field says what it takes, and a refusal names it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from oxbow.kernel.gateway import JsonBody

MAX_TIME = 253_402_300_799
"""The last second of the year 9999."""
HUB_SECURITIES = Literal["none", "static", "expiry", "expiry_sk", "dynamic"]
STREAM_SECURITIES = Literal["", "none", "static", "expiry", "expiry_sk", "dynamic"]


def _visible(text: str) -> str:
    if not all("!" <= character <= "~" for character in text):
        raise ValueError("takes visible ASCII characters only")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("takes printable characters only")
    return text


def _not_zero(seconds: int) -> int:
    if seconds == 0:
        raise ValueError("takes 1 to 86400 seconds, or -1 for no pictures")
    return seconds


Visible = Annotated[str, StringConstraints(max_length=128), AfterValidator(_visible)]


class NewHub(JsonBody):
    name: str


class HubSecurity(JsonBody):
    publish_security: HUB_SECURITIES
    publish_key: Visible = ""


class HlsPlus(JsonBody):
    hls_plus: bool


class Persistence(JsonBody):
    """An empty bucket keeps no recordings. The pages' lower bound of 60 days is a law, not a limit."""

    storage_bucket: Visible
    live_data_expire_days: int = Field(ge=0, le=1095)

    @model_validator(mode="after")
    def _days_belong_to_a_bucket(self) -> Persistence:
        if self.storage_bucket and not self.live_data_expire_days:
            raise ValueError("liveDataExpireDays takes 1 to 1095 days, unless storageBucket is empty")
        return self


class Snapshot(JsonBody):
    snapshot_interval: Annotated[int, AfterValidator(_not_zero)] = Field(ge=-1, le=86_400)


class VodDomain(JsonBody):
    vod_domain: str


class PublishRules(JsonBody):
    """How a hub treats publishers; what is left out stays as it is."""

    auto_create: bool | None = None
    second_publisher: Literal["refuse", "takeover"] | None = None
    grace_seconds: float | None = Field(default=None, ge=-1, le=600)
    """-1 takes the server's setting."""

    @model_validator(mode="after")
    def _something_to_do(self) -> PublishRules:
        if not self.model_fields_set:
            raise ValueError("takes at least one of autoCreate, secondPublisher, graceSeconds")
        if self.grace_seconds is not None and -1 < self.grace_seconds < 0:
            raise ValueError("graceSeconds takes 0 to 600 seconds, or -1 for the server's setting")
        return self


class NewDomain(JsonBody):
    domain: str
    type: Literal["publishRtmp", "liveRtmp", "liveHls", "liveHdl"]


class NewStream(JsonBody):
    key: str


class StreamSecurity(JsonBody):
    publish_security: STREAM_SECURITIES
    publish_key: Visible = ""


class Disabled(JsonBody):
    disabled_till: int | None = Field(default=None, ge=-1, le=MAX_TIME)
    disable_period_second: int = Field(default=0, ge=0, le=1_000_000_000)
    reason: Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)] = ""
    """An extension: told to whoever publishes or watches."""

    @model_validator(mode="after")
    def _till_when(self) -> Disabled:
        if self.disabled_till is None and not self.disable_period_second:
            raise ValueError("disabledTill is required, or disablePeriodSecond")
        return self

    def till(self, now: float) -> int:
        """When the ban ends; a period counts only where no time is given."""
        if self.disabled_till or not self.disable_period_second:
            return self.disabled_till or 0
        return int(now) + self.disable_period_second


class LiveStreams(JsonBody):
    items: list[str] = Field(max_length=100)
