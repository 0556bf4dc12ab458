"""The base of every settings section, and the file sections are read from."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationInfo, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from oxbow.kernel.settings.errors import SettingsError

DEFAULT_HOME = "~/.oxbow"

# Variables that say where to look for settings, and so are not settings of any section.
BOOTSTRAP_VARIABLES = {
    "OXBOW_CONFIG": "The TOML file with settings. By default oxbow.toml in OXBOW_HOME, where it exists."
}

_registered: dict[str, type[Section]] = {}


class Section(BaseSettings):
    """A group of settings with one environment prefix and one table of the TOML file.

    A subclass registers itself by being defined; its fields become ``<env_prefix><FIELD>`` in the environment
    and ``<field>`` in the table (the kernel's own section is the top of the file).  Every field needs a
    ``description``.  What a field takes is told from its type, or by ``json_schema_extra={"takes": "..."}``.

    Lists and tuples are written with commas in the environment.
    """

    toml_table: ClassVar[str]

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        # Values arrive as the strings they are; a list is split at its commas, not parsed as JSON.
        enable_decoding=False,
        # An unfit secret must not reach a traceback.
        hide_input_in_errors=True,
    )

    def __init_subclass__(cls, *, toml_table: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.toml_table = toml_table
        _registered[toml_table] = cls

    @field_validator("*", mode="before")
    @classmethod
    def _split_lists(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, str) and getattr(field.annotation, "__origin__", None) in (list, tuple):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @classmethod
    def env_name(cls, field: str) -> str:
        """The environment variable of a field."""
        return f"{cls.model_config.get('env_prefix', '')}{field.upper()}"

    @classmethod
    def table(cls) -> dict[str, Any]:
        """This section's part of the TOML file, as it is written there; SettingsError if it is no table."""
        document = read_document()
        if not cls.toml_table:
            return {key: value for key, value in document.items() if not isinstance(value, dict)}
        table = document.get(cls.toml_table, {})
        if not isinstance(table, dict):
            raise SettingsError([f"{config_file()}: {cls.toml_table} is a table, write [{cls.toml_table}]"])
        return table

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say which source wins: arguments (tests), then the environment, then the file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, cls.table())


def registered() -> Iterator[type[Section]]:
    """Every section that has been defined, the kernel's first."""
    yield from (_registered[name] for name in sorted(_registered))


def config_file() -> Path:
    """The TOML file in use: ``OXBOW_CONFIG``, or ``oxbow.toml`` in the home directory."""
    named = os.environ.get("OXBOW_CONFIG")
    home = os.environ.get("OXBOW_HOME") or DEFAULT_HOME
    return Path(named or Path(home) / "oxbow.toml").expanduser()


def read_document() -> dict[str, Any]:
    """Parse the TOML file; empty when the default file does not exist."""
    path = config_file()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if not os.environ.get("OXBOW_CONFIG"):
            return {}
        raise SettingsError(
            [f"OXBOW_CONFIG={path}: no such file; it takes the path of a TOML file"]
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read as TOML: {error}"]) from error
