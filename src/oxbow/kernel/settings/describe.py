"""Settings as a person reads about them: names, defaults, what they take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from oxbow.kernel.settings.listen import ListenAddress
from oxbow.kernel.settings.section import BOOTSTRAP_VARIABLES, Section, registered

_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "more than"), Le: ("le", "at most"), Lt: ("lt", "less than")}
_NOUNS = {bool: "true or false", int: "a whole number", float: "a number", ListenAddress: ListenAddress.TAKES}


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One row of the settings table."""

    env_name: str
    toml_key: str
    takes: str
    description: str
    default: str


def documented_settings() -> list[SettingDoc]:
    """Every setting of every section that has been imported, in the order of their declaration."""
    rows = [SettingDoc(name, "", "a path", text, "") for name, text in BOOTSTRAP_VARIABLES.items()]
    for section in registered():
        rows += [_row(section, name, field) for name, field in section.model_fields.items()]
    return rows


def _row(section: type[Section], name: str, field: FieldInfo) -> SettingDoc:
    key = f"{section.toml_table}.{name}" if section.toml_table else name
    return SettingDoc(section.env_name(name), key, takes(field), field.description or "", _default(field))


def _default(field: FieldInfo) -> str:
    """The default as an operator would write it; empty where it is computed or there is none."""
    value = field.default
    if field.default_factory is not None or value is None or field.is_required():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


def is_secret(field: FieldInfo) -> bool:
    """Whether the value must never be shown."""
    return _mentions_secret(field.annotation)


def _mentions_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_mentions_secret(part) for part in get_args(annotation))


def takes(field: FieldInfo) -> str:
    """Say in words which values a field accepts."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "takes" in extra:
        return str(extra["takes"])
    kinds = [kind for kind in (get_args(field.annotation) or (field.annotation,)) if kind is not type(None)]
    return ", ".join([_noun(field.annotation, kinds), *_bounds(field)])


def _noun(annotation: Any, kinds: list[Any]) -> str:
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(choice) for choice in kinds)
    if isinstance(kinds[0], type) and issubclass(kinds[0], Enum):
        return "one of " + ", ".join(repr(member.value) for member in kinds[0])
    return _NOUNS.get(kinds[0], "text")


def _bounds(field: FieldInfo) -> list[str]:
    return [
        f"{words} {getattr(bound, attribute)}"
        for bound in field.metadata
        for kind, (attribute, words) in _BOUNDS.items()
        if isinstance(bound, kind)
    ]
