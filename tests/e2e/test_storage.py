"""Buckets and objects with the official Python SDK, unmodified."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import qiniu
from qiniu import Auth, BucketManager, build_batch_stat, put_data, set_default

from e2e.server import ACCESS_KEY, SECRET_KEY, Server

pytestmark = pytest.mark.e2e

AUTH = Auth(ACCESS_KEY, SECRET_KEY)


@pytest.fixture
def sdk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketManager]:
    """The SDK, which is told one host and asks that for the others; its caches are a directory of ours."""
    monkeypatch.setattr(qiniu.config, "_config", dict(qiniu.config._config))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    set_default(default_uc_host=server.api)
    return BucketManager(AUTH)


@pytest.fixture
def bucket(sdk: BucketManager) -> str:
    name = f"bucket-{os.urandom(4).hex()}"
    _, info = sdk.mkbucketv3(name, "z0")
    assert info.status_code == 200, info
    return name


def test_an_upload_is_found_listed_downloaded_and_deleted(
    server: Server, sdk: BucketManager, bucket: str
) -> None:
    data = os.urandom(100_000)
    told, info = put_data(AUTH.upload_token(bucket), "a/ü b.bin", data, check_crc=True)
    assert told is not None, info
    assert told["key"] == "a/ü b.bin"
    found, _ = sdk.stat(bucket, "a/ü b.bin")
    assert (found["fsize"], found["hash"]) == (len(data), told["hash"])
    listed, eof, _ = sdk.list(bucket, prefix="a/")
    assert ([item["key"] for item in listed["items"]], eof) == (["a/ü b.bin"], True)
    address = f"http://127.0.0.1:{server.object_port}/{bucket}/a/%C3%BC%20b.bin"
    assert httpx.get(address).content == data
    part = httpx.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    _, info = sdk.delete(bucket, "a/ü b.bin")
    assert info.status_code == 200
    _, info = sdk.stat(bucket, "a/ü b.bin")
    assert info.status_code == 612


def test_a_batch_tells_each_answer(sdk: BucketManager, bucket: str) -> None:
    put_data(AUTH.upload_token(bucket), "there", b"x")
    answers, info = sdk.batch(build_batch_stat(bucket, ["there", "missing"]))
    assert answers is None, "the SDK takes exactly 200 for success"
    assert info.status_code == 298
    assert [answer["code"] for answer in info.json()] == [200, 612]


def test_a_private_object_takes_a_signed_address(server: Server, sdk: BucketManager, bucket: str) -> None:
    put_data(AUTH.upload_token(bucket), "secret.txt", b"for few")
    _, info = sdk.change_bucket_permission(bucket, 1)
    assert info.status_code == 200, info
    address = f"http://127.0.0.1:{server.object_port}/{bucket}/secret.txt"
    assert httpx.get(address).status_code == 401
    signed = AUTH.private_download_url(address, expires=60)
    assert httpx.get(signed).text == "for few"
    assert httpx.get(signed.replace("secret.txt", "other.txt")).status_code == 401
    assert httpx.get(AUTH.private_download_url(address, expires=-60)).status_code == 401


def test_a_return_body_is_filled(bucket: str) -> None:
    policy = {"returnBody": '{"k":$(key),"n":$(fsize),"x":$(x:a),"m":$(mimeType)}'}
    told, info = put_data(
        AUTH.upload_token(bucket, policy=policy), "t.png", b"no picture", params={"x:a": "1"}
    )
    assert told == {"k": "t.png", "n": 10, "x": "1", "m": "image/png"}, info


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("none", 401),
        (Auth(ACCESS_KEY, "another-secret").upload_token("b"), 401),
        (Auth("another-key-0000", SECRET_KEY).upload_token("b"), 401),
        (AUTH.upload_token("no-such-bucket"), 631),
        (AUTH.upload_token("b", expires=-10), 401),
    ],
)
def test_a_token_that_is_not_right_uploads_nothing(server: Server, token: str, status: int) -> None:
    answer = httpx.post(
        f"http://127.0.0.1:{server.object_port}/", data={"token": token, "key": "k"}, files={"file": b"x"}
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    assert answer.headers["access-control-allow-origin"] == "*", "a page must be able to read why"
