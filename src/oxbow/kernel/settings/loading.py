"""Reading sections, and finding everything that is wrong with what is set."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from oxbow.kernel.settings.describe import is_secret, takes
from oxbow.kernel.settings.errors import SettingsError, suggestion
from oxbow.kernel.settings.section import (
    BOOTSTRAP_VARIABLES,
    Section,
    config_file,
    read_document,
    registered,
)

S = TypeVar("S", bound=Section)


def load(section: type[S]) -> S:
    """Read one section; SettingsError names each setting that is wrong, what was given and what it takes."""
    try:
        return section()
    except ValidationError as error:
        raise SettingsError(_complaints(section, error)) from None


def check() -> list[str]:
    """Read every registered section; one SettingsError tells all that is wrong.

    Returns warnings about OXBOW_* variables that no section knows. They don't stop the start, since the
    environment is shared: other programs may have variables of that prefix.
    Call it once all rooms are imported: a variable of a section nobody has defined yet is an unknown name.
    """
    document = read_document()
    problems = _unknown_tables(document)
    for section in registered():
        try:
            load(section)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return _unknown_variables()


def _unknown_variables() -> list[str]:
    known = {section.env_name(field) for section in registered() for field in section.model_fields}
    known |= BOOTSTRAP_VARIABLES.keys()
    return [
        f"{name}: unknown setting in the environment{suggestion(name, known)}"
        for name in sorted(os.environ)
        if name.startswith("OXBOW_") and name not in known
    ]


def _unknown_tables(document: dict[str, Any]) -> list[str]:
    known = {section.toml_table for section in registered()}
    return [
        f"[{name}]: unknown table in {config_file()}{suggestion(name, known)}"
        for name, value in document.items()
        if isinstance(value, dict) and name not in known
    ]


def _complaints(section: type[Section], error: ValidationError) -> list[str]:
    """One line for each wrong setting; a list with two wrong items is still one setting."""
    by_field: dict[str, str] = {}
    for detail in error.errors():
        # A computed default could not be computed because another setting is wrong; that one is reported.
        if detail["type"] != "default_factory_not_called":
            by_field.setdefault(str(detail["loc"][0]) if detail["loc"] else "", _complaint(section, detail))
    return list(by_field.values())


def _complaint(section: type[Section], detail: ErrorDetails) -> str:
    if not detail["loc"]:
        return _reason(detail)
    name = str(detail["loc"][0])
    field = section.model_fields.get(name)
    if field is None:
        return f"{name}: unknown setting in {config_file()}{suggestion(name, section.model_fields)}"
    if detail["type"] == "missing":
        return f"{section.env_name(name)} is not set; it takes {takes(field)}"
    given = "" if is_secret(field) else f"={_given(section, name)}"
    source = "" if section.env_name(name) in os.environ else f" (in {config_file()})"
    return f"{section.env_name(name)}{given}{source}: it takes {takes(field)}"


def _reason(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ")


def _given(section: type[Section], name: str) -> object:
    value = os.environ.get(section.env_name(name))
    return section.table().get(name) if value is None else value
