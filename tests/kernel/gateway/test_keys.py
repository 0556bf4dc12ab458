"""Key pairs over HTTP."""

from oxbow.testing.signing import QiniuAuth

from .conftest import AK, SK


async def test_a_pair_is_created_used_disabled_and_deleted(client, stranger):
    created = (await client.post("/v2/keys", json={"note": "for the encoder"})).json()
    path = f"/v2/keys/{created['accessKey']}"
    auth = QiniuAuth(created["accessKey"], created["secretKey"])
    assert (await stranger.get("/v2/keys", auth=auth)).status_code == 200
    assert (await client.post(f"{path}/disable")).json() == {}
    assert (await stranger.get("/v2/keys", auth=auth)).status_code == 401
    assert (await client.post(f"{path}/enable")).json() == {}
    assert (await stranger.get("/v2/keys", auth=auth)).status_code == 200
    assert (await client.request("DELETE", path, json={})).json() == {}
    assert (await stranger.get("/v2/keys", auth=auth)).status_code == 401


async def test_secrets_are_told_at_creation_only(client):
    secret = (await client.post("/v2/keys")).json()["secretKey"]
    listed = await client.get("/v2/keys")
    assert secret not in listed.text
    assert SK not in listed.text
    assert [sorted(item) for item in listed.json()["items"]] == [
        ["accessKey", "createdAt", "note", "state"]
    ] * 2


async def test_the_last_enabled_pair_stays(client):
    response = await client.post(f"/v2/keys/{AK}/disable")
    assert response.status_code == 409
    assert "last enabled" in response.json()["error"]


async def test_an_unknown_pair(client):
    response = await client.delete("/v2/keys/nobody")
    assert (response.status_code, response.json()) == (404, {"error": "no such access key"})


async def test_a_note_that_is_too_long(client):
    response = await client.post("/v2/keys", json={"note": "x" * 201})
    assert (response.status_code, response.json()["error"]) == (
        400,
        "note: string should have at most 200 characters",
    )
