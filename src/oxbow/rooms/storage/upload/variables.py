"""Magic variables and custom ones in return bodies, callback bodies and names:
https://developer.qiniu.com/kodo/1235/vars."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote_plus

_VARIABLE = re.compile(r"\$\(([^()$]{1,200})\)")

Value = str | int | float | bool | dict[str, "Value"] | list["Value"] | None


def names_in(template: str) -> set[str]:
    """The variables that a template asks for, so that only those are worked out."""
    return set(_VARIABLE.findall(template))


def as_json(template: str, values: Mapping[str, Value]) -> str:
    """A JSON text with each variable as a JSON value: a text in quotes, a number without.

    A variable within quotes is replaced by its bare text, escaped for where it stands, since both are in use:
    `{"key": $(key)}` and `{"key": "$(key)"}`. What has no value is null, or nothing within quotes.
    """
    pieces = []
    quoted = False
    at = 0
    for match in _VARIABLE.finditer(template):
        before = template[at : match.start()]
        quoted ^= bool(_unescaped_quotes(before) % 2)
        value = _look_up(values, match[1])
        pieces += [before, json.dumps(_text(value))[1:-1] if quoted else json.dumps(value)]
        at = match.end()
    return "".join(pieces) + template[at:]


def as_form(template: str, values: Mapping[str, Value]) -> str:
    """A query string with each variable percent-encoded."""
    return _replace(template, values, quote_plus)


def as_text(template: str, values: Mapping[str, Value]) -> str:
    """A name with each variable as it is, such as in `saveKey`."""
    return _replace(template, values, str)


def _replace(template: str, values: Mapping[str, Value], encode: Callable[[str], str]) -> str:
    return _VARIABLE.sub(lambda match: encode(_text(_look_up(values, match[1]))), template)


def _look_up(values: Mapping[str, Value], name: str) -> Value:
    """`imageInfo.width` is the width within imageInfo; a custom variable's name may hold dots itself."""
    if name in values:
        return values[name]
    found: Value = values.get(name.partition(".")[0])
    for part in _steps(name):
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def _steps(name: str) -> Iterable[str]:
    return name.split(".")[1:]


def _text(value: Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _unescaped_quotes(text: str) -> int:
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text))
