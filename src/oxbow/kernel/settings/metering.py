"""The settings of metering: environment OXBOW_METERING_*, or the table [metering] of the settings file."""

from __future__ import annotations

from pydantic import Field

from oxbow.kernel.settings.section import Section


class MeteringSettings(Section, env_prefix="OXBOW_METERING_", toml_table="metering"):
    """How soon usage is written, and how long its details are kept. Days and months are kept for ever."""

    flush_seconds: float = Field(
        default=5.0,
        ge=0.1,
        le=60,
        description="Seconds from one writing of usage to the next; at most so much, and the second that was "
        "being counted, is lost when the server is killed.",
    )
    five_minute_days: int = Field(
        default=35, ge=2, le=3660, description="Days that usage by five minutes is kept."
    )
    hour_days: int = Field(default=400, ge=2, le=3660, description="Days that usage by hour is kept.")
    record_days: int = Field(
        default=7,
        ge=1,
        le=3660,
        description="Days that the records are kept which usage is summed up from; told again within this "
        "time, a record is not counted twice.",
    )
