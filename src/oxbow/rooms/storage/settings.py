"""The storage room's settings: environment OXBOW_STORAGE_*, or the table [storage] of the settings file."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from oxbow.kernel.settings import Section

_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}")


def _domain(name: str) -> str:
    if _HOST.fullmatch(name.lower()) is None:
        raise ValueError
    return name.lower()


class StorageSettings(Section, env_prefix="OXBOW_STORAGE_", toml_table="storage"):
    """What an operator may choose about object storage."""

    fsync: bool = Field(
        default=True,
        description="Whether an upload is answered only once the disk has it. Without, a power cut may lose "
        "what was uploaded in the last seconds; the death of the server loses nothing either way.",
    )
    region: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")] = Field(
        default="z0",
        description="The name of the region that this server is.",
        json_schema_extra={"takes": "1 to 31 lower-case letters, digits and '-'"},
    )
    domain_suffix: Annotated[str, AfterValidator(_domain)] = Field(
        default="objects.localhost",
        description="The end of the hosts that buckets have: <bucket>.<suffix>. Browsers and curl find every "
        "name below localhost on their own machine.",
        json_schema_extra={"takes": "a host name"},
    )
    buckets_per_account: int = Field(
        default=500, ge=1, le=100_000, description="How many buckets an account may have."
    )
    sweep_seconds: int = Field(
        default=3600,
        ge=600,
        le=86_400,
        description="How often objects' lifecycles are applied, the trash is purged, and bytes that nothing "
        "refers to are deleted; these must be as old as that, too.",
    )
