"""Resumable uploads, versions 1 and 2, with the official Python SDK and by hand."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import signal
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import qiniu
from qiniu import Auth, BucketManager, UploadProgressRecorder, put_stream, put_stream_v2, set_default
from qiniu.utils import etag_stream

from e2e.server import ACCESS_KEY, SECRET_KEY, Server

pytestmark = pytest.mark.e2e

AUTH = Auth(ACCESS_KEY, SECRET_KEY)
MIB = 1 << 20
BLOCK = 4 * MIB


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


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


class Wire:
    """Requests to the object port with an upload token, as no SDK would send them."""

    def __init__(self, server: Server, bucket: str, **policy: Any) -> None:
        self.bucket = bucket
        self._base = f"http://127.0.0.1:{server.object_port}"
        self._token = AUTH.upload_token(bucket, policy=policy or None)

    def __call__(
        self, method: str, path: str, body: Any = b"", status: int = 200, **headers: str
    ) -> dict[str, Any]:
        """The JSON of the answer, which must have that status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"UpToken {self._token}", **named}
        send: dict[str, Any] = {"json": body} if isinstance(body, dict) else {"content": body}
        answer = httpx.request(method, self._base + path, headers=sent, timeout=30, **send)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def begin(self, key: str) -> str:
        """The path of a new multipart upload."""
        path = f"/buckets/{self.bucket}/objects/{b64(key)}/uploads"
        return f"{path}/{self('POST', path)['uploadId']}"


@pytest.fixture
def wire(server: Server, bucket: str) -> Wire:
    return Wire(server, bucket)


@pytest.mark.parametrize(
    ("put", "options"), [(put_stream, {}), (put_stream_v2, {"part_size": BLOCK})], ids=["v1", "v2"]
)
def test_the_sdk_uploads_a_stream(
    server: Server, sdk: BucketManager, bucket: str, put: Any, options: dict[str, int]
) -> None:
    data = os.urandom(2 * BLOCK + 1000)
    policy = {"returnBody": '{"hash":$(etag),"key":$(key),"a":$(x:a),"type":$(mimeType)}'}
    told, info = put(
        AUTH.upload_token(bucket, "ü/b.bin", policy=policy),
        "ü/b.bin",
        io.BytesIO(data),
        "b.bin",
        len(data),
        params={"x:a": "1"},
        mime_type="video/mp4",
        metadata={"x-qn-meta-who": "me"},
        **options,
    )
    assert told == {"hash": etag_stream(io.BytesIO(data)), "key": "ü/b.bin", "a": "1", "type": "video/mp4"}, (
        info
    )
    found, _ = sdk.stat(bucket, "ü/b.bin")
    assert (found["fsize"], found["x-qn-meta"]) == (len(data), {"who": "me"})
    address = f"http://127.0.0.1:{server.object_port}/{bucket}/%C3%BC/b.bin"
    assert httpx.get(address).content == data
    across = httpx.get(address, headers={"Range": f"bytes={BLOCK - 5}-{BLOCK + 4}"})
    assert across.content == data[BLOCK - 5 : BLOCK + 5]


