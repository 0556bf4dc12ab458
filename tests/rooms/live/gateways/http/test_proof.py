"""The proof for a certificate authority, which any worker's media port gives."""

from msgspec.structs import replace

from media_worker import Worker

from .conftest import Client

PATH = "/.well-known/acme-challenge/"


async def test_an_answer_that_is_wanted_is_given(client: Client, worker: Worker) -> None:
    worker.plane.config = replace(worker.plane.config, challenges={"token": "token.thumbprint"})
    answer = await client.get(f"{PATH}token")
    assert (answer.status, answer.body) == (200, b"token.thumbprint")
    assert (await client.get(f"{PATH}other")).status == 404
    assert (await client.get("/hub/token")).status == 404
