"""What of a change may be written down: what differs, and no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

MASK = "***"

_SECRET_WORDS = {"token", "secret", "key", "password", "passphrase", "pem", "authorization", "cookie"}
_STAMPS = {"updated_at"}  # That something changed is what the record itself says.
_PUBLIC = {"access_key"}  # Without its secret it opens nothing, and it says which pair was changed.
_IN_TEXTS = re.compile(r"(?i)([?&;](?:token|secret|key|sign|signature|password)=)[^&;\s\"']+")
_PASSWORD_IN_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
)


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None] | None:
    """Both sides as they are written down; of a change, the fields that differ; None if none does.

    Texts that hold a JSON object or list, as some columns do, are written as what they hold.
    """
    if before is not None and after is not None:
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)} - _STAMPS
        if not changed:
            return None
        before, after = ({name: side[name] for name in side if name in changed} for side in (before, after))
    return _written(before), _written(after)


def _written(side: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if side is None else masked(dict(side))


def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with every secret replaced; an empty one stays empty, which says that there is none."""
    return {
        str(name): MASK if _is_secret(str(name)) and value else _shown(value)
        for name, value in fields.items()
    }


def _is_secret(name: str) -> bool:
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return spelled not in _PUBLIC and not _SECRET_WORDS.isdisjoint(re.split(r"[^a-z]+", spelled))


def _shown(value: Any) -> Any:
    match value:
        case Enum():
            return _shown(value.value)
        case str():
            return _shown_text(value)
        case Mapping():
            return masked(value)
        case list() | tuple() | set() | frozenset():
            return [_shown(item) for item in value]
        case None | bool() | int() | float():
            return value
        case datetime():
            return value.isoformat()
        case _:
            return _shown_text(str(value))


def _shown_text(text: str) -> Any:
    if text[:1] in ("{", "["):
        try:
            return _shown(json.loads(text))
        except (ValueError, RecursionError):
            pass
    text = _PRIVATE_KEY.sub(MASK, text)
    return _PASSWORD_IN_URL.sub(rf"\1{MASK}@", _IN_TEXTS.sub(rf"\1{MASK}", text))
