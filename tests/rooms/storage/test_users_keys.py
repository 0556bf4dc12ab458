"""What the keys of users open at the object port: what these users were granted, and nothing else."""

from __future__ import annotations

import base64
import hmac
import json
import time

import pytest

from oxbow.kernel.accounts import AccountStore
from oxbow.kernel.accounts.keyring import KeyRing
from oxbow.kernel.database import Database
from oxbow.kernel.httpd import Request
from oxbow.kernel.httpd.request import Body
from oxbow.kernel.iam import loading
from oxbow.kernel.iam.errors import NotGranted
from oxbow.kernel.iam.models import Kind
from oxbow.kernel.iam.rights import Rights
from oxbow.kernel.iam.service import ADD, REMOVE
from oxbow.kernel.iam.statements import Effect, Statement
from oxbow.kernel.iam.store import IamStore
from oxbow.rooms.storage.download.access import DownloadAccess
from oxbow.rooms.storage.models import Bucket
from oxbow.rooms.storage.store import BucketStore
from oxbow.rooms.storage.upload.grants import Grants
from rooms.storage.samples import NOW, OWNER, make_bucket

UPLOADS = Statement(Effect.ALLOW, ("kodo/Upload",), ("qrn:kodo:::photos",))
DOWNLOADS = Statement(Effect.ALLOW, ("kodo/Download",), ("qrn:kodo:::photos",))


@pytest.fixture
async def iam(accounts: Database, bucket: Bucket) -> IamStore:
    """The user alice with the key `ak`, and two policies that nobody has yet."""
    store = IamStore(accounts)
    async with store.editing(OWNER, NOW, None) as edit:
        await edit.add(Kind.USER, "alice", password_hash="", enabled=True)
        await edit.add_key("alice", "ak", "sk")
        for alias, statement in (("uploads", UPLOADS), ("downloads", DOWNLOADS)):
            column = loading.column_of((statement,))
            await edit.add(Kind.POLICY, alias, description="", edit_type=1, statements=column)
    return store


async def grant(iam: IamStore, rights: Rights, *policies: str, change=ADD) -> None:
    async with iam.editing(OWNER, NOW, None) as edit:
        await edit.link(Kind.USER, "alice", Kind.POLICY, policies, change)
    await rights.refresh()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def upload_token(bucket: str) -> str:
    policy = encoded(json.dumps({"scope": bucket, "deadline": int(time.time()) + 60}).encode())
    return f"ak:{encoded(hmac.digest(b'sk', policy.encode(), 'sha1'))}:{policy}"


async def test_an_upload_takes_the_right_on_the_bucket(
    iam: IamStore, accounts: Database, buckets: BucketStore
):
    await make_bucket(buckets, "ledger")
    rights = Rights(iam)
    grants = Grants(KeyRing(AccountStore(accounts)), rights, buckets)
    await grant(iam, rights, "downloads")
    with pytest.raises(NotGranted, match="kodo/Upload on qrn:kodo::1:photos"):
        await grants.of(upload_token("photos"))
    await grant(iam, rights, "uploads")
    assert (await grants.of(upload_token("photos"))).bucket.name == "photos"
    with pytest.raises(NotGranted):
        await grants.of(upload_token("ledger"))
    await grant(iam, rights, "uploads", change=REMOVE)
    with pytest.raises(NotGranted):
        await grants.of(upload_token("photos"))


def signed_address() -> Request:
    """A private object's address as SDKs sign it."""
    target = f"/photos/a.jpg?e={int(time.time()) + 60}"
    signature = encoded(hmac.digest(b"sk", f"http://files.example{target}".encode(), "sha1"))
    body = Body(lambda flow: None, lambda: None, 1.0)
    return Request(
        "GET",
        f"{target}&token=ak:{signature}".encode(),
        [("host", "files.example")],
        body,
        "reqid",
        "192.0.2.1",
    )


async def test_a_private_download_takes_the_right_on_the_bucket(
    iam: IamStore, accounts: Database, bucket: Bucket
):
    rights = Rights(iam)
    access = DownloadAccess(KeyRing(AccountStore(accounts)), rights)
    await grant(iam, rights, "uploads")
    with pytest.raises(NotGranted, match="kodo/Download on qrn:kodo::1:photos"):
        await access.check(bucket, signed_address())
    await grant(iam, rights, "downloads")
    await access.check(bucket, signed_address())
