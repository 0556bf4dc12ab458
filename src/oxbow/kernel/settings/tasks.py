"""The settings of durable tasks."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from oxbow.kernel.settings.section import Section


class TaskSettings(Section, env_prefix="OXBOW_TASKS_", toml_table="tasks"):
    """How long tasks are remembered, and when another server takes over."""

    keep_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="How many days ended tasks can be listed; then they are forgotten.",
    )
    takeover_seconds: float = Field(
        default=30.0,
        ge=3,
        le=3600,
        description="How long a server that shares this PostgreSQL database may be silent before the others "
        "take over its tasks.",
    )
    poll_seconds: float = Field(
        default=1.0,
        ge=0.05,
        le=60,
        description="How often it is looked what is due. A task begins at most this and half a second later.",
    )
    crash_dir: Path | None = Field(
        default=None,
        description="For tests only: the server kills itself at each crash point that a file in this "
        "directory is named after.",
        json_schema_extra={"takes": "a directory's path"},
    )
