"""What can be done with objects that are there: https://developer.qiniu.com/kodo/1274/rs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any

from oxbow.rooms.storage.errors import BadArgument, ContentModified
from oxbow.rooms.storage.manage.operations import Entry, Operation, encoded, flag, number
from oxbow.rooms.storage.models import DAY, Bucket, StorageType, StoredObject
from oxbow.rooms.storage.store import Actor, BucketStore, ObjectStore
from oxbow.rooms.storage.upload.mime import is_type

MAX_DAYS = 36_500
_LIFECYCLE = {
    "toIAAfterDays": "to_infrequent",
    "toArchiveIRAfterDays": "to_archive_instant",
    "toArchiveAfterDays": "to_archive",
    "toDeepArchiveAfterDays": "to_deep_archive",
    "deleteAfterDays": "delete",
}


class ObjectService:
    """Carries operations out, on behalf of an account."""

    def __init__(
        self, buckets: BucketStore, objects: ObjectStore, clock: Callable[[], float] = time.time
    ) -> None:
        self._buckets = buckets
        self._objects = objects
        self._clock = clock
        self._work: dict[str, Callable[[int, Actor, Operation], Awaitable[dict[str, Any]]]] = {
            "stat": self._stat,
            "delete": self._delete,
            "copy": self._copy,
            "move": self._move,
            "chgm": self._change_mime,
            "chtype": self._change_type,
            "chstatus": self._change_status,
            "restoreAr": self._restore,
            "deleteAfterDays": self._delete_after,
            "lifecycle": self._lifecycle,
        }

    async def run(self, account: int, who: str, operation: Operation) -> dict[str, Any]:
        """Do it and give the answer, which is empty for most; ApiError."""
        return await self._work[operation.name](account, Actor(who, int(self._clock())), operation)

    async def _find(self, account: int, entry: Entry) -> tuple[Bucket, StoredObject]:
        bucket = await self._buckets.get(entry.bucket, account)
        return bucket, await self._objects.get(bucket.id, entry.key)

    async def _stat(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        _, item = await self._find(account, operation.entries[0])
        return shown(item, actor.now)

    async def _delete(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        entry = operation.entries[0]
        await self._objects.delete(await self._buckets.get(entry.bucket, account), entry.key, actor)
        return {}

    async def _copy(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        source, target = await self._two(account, operation)
        await self._objects.copy(source, target, actor, force=flag(operation, "force"))
        return {}

    async def _move(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        source, target = await self._two(account, operation)
        await self._objects.move(source, target, actor, force=flag(operation, "force"))
        return {}

    async def _two(self, account: int, operation: Operation) -> tuple[tuple[Bucket, str], tuple[Bucket, str]]:
        source, target = operation.entries
        return (
            (await self._buckets.get(source.bucket, account), source.key),
            (await self._buckets.get(target.bucket, account), target.key),
        )

    async def _change_mime(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        mime, prefix = encoded(operation, "mime"), "x-qn-meta-"
        if mime is not None and not is_type(mime):
            raise BadArgument("mime", "takes a media type such as image/png")
        names = [name for name in operation.arguments if name.startswith(prefix)]
        metadata = {name[len(prefix) :]: encoded(operation, name) or "" for name in names}
        if mime is None and not metadata:
            raise BadArgument("mime", "is required, or x-qn-meta-<name>")
        bucket, item = await self._find(account, operation.entries[0])
        _check_condition(operation, item)
        changes: dict[str, Any] = {"mime_type": mime} if mime is not None else {}
        if metadata:
            changes["metadata"] = {**item.metadata, **metadata}
        await self._objects.change(bucket.id, item.key, **changes)
        return {}

    async def _change_type(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        kind = StorageType(number(operation, "type", 0, max(StorageType)))
        bucket, item = await self._find(account, operation.entries[0])
        if item.type.needs_restoring and item.restored_till <= actor.now and kind != item.type:
            raise BadArgument("type", "an archived object is restored first (restoreAr)")
        await self._objects.change(bucket.id, item.key, type=kind, restored_till=0)
        return {}

    async def _change_status(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        disabled = bool(number(operation, "status", 0, 1))
        bucket, item = await self._find(account, operation.entries[0])
        _check_condition(operation, item)
        await self._objects.change(bucket.id, item.key, disabled=disabled)
        return {}

    async def _restore(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        days = number(operation, "freezeAfterDays", 1, 7)
        bucket, item = await self._find(account, operation.entries[0])
        if not item.type.needs_restoring:
            raise BadArgument("restoreAr", f"the object is of type {int(item.type)}, which is not archived")
        await self._objects.change(bucket.id, item.key, restored_till=actor.now + days * DAY)
        return {}

    async def _delete_after(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        days = number(operation, "days", 0, MAX_DAYS)
        bucket, item = await self._find(account, operation.entries[0])
        moment = actor.now + days * DAY if days else 0
        await self._objects.change(bucket.id, item.key, transitions=replace(item.transitions, delete=moment))
        return {}

    async def _lifecycle(self, account: int, actor: Actor, operation: Operation) -> dict[str, Any]:
        days = {
            attribute: number(operation, argument, -1, MAX_DAYS, 0)
            for argument, attribute in _LIFECYCLE.items()
        }
        bucket, item = await self._find(account, operation.entries[0])
        _check_condition(operation, item)
        # 0 leaves a transition as it is, and -1 takes it back.
        moments = {
            attribute: 0 if value < 0 else actor.now + value * DAY
            for attribute, value in days.items()
            if value
        }
        await self._objects.change(bucket.id, item.key, transitions=replace(item.transitions, **moments))
        return {}


def shown(item: StoredObject, now: int) -> dict[str, Any]:
    """An object as `stat` answers it: https://developer.qiniu.com/kodo/1308/stat."""
    answer: dict[str, Any] = {
        "fsize": item.content.size,
        "hash": item.content.hash,
        "md5": item.content.md5,
        "mimeType": item.mime_type,
        "putTime": item.put_time,
        "type": int(item.type),
        "status": int(item.disabled),
        "endUser": item.end_user,
    }
    if item.metadata:
        answer["x-qn-meta"] = item.metadata
    if item.type.needs_restoring and item.restored_till:
        answer["restoreStatus"] = 2 if item.restored_till > now else 0
    names = {
        "delete": "expiration",
        "to_infrequent": "transitionToIA",
        "to_archive_instant": "transitionToArchiveIR",
        "to_archive": "transitionToARCHIVE",
        "to_deep_archive": "transitionToDeepArchive",
    }
    answer |= {names[name]: moment for name, moment in asdict(item.transitions).items() if moment}
    return {name: value for name, value in answer.items() if value != "" or name == "hash"}


def _check_condition(operation: Operation, item: StoredObject) -> None:
    """`cond` is base64 of `hash=..&mime=..&fsize=..&putTime=..`; ContentModified unless all of it is so."""
    text = encoded(operation, "cond")
    if text is None:
        return
    actual = {
        "hash": item.content.hash,
        "mime": item.mime_type,
        "fsize": str(item.content.size),
        "putTime": str(item.put_time),
    }
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if name not in actual:
            raise BadArgument("cond", f"takes {', '.join(actual)}; {name[:40]!r} is none of them")
        if actual[name] != value:
            raise ContentModified