class TestBlocks:
    def test_chunks_in_any_order_of_blocks_make_a_file(self, wire: Wire) -> None:
        data = os.urandom(BLOCK + 300)
        last = wire("POST", "/mkblk/300", data[BLOCK : BLOCK + 100])
        assert (last["offset"], last["crc32"]) == (100, zlib.crc32(data[BLOCK : BLOCK + 100]))
        first = wire("POST", f"/mkblk/{BLOCK}", data[:BLOCK])
        for offset in (100, 200):
            last = wire("POST", f"/bput/{last['ctx']}/{offset}", data[BLOCK + offset : BLOCK + offset + 100])
        told = wire("POST", f"/mkfile/{len(data)}/key/{b64('k')}", f"{first['ctx']},{last['ctx']}")
        assert told == {"key": "k", "hash": etag_stream(io.BytesIO(data))}

    def test_a_chunk_that_is_sent_again_is_answered_again(self, wire: Wire) -> None:
        begun = wire("POST", "/mkblk/4", b"ab")
        lost, again = (wire("POST", f"/bput/{begun['ctx']}/2", b"cd") for _ in range(2))
        assert lost["ctx"] != again["ctx"]
        assert wire("POST", "/mkfile/4", again["ctx"])["hash"] == etag_stream(io.BytesIO(b"abcd"))

    def test_a_file_of_nothing(self, wire: Wire) -> None:
        assert wire("POST", f"/mkfile/0/key/{b64('empty')}")["hash"] == etag_stream(io.BytesIO())

    def test_what_does_not_fit_is_refused_by_name(self, wire: Wire) -> None:
        for size in ("0", "4194305", "9" * 30, "-1", "x"):
            assert "blockSize" in wire("POST", f"/mkblk/{size}", b"a", status=400)["error"]
        wire("POST", "/mkblk/2", b"abc", status=413)
        wire("POST", "/mkblk/2", status=400)
        part = wire("POST", "/mkblk/4", b"ab")["ctx"]
        assert "offset" in wire("POST", f"/bput/{part}/1", b"cd", status=400)["error"]
        wire("POST", f"/bput/{part}/2", b"cde", status=413)
        assert "2 of its 4" in wire("POST", "/mkfile/4", part, status=400)["error"]
        whole = wire("POST", "/mkblk/2", b"ab")["ctx"]
        assert "fsize" in wire("POST", "/mkfile/3", whole, status=400)["error"]
        assert "block 0" in wire("POST", "/mkfile/4", f"{whole},{whole}", status=400)["error"]
        assert "crc" in wire("POST", "/mkfile/2/crc/1", whole, status=400)["error"]
        assert "key" in wire("POST", "/mkfile/2/key/%25", whole, status=400)["error"]
        for unknown in ("none", "a" * 64):
            wire("POST", "/mkfile/2", unknown, status=701)
            wire("POST", f"/bput/{unknown}/0", b"a", status=701)

    def test_the_policy_counts(self, server: Server, bucket: str) -> None:
        small = Wire(server, bucket, fsizeLimit=3)
        context = small("POST", "/mkblk/4", b"abcd")["ctx"]
        small("POST", "/mkfile/4", context, status=413)


class TestParts:
    def test_parts_of_any_size_are_listed_and_make_an_object(
        self, server: Server, wire: Wire, sdk: BucketManager
    ) -> None:
        parts = {3: b"c" * 10, 1: b"a" * 20, 10_000: b"d"}
        path = wire.begin("k")
        for number, data in parts.items():
            md5 = hashlib.md5(data).hexdigest()
            told = wire("PUT", f"{path}/{number}", data, Content_MD5=md5)
            assert told == {"etag": etag_stream(io.BytesIO(data)), "md5": md5}
        listed = wire("GET", f"{path}?max-parts=2")
        assert [part["partNumber"] for part in listed["parts"]] == [1, 3]
        rest = wire("GET", f"{path}?part-number_marker={listed['partNumberMarker']}")
        assert (rest["partNumberMarker"], [part["size"] for part in rest["parts"]]) == (0, [1])
        named = [{k: part[k] for k in ("etag", "partNumber")} for part in listed["parts"] + rest["parts"]]
        nothing = {"fname": None, "mimeType": None, "customVars": None, "metadata": None}
        told = wire("POST", path, {"parts": named, **nothing})
        assert base64.urlsafe_b64decode(told["hash"])[:1] == b"\x9e", "parts that are no blocks show in it"
        address = f"http://127.0.0.1:{server.object_port}/{wire.bucket}/k"
        assert httpx.get(address).content == b"a" * 20 + b"c" * 10 + b"d"
        wire("POST", path, {"parts": named}, status=612)

    def test_the_key_may_be_empty_or_left_to_the_policy(self, wire: Wire) -> None:
        for segment, key in (("", ""), ("~", etag_stream(io.BytesIO(b"x")))):
            path = f"/buckets/{wire.bucket}/objects/{segment}/uploads"
            path += f"/{wire('POST', path)['uploadId']}"
            etag = wire("PUT", f"{path}/1", b"x")["etag"]
            assert wire("POST", path, {"parts": [{"etag": etag, "partNumber": 1}]})["key"] == key

    def test_a_part_that_comes_again_takes_the_place_of_the_former(self, server: Server, wire: Wire) -> None:
        path = wire.begin("k")
        former, latter = (wire("PUT", f"{path}/1", data)["etag"] for data in (b"old", b"new"))
        wire("POST", path, {"parts": [{"etag": former, "partNumber": 1}]}, status=400)
        wire("POST", path, {"parts": [{"etag": latter, "partNumber": 1}]})
        assert httpx.get(f"http://127.0.0.1:{server.object_port}/{wire.bucket}/k").content == b"new"

    def test_what_does_not_fit_is_refused_by_name(self, wire: Wire) -> None:
        path = wire.begin("k")
        for number in ("0", "10001", "9" * 30, "x", "-1"):
            assert "partNumber" in wire("PUT", f"{path}/{number}", b"a", status=400)["error"]
        assert "Content-MD5" in wire("PUT", f"{path}/1", b"a", status=406, Content_MD5="0" * 32)["error"]
        one, two = ({"etag": wire("PUT", f"{path}/{n}", b"a")["etag"], "partNumber": n} for n in (1, 2))
        for parts in ([], [two, one], [one, one], [one, one | {"partNumber": 3}], [one | {"etag": "x"}]):
            assert "parts" in wire("POST", path, {"parts": parts}, status=400)["error"]
        for body in (b"", b"{", b"[]", b'{"parts": 1}', b'{"parts": [{"etag": 1}]}', b"[" * 100_000):
            assert "body" in wire("POST", path, body, status=400)["error"]
        wire("POST", path, {"parts": [one, two]})

    def test_an_upload_that_is_none_is_612(self, wire: Wire) -> None:
        path = wire.begin("k")
        other = path.replace(f"/{b64('k')}/", f"/{b64('other')}/")
        for unknown in (f"{path}x", other):
            wire("PUT", f"{unknown}/1", b"a", status=612)
            wire("GET", unknown, status=612)
        wire("DELETE", path)
        wire("DELETE", path, status=612)
        wire("PUT", f"{path}/1", b"a", status=612)

    def test_the_token_counts(self, server: Server, bucket: str, wire: Wire) -> None:
        path = f"/buckets/{bucket}/objects/{b64('k')}/uploads"
        wire("POST", path, status=401, Authorization="")
        wire("POST", path, status=401, Authorization="UpToken a:b:c")
        wire("POST", path.replace(bucket, "other-bucket"), status=403)
        Wire(server, bucket, fsizeLimit=3)("PUT", f"{wire.begin('k')}/1", b"abcd", status=413)


