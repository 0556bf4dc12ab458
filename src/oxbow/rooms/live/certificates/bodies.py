"""The bodies of requests about certificates."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from oxbow.kernel.gateway import JsonBody
from oxbow.rooms.live.certificates.parse import MAX_PEM


class NewCertificate(JsonBody):
    """The SDKs write `common_name`, a later page `commonName`: both are taken."""

    name: str = Field(default="", max_length=255)
    common_name: str = Field(default="", max_length=253, alias="common_name")
    pri: str = Field(max_length=MAX_PEM)
    ca: str = Field(max_length=MAX_PEM)

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {("common_name" if key.lower() == "commonname" else key): value for key, value in data.items()}


class SetCertificate(JsonBody):
    """An empty name takes the certificate away."""

    cert_name: str = Field(max_length=64)
