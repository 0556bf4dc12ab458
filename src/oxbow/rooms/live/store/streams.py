"""Streams: created by the API or by their first publish, cleared away when nobody publishes them any more."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BigInteger, CursorResult, case, delete, exists, func, select, update
from sqlalchemy import cast as sql_cast

from oxbow.kernel.audit import acting_as, record, recorded
from oxbow.kernel.database import Database, upsert
from oxbow.rooms.live.errors import HubNotFound, StreamExists, StreamNotFound
from oxbow.rooms.live.models import PublishSecurity, Stream, is_stream_name_prefix
from oxbow.rooms.live.store.rows import (
    announce_change,
    find_hub,
    owned_hub,
    stream_of,
    stream_subject,
    values_of,
)
from oxbow.rooms.live.store.tables import ActivityRow, HubRow, StreamRow

DAY = 86_400
_AFTER_EVERY_NAME = "~"
"""Sorts behind each character that a stream's name may have."""


class StreamStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, hub: str, key: str) -> Stream | None:
        """A stream, whoever owns its hub."""
        async with self._database.session(readonly=True) as session:
            row = await session.get(StreamRow, (hub, key))
            return stream_of(row) if row is not None else None

    async def get(self, hub: str, key: str, account: int) -> Stream:
        """HubNotFound, StreamNotFound."""
        async with self._database.session(readonly=True) as session:
            await owned_hub(session, hub, account)
            row = await session.get(StreamRow, (hub, key))
            if row is None:
                raise StreamNotFound
            return stream_of(row)

    async def page(self, hub: str, account: int, *, prefix: str, after: str, limit: int) -> list[str]:
        """Names in the order of their bytes, at most `limit` of them, behind `after`; HubNotFound."""
        query = (
            select(StreamRow.key)
            .where(StreamRow.hub == hub, StreamRow.key > after)
            .where(StreamRow.key >= prefix, StreamRow.key < prefix + _AFTER_EVERY_NAME)
            .order_by(StreamRow.key)
            .limit(limit)
        )
        async with self._database.session(readonly=True) as session:
            await owned_hub(session, hub, account)
            return list(await session.scalars(query)) if is_stream_name_prefix(prefix) else []

    async def create(self, stream: Stream, account: int) -> None:
        """HubNotFound, StreamExists."""
        async with self._database.session() as session:
            await owned_hub(session, stream.hub, account, hold=True)
            insert = upsert(session, StreamRow).values(**values_of(stream)).on_conflict_do_nothing()
            if not _changed(await session.execute(insert)):
                raise StreamExists
            record(session, stream_subject(stream.hub, stream.key), None, _told(stream), account=account)

    async def ensure(self, stream: Stream) -> None:
        """Create the stream unless it is there; HubNotFound."""
        async with self._database.session() as session:
            hub = await find_hub(session, stream.hub, hold=True)
            if hub is None:
                raise HubNotFound
            insert = upsert(session, StreamRow).values(**values_of(stream)).on_conflict_do_nothing()
            if _changed(await session.execute(insert)):
                subject = stream_subject(stream.hub, stream.key)
                with acting_as("first_publish"):
                    record(session, subject, None, _told(stream), account=hub.account)

    async def change(self, hub: str, key: str, account: int, now: int, **changes: Any) -> None:
        """Set some columns; HubNotFound, StreamNotFound."""
        async with self._database.session() as session:
            await announce_change(session)
            await owned_hub(session, hub, account)
            row = await session.get(StreamRow, (hub, key))
            if row is None:
                raise StreamNotFound
            with recorded(session, stream_subject(hub, key), row, account=account):
                for column, value in changes.items():
                    setattr(row, column, value)
                row.updated_at = now

    async def delete(self, hub: str, key: str, account: int) -> None:
        """HubNotFound, StreamNotFound. What was broadcast stays in the history."""
        async with self._database.session() as session:
            await announce_change(session)
            await owned_hub(session, hub, account)
            row = await session.get(StreamRow, (hub, key))
            if row is None:
                raise StreamNotFound
            record(session, stream_subject(hub, key), _told(stream_of(row)), None, account=account)
            await session.delete(row)

    async def consume_nonce(self, hub: str, key: str, nonce: int) -> bool:
        """Whether `nonce` is greater than all before it; of several attempts with one nonce only one is.

        Committed when this returns, so that a replay is refused even after a crash.
        """
        fresh = (StreamRow.hub == hub, StreamRow.key == key, StreamRow.last_nonce < nonce)
        async with self._database.session() as session:
            result = await session.execute(update(StreamRow).where(*fresh).values(last_nonce=nonce))
            return _changed(result) == 1

    async def lift_ended_bans(self, now: int) -> None:
        """Streams whose time is over follow their hub again, and need not be kept in memory."""
        ended = StreamRow.disabled_till.between(1, now)
        async with self._database.session() as session:
            if _changed(
                await session.execute(
                    update(StreamRow).where(ended).values(disabled_till=0, disabled_reason="")
                )
            ):
                await announce_change(session)

    async def clear_expired(self, now: int, default_days: int, *, limit: int) -> list[tuple[str, str]]:
        """Delete some streams that nobody published for as long as their hub keeps them; which ones.

        A stream that is on air stays, and so does one that is disabled, which its first publish would undo.
        """
        days = case((HubRow.live_data_expire_days > 0, HubRow.live_data_expire_days), else_=default_days)
        last_used = case(
            (StreamRow.published_at > StreamRow.created_at, StreamRow.published_at),
            else_=StreamRow.created_at,
        )
        on_air = exists().where(
            ActivityRow.hub == StreamRow.hub,
            ActivityRow.stream == StreamRow.key,
            ActivityRow.ended_at.is_(None),
        )
        expired = (
            select(StreamRow.hub, StreamRow.key, HubRow.account)
            .join(HubRow, HubRow.name == StreamRow.hub)
            .where(
                last_used + sql_cast(days, BigInteger) * DAY <= now,
                StreamRow.disabled_till == 0,
                ~on_air,
            )
            .limit(limit)
        )
        async with self._database.session() as session:
            found = [(hub, key, account) for hub, key, account in await session.execute(expired)]
            for hub, key, account in found:
                await session.execute(delete(StreamRow).where(StreamRow.hub == hub, StreamRow.key == key))
                with acting_as("stream_expiry"):
                    record(session, stream_subject(hub, key), {}, None, account=account)
            if found:
                await announce_change(session)
            return [(hub, key) for hub, key, _ in found]

    async def count(self) -> int:
        """How many streams there are in all."""
        async with self._database.session(readonly=True) as session:
            return (await session.scalars(select(func.count()).select_from(StreamRow))).one()


def new_stream(hub: str, key: str, now: int) -> Stream:
    """A stream that follows its hub in everything."""
    return Stream(hub, key, now, now, publish_security=PublishSecurity.INHERIT)


def _told(stream: Stream) -> dict[str, Any]:
    """A new stream for the audit, whose subject has its name; "key" there would be taken for a secret."""
    return {name: value for name, value in values_of(stream).items() if name not in ("hub", "key")}


def _changed(result: Any) -> int:
    """How many rows a statement touched."""
    return cast("CursorResult[Any]", result).rowcount
