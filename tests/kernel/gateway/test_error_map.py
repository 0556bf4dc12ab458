"""Whatever goes wrong, the answer is ``{"error": ...}`` as JSON, with a request id."""

import json

import pytest


def error_of(response) -> str:
    assert response.headers["content-type"] == "application/json"
    body = json.loads(response.content)
    assert list(body) == ["error"]
    return body["error"]


async def test_a_room_raises_and_the_gateway_answers(client):
    response = await client.get("/v2/fail/exists")
    assert (response.status_code, error_of(response)) == (614, "stream already exists")


async def test_errors_of_the_framework_keep_their_headers(client):
    response = await client.get("/v2/fail/teapot")
    assert (response.status_code, error_of(response)) == (418, "a teapot")
    assert response.headers["x-tea"] == "green"


async def test_a_database_that_is_away_is_503(client):
    response = await client.get("/v2/fail/away")
    assert response.status_code == 503
    assert "database" in error_of(response)
    assert response.headers["retry-after"] == "1"


async def test_a_bug_tells_the_client_nothing(client):
    response = await client.get("/v2/fail/bug")
    assert response.status_code == 500
    assert "42" not in error_of(response)


async def test_an_unknown_path(client):
    response = await client.get("/v2/nowhere")
    assert (response.status_code, error_of(response)) == (404, "no such endpoint")


async def test_a_wrong_method(client):
    response = await client.put("/v2/hubs/h")
    assert (response.status_code, error_of(response)) == (405, "method not allowed")
    assert response.headers["allow"] == "GET"


async def test_a_wrong_method_is_told_those_of_every_route_of_the_path(client):
    response = await client.put("/v2/keys")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


async def test_a_wrong_query_parameter_is_named(client):
    response = await client.get("/v2/hubs/h?limit=many")
    assert response.status_code == 400
    assert error_of(response).startswith("limit: should be a valid integer")


@pytest.mark.parametrize("path", ["/v2/hubs/h", "/v2/fail/bug", "/v2/fail/exists", "/v2/nowhere", "/healthz"])
async def test_every_response_can_be_found_in_the_log(client, path):
    first, second = await client.get(path), await client.get(path, headers={"X-Reqid": "forged"})
    ids = [response.headers["x-reqid"] for response in (first, second)]
    assert all(len(request_id) >= 16 and request_id != "forged" for request_id in ids)
    assert ids[0] != ids[1]
    assert first.headers["x-log"].startswith("API:")
