"""Variables in return bodies, callback bodies and names."""

from __future__ import annotations

import json

import pytest

from oxbow.rooms.storage.upload.variables import Value, as_form, as_json, as_text, names_in

VALUES: dict[str, Value] = {
    "key": 'a"b/ü',
    "fsize": 7,
    "etag": "Fh",
    "x:a": "1&2",
    "imageInfo": {"width": 640, "format": "png"},
    "exif": {"Make": {"val": "Canon"}},
    "list": [{"a": 1}],
    "none": None,
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ('{"key":$(key),"n":$(fsize)}', {"key": 'a"b/ü', "n": 7}),
        ('{"key":"$(key)","n":"$(fsize)"}', {"key": 'a"b/ü', "n": "7"}),
        ('{"k":"pre-$(key)-post"}', {"k": 'pre-a"b/ü-post'}),
        ('{"w":$(imageInfo.width),"f":$(imageInfo.format)}', {"w": 640, "f": "png"}),
        ('{"make":$(exif.Make.val)}', {"make": "Canon"}),
        ('{"all":$(imageInfo)}', {"all": {"width": 640, "format": "png"}}),
        ('{"first":$(list.0.a)}', {"first": 1}),
        ('{"a":$(x:a)}', {"a": "1&2"}),
        ('{"n":$(nothing),"m":"$(nothing)"}', {"n": None, "m": ""}),
        ('{"n":$(imageInfo.height),"o":$(key.a),"p":$(list.9)}', {"n": None, "o": None, "p": None}),
        ('{"esc":"\\"$(etag)\\""}', {"esc": '"Fh"'}),
    ],
)
def test_json_has_values_where_they_stand_bare_and_texts_within_quotes(template: str, value: object) -> None:
    assert json.loads(as_json(template, VALUES)) == value


def test_a_form_has_them_encoded() -> None:
    assert as_form("key=$(key)&size=$(fsize)&a=$(x:a)&n=$(none)", VALUES) == (
        "key=a%22b%2F%C3%BC&size=7&a=1%262&n="
    )


def test_a_name_has_them_as_they_are() -> None:
    assert as_text("$(etag)/$(key)$(unknown)", VALUES) == 'Fh/a"b/ü'


def test_a_value_is_not_looked_into_again() -> None:
    assert as_text("$(a)", {"a": "$(b)", "b": "secret"}) == "$(b)"


@pytest.mark.parametrize("template", ["$", "$(", "$()", "$(a", "$((a))", "(a)", "$(" * 10_000])
def test_what_is_no_variable_stays(template: str) -> None:
    assert as_text(template, {"": "x"}) == template or "a" in template


def test_the_variables_of_a_template_are_told() -> None:
    assert names_in("$(key)$(x:a)$(imageInfo.width)$(key)") == {"key", "x:a", "imageInfo.width"}