def until(happened: Callable[[], bool]) -> None:
    """Wait for what must happen soon."""
    give_up = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def accepts(port: int) -> bool:
    """Whether somebody listens there and answers."""
    try:
        return httpx.options(f"http://127.0.0.1:{port}/", timeout=2).status_code == 204
    except httpx.HTTPError:
        return False


def object_workers(server: Server) -> list[int]:
    """The processes that carry objects."""
    marker = b"oxbow.rooms.storage.worker.process"
    return [pid for pid in server.processes() if marker in Path(f"/proc/{pid}/cmdline").read_bytes()]


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


class KilledOnceError(Exception):
    """The test's own: the worker is dead, and the client gives up for now."""


@pytest.mark.parametrize(("put", "options"), [(put_stream, {}), (put_stream_v2, {"part_size": MIB})])
def test_an_upload_goes_on_where_the_worker_was_killed(
    server: Server, sdk: BucketManager, bucket: str, tmp_path: Path, put: Any, options: dict[str, int]
) -> None:
    data = os.urandom(2 * BLOCK + 5)
    recorder, progress = UploadProgressRecorder(str(tmp_path)), list[int]()

    def upload(handler: Any) -> Any:
        token = AUTH.upload_token(bucket)
        told, info = put(
            token,
            "k",
            io.BytesIO(data),
            "name",
            len(data),
            progress_handler=handler,
            upload_progress_recorder=recorder,
            modify_time=1,
            **options,
        )
        return told, info

    def kill(done: int, total: int) -> None:
        if done > total // 2:
            for pid in object_workers(server):
                os.kill(pid, signal.SIGKILL)
            raise KilledOnceError

    with pytest.raises(KilledOnceError):
        upload(kill)
    until(lambda: accepts(server.object_port))
    told, info = upload(lambda done, total: progress.append(done))
    assert told is not None, info
    assert progress[0] > len(data) // 2, "what had been sent is not sent again"
    address = f"http://127.0.0.1:{server.object_port}/{bucket}/k"
    assert httpx.get(address).content == data


def test_memory_does_not_grow_with_an_upload(server: Server, wire: Wire) -> None:
    before = {pid: peak_bytes(pid) for pid in object_workers(server)}
    piece, etags = os.urandom(MIB), list[dict[str, Any]]()
    path = wire.begin("large")
    for number in (1, 2):
        told = wire("PUT", f"{path}/{number}", (piece for _ in range(50)))
        etags.append({"etag": told["etag"], "partNumber": number})
    wire("POST", path, {"parts": etags})
    grown = [peak_bytes(pid) - before.get(pid, 0) for pid in object_workers(server)]
    assert max(grown) < 40 * MIB
