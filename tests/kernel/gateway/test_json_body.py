"""JSON bodies: lenient where the official clients need it, exact about everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.kernel.errors import ApiError
from oxbow.kernel.gateway.json_body import parse_json

from .conftest import Domain


def refusal(body: bytes) -> str:
    with pytest.raises(ApiError) as raised:
        parse_json(Domain, body)
    assert raised.value.status == 400
    return raised.value.message


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8", None],
)
async def test_the_content_type_does_not_matter(client, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.post("/v2/domains", content=b'{"domain": "live.example.com"}', headers=headers)
    assert response.json() == {"domain": "live.example.com", "type": "publishRtmp", "days": 0}


def test_names_are_matched_without_regard_to_case():
    """The Go SDK binds domains with a capital ``Type``."""
    assert parse_json(Domain, b'{"domain": "d.example.com", "Type": "liveHls"}').type == "liveHls"


def test_null_is_the_same_as_leaving_it_out():
    assert parse_json(Domain, b'{"domain": "d.example.com", "type": null}').type == "publishRtmp"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "domain: is required"),
        (b"{}", "domain: is required"),
        (b'{"domain": null}', "domain: is required"),
        (b'{"domain": "d", "colour": "red"}', "colour: is not a field of this request"),
        (b'{"domain": 5}', "domain: should be a valid string"),
        (b'{"domain": "d", "days": "5"}', "days: should be a valid integer"),
        (b'{"domain": "d", "days": true}', "days: should be a valid integer"),
        (b'{"domain": "d", "days": -1}', "days: should be greater than or equal to 0"),
        (
            b'{"domain": "d", "days": "x", "type": 1}',
            "type: should be a valid string; days: should be a valid",
        ),
        (b"[]", "the request body takes a JSON object"),
        (b'"domain"', "the request body takes a JSON object"),
        (b'{"domain": ', "the request body is not JSON: EOF while parsing"),
        (b"domain=d", "the request body is not JSON"),
        (b'{"domain": "\xff"}', "the request body is not JSON"),
        (b'{"domain": NaN}', "the request body is not JSON"),
        (b'{"domain": ' + b"[" * 100_000, "the request body is not JSON: recursion limit"),
    ],
)
def test_what_is_wrong_is_named(body, message):
    assert refusal(body).startswith(message)


@given(st.binary())
def test_bytes_that_are_no_such_body_are_refused(body):
    assert refusal(body)
