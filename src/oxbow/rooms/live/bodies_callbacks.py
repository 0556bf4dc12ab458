"""The bodies of requests about a domain's callbacks; `setting` is what `DomainService.set` takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from oxbow.kernel.gateway import JsonBody
from oxbow.rooms.live.callbacks.settings import (
    MAX_CACHE_SECONDS,
    ConnectCallback,
    DisconnectCallback,
    DisconnectDelay,
    OriginAuth,
)

Url = Annotated[str, StringConstraints(max_length=2048, pattern=r"\A[!-~]*\z")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"\A[!-~]*\z")]
Template = Annotated[str, StringConstraints(max_length=512)]
Code = Annotated[int, Field(ge=0, le=999)]


class _Request(JsonBody):
    """What is left out takes its default, whatever was set before."""

    type: Literal["", "GET", "FORM", "JSON"]
    url: Url = ""
    timeout: int = Field(default=0, ge=0, le=10)
    vars: dict[Name, Template] = Field(default_factory=dict)


class _SetCallback(_Request):
    retry_times: int = Field(default=0, ge=0, le=5)
    retry_interval: int = Field(default=0, ge=0, le=5)
    success_code: Code = 0
    fail_code: Code = 0


class SetConnectCallback(_SetCallback):
    def setting(self) -> ConnectCallback:
        return ConnectCallback(**self.model_dump())


class SetDisconnectCallback(_SetCallback):
    def setting(self) -> DisconnectCallback:
        return DisconnectCallback(**self.model_dump())


class SetDisconnectDelay(JsonBody):
    disconnect_delay: int = Field(ge=0, le=3600)

    def setting(self) -> DisconnectDelay:
        return DisconnectDelay(self.disconnect_delay)


class SetOriginAuth(_Request):
    success_code: Code = 200
    field: Annotated[str, StringConstraints(max_length=64)] = ""
    value: Annotated[str, StringConstraints(max_length=256)] = ""
    cache_seconds: int = Field(default=0, ge=0, le=MAX_CACHE_SECONDS)
    on_failure: Literal["refuse", "allow"] = "refuse"

    def setting(self) -> OriginAuth:
        return OriginAuth(**self.model_dump())
