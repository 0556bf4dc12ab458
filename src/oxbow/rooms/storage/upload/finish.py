"""What happens once the bytes of an upload are here: checks, the object, and the answer that is asked for."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from oxbow.kernel.httpd import Response, json_response
from oxbow.rooms.storage.errors import BadArgument, Forbidden
from oxbow.rooms.storage.models import (
    DAY,
    KEY_RULE,
    TICKS,
    Content,
    StorageType,
    StoredObject,
    Transitions,
    is_key,
)
from oxbow.rooms.storage.store import ObjectStore
from oxbow.rooms.storage.upload import mime
from oxbow.rooms.storage.upload.grants import Grant
from oxbow.rooms.storage.upload.policy import mime_allowed
from oxbow.rooms.storage.upload.variables import Value, as_form, as_json, as_text

METADATA_BYTES = 4096
"""All of an object's own metadata together."""
_META = "x-qn-meta-"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes that were kept, and what the client said of them."""

    content: Content
    key: str | None = None
    """None if the client leaves it to the policy."""
    file_name: str = ""
    mime_type: str = ""
    head: bytes = field(default=b"", repr=False)
    """The first bytes."""
    variables: dict[str, str] = field(default_factory=dict)
    """By name with `x:`."""
    metadata: dict[str, str] = field(default_factory=dict)
    """By name without `x-qn-meta-`."""


def variables_in(fields: Mapping[str, str]) -> dict[str, str]:
    """The custom variables among what a client sent."""
    return {name: value for name, value in fields.items() if name.startswith("x:")}


def metadata_in(fields: Mapping[str, str]) -> dict[str, str]:
    """The object's own metadata among what a client sent."""
    return {name[len(_META) :]: value for name, value in fields.items() if name.lower().startswith(_META)}


class Caller(Protocol):
    """Who calls the application's server."""

    async def call(self, grant: Grant, body: str, content_type: str) -> object:
        """The JSON that the application answers; CallbackFailed."""


class Finisher:
    """The last step of every way to upload.

    :param zone: the time zone of the variables that tell the date.
    :param clock: Unix seconds.
    """

    def __init__(
        self,
        objects: ObjectStore,
        caller: Caller,
        zone: ZoneInfo,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._objects = objects
        self._caller = caller
        self._zone = zone
        self._clock = clock

    async def finish(self, grant: Grant, upload: Upload) -> Response:
        """Keep the object and answer as the policy asks.

        The object is there before the application is called, and stays if the callback fails; only with
        `callbackFetchKey` the application comes first, since it names the object.
        """
        policy = grant.policy
        policy.check_size(upload.content.size)
        _check_metadata(upload.metadata)
        policy.check_upload(upload.key)
        item = self._object(grant, upload)
        if policy.mime_limit and not mime_allowed(policy.mime_limit, _sniffed(upload, item)):
            raise Forbidden(f"mimeLimit: {policy.mime_limit} does not let {_sniffed(upload, item)} through")
        values = self._values(grant, upload, item)
        if policy.callback_fetch_key and policy.callback_url:
            return await self._keep_as_told(grant, item, values)
        if policy.callback_url:
            await self._keep(grant, item)
            return json_response(await self._callback(grant, values))
        answer = _answer(grant, values)  # first: a body that cannot be made must leave no object
        await self._keep(grant, item)
        return answer

    def _object(self, grant: Grant, upload: Upload) -> StoredObject:
        policy, now = grant.policy, self._clock()
        key = upload.key
        if policy.save_key and (key is None or policy.force_save_key):
            draft = StoredObject(grant.bucket.id, "", upload.content, "", 0)
            key = as_text(policy.save_key, self._values(grant, upload, draft))
        key = upload.content.hash if key is None else key
        if not is_key(key):
            raise BadArgument("key", f"takes {KEY_RULE}")
        return StoredObject(
            bucket=grant.bucket.id,
            key=key,
            content=upload.content,
            mime_type=mime.decide(upload.mime_type, upload.file_name, key, upload.head, policy.detect_mime),
            put_time=int(now * TICKS),
            type=StorageType(policy.file_type),
            end_user=policy.end_user[:255],
            metadata=upload.metadata,
            transitions=Transitions(
                delete=int(now) + policy.delete_after_days * DAY if policy.delete_after_days else 0
            ),
        )

    def _values(self, grant: Grant, upload: Upload, item: StoredObject) -> dict[str, Value]:
        """What the variables stand for; https://developer.qiniu.com/kodo/1235/vars."""
        name, now = PurePosixPath(upload.file_name), datetime.fromtimestamp(self._clock(), self._zone)
        return {
            **upload.variables,
            "bucket": grant.bucket.name,
            "key": item.key,
            "etag": upload.content.hash,
            "hash": upload.content.hash,
            "fname": upload.file_name,
            "fprefix": name.stem,
            "ext": name.suffix or PurePosixPath(item.key).suffix,
            "fsize": upload.content.size,
            "mimeType": item.mime_type,
            "endUser": grant.policy.end_user,
            "uuid": str(uuid.uuid4()),
            "year": f"{now:%Y}",
            "mon": f"{now:%m}",
            "day": f"{now:%d}",
            "hour": f"{now:%H}",
            "min": f"{now:%M}",
            "sec": f"{now:%S}",
        }

    async def _keep(self, grant: Grant, item: StoredObject) -> None:
        actor = grant.actor(int(self._clock()))
        await self._objects.put(grant.bucket, item, actor, insert_only=grant.policy.adds_only)

    async def _callback(self, grant: Grant, values: dict[str, Value]) -> object:
        policy = grant.policy
        content_type = policy.callback_body_type or _FORM
        fill = as_json if content_type.startswith("application/json") else as_form
        return await self._caller.call(grant, fill(policy.callback_body, values), content_type)

    async def _keep_as_told(self, grant: Grant, item: StoredObject, values: dict[str, Value]) -> Response:
        """The application's answer names the object: `{"key": ..., "payload": ...}`."""
        told = await self._callback(grant, values)
        key = told.get("key") if isinstance(told, dict) else None
        if not isinstance(key, str) or not is_key(key):
            raise BadArgument("key", f"the callback's answer takes a key of {KEY_RULE}")
        grant.policy.check_key(key)
        await self._keep(grant, replace(item, key=key))
        assert isinstance(told, dict)
        return json_response(told.get("payload", {}))


def _sniffed(upload: Upload, item: StoredObject) -> str:
    """A limit on types goes by the bytes, whatever the client says."""
    return mime.by_content(upload.head) or item.mime_type


def _check_metadata(metadata: dict[str, str]) -> None:
    size = sum(len(name) + len(value.encode()) for name, value in metadata.items())
    if size > METADATA_BYTES:
        raise BadArgument("x-qn-meta", f"takes at most {METADATA_BYTES} bytes of names and values together")


def _answer(grant: Grant, values: dict[str, Value]) -> Response:
    policy = grant.policy
    if policy.return_body:
        body = as_json(policy.return_body, values)
        try:
            json.loads(body)
        except ValueError:
            raise BadArgument("returnBody", f"makes no JSON: {body[:200]}") from None
    else:
        body = json.dumps({"hash": values["etag"], "key": values["key"]}, ensure_ascii=False)
    if policy.return_url:
        mark = "&" if "?" in policy.return_url else "?"
        told = quote(base64.urlsafe_b64encode(body.encode()).decode())
        return Response(303, {"Location": f"{policy.return_url}{mark}upload_ret={told}"})
    return Response(200, {"Content-Type": "application/json"}, body.encode())
