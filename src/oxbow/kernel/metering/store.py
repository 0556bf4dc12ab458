"""Usage in the database; the only SQL about it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

from sqlalchemy import CursorResult, String, delete, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database, Upsert, upsert
from oxbow.kernel.metering.calendar import STEPS, Calendar, Piece, Step
from oxbow.kernel.metering.models import Event, Meter, Series
from oxbow.kernel.metering.tables import BookRow, RecordRow, SeriesRow, SumRow

PRUNE_SECONDS = 6 * 3600
"""Buckets of so much time go at once, so that nobody waits long for the lock."""
FEW_SERIES = 1000
"""The database picks so many out of a book; of more it tells everything, and they are picked out here."""

SumKey = tuple[int, int, int, int]
"""Step, book, bucket, series: the primary key of the sums."""


class UsageStore:
    """Each event with its effect on every sum is one transaction.

    :param meters: the declared meters by name.
    :param calendar_of: an account's calendar.
    """

    def __init__(
        self, database: Database, meters: Mapping[str, Meter], calendar_of: Callable[[int], Calendar]
    ) -> None:
        self._database = database
        self._meters = meters
        self._calendar_of = calendar_of
        self._books: dict[tuple[int, str], int] = {}
        self._series: dict[Series, tuple[int, int]] = {}
        """Known numbers of books and series; those that are in the database stay as they are for ever."""

    async def write(self, event: Event, now: int) -> bool:
        """Record an event and add it to the sums; False, with nothing changed, if it was recorded before."""
        numbers = await self._number({series for series, _ in event.entries})
        entries: dict[int, dict[int, int]] = defaultdict(dict)
        for (series, bucket), quantity in event.entries.items():
            entries[bucket][numbers[series][1]] = quantity
        record = {
            "event": event.id,
            "recorded_at": now,
            "entries": json.dumps(entries, separators=(",", ":")),
        }
        sums = self._sums(event, numbers)
        async with self._database.session() as session:
            inserted = await session.execute(
                upsert(session, RecordRow).values(**record).on_conflict_do_nothing()
            )
            if not cast("CursorResult[Any]", inserted).rowcount:
                return False
            await session.execute(_add_up(session), sums)
            return True

    def _sums(self, event: Event, numbers: Mapping[Series, tuple[int, int]]) -> list[dict[str, int]]:
        """What the event adds to each sum, in the order of their keys: two servers that write at once then
        never wait for each other in a circle."""
        sums: dict[SumKey, int] = defaultdict(int)
        for (series, bucket), quantity in event.entries.items():
            calendar, (book, number) = self._calendar_of(series[0]), numbers[series]
            for index, step in enumerate(STEPS):
                sums[index, book, calendar.start(step, bucket), number] += quantity
        return [
            {"step": step, "book": book, "bucket": bucket, "series": series, "quantity": quantity}
            for (step, book, bucket, series), quantity in sorted(sums.items())
        ]

    async def _number(self, wanted: Collection[Series]) -> dict[Series, tuple[int, int]]:
        """The numbers of the books and series, which are made where they are missing."""
        if missing := sorted(series for series in wanted if series not in self._series):
            async with self._database.session() as session:
                books = await self._make_books(session, sorted({series[:2] for series in missing}))
                made = {series: await self._make_series(session, books, series) for series in missing}
            self._books |= books
            self._series |= made
        return {series: self._series[series] for series in wanted}

    async def _make_books(
        self, session: AsyncSession, wanted: Iterable[tuple[int, str]]
    ) -> dict[tuple[int, str], int]:
        found = {}
        for account, meter in wanted:
            values = {"account": account, "meter": meter}
            await session.execute(upsert(session, BookRow).values(**values).on_conflict_do_nothing())
            query = select(BookRow.id).filter_by(**values)
            found[account, meter] = (await session.scalars(query)).one()
        return found

    async def _make_series(
        self, session: AsyncSession, books: Mapping[tuple[int, str], int], series: Series
    ) -> tuple[int, int]:
        account, meter, parts = series
        dimensions = dict(zip(self._meters[meter].dimensions, parts, strict=True))
        text = json.dumps(dimensions, ensure_ascii=False, separators=(",", ":"))
        book = books[account, meter]
        values = {"book": book, "dimensions": text}
        await session.execute(upsert(session, SeriesRow).values(**values).on_conflict_do_nothing())
        return book, (await session.scalars(select(SeriesRow.id).filter_by(**values))).one()

    async def series(self, account: int, meter: str) -> dict[int, dict[str, str]]:
        """The series of a book, by number, with their dimensions."""
        query = select(SeriesRow.id, SeriesRow.dimensions).join(BookRow, BookRow.id == SeriesRow.book)
        async with self._database.session(readonly=True) as session:
            rows = await session.execute(query.where(BookRow.account == account, BookRow.meter == meter))
            return {number: json.loads(dimensions) for number, dimensions in rows}

    async def totals(
        self, account: int, meter: str, piece: Piece, series: Collection[int] | None
    ) -> list[tuple[int, int]]:
        """(bucket, sum over the series); None is all of them."""
        query = _sums_of(account, meter, piece, series).with_only_columns(
            SumRow.bucket, func.sum(SumRow.quantity)
        )
        async with self._database.session(readonly=True) as session:
            return [(bucket, int(total)) for bucket, total in await session.execute(query)]

    async def quantities(
        self, account: int, meter: str, piece: Piece, series: Collection[int] | None
    ) -> list[tuple[int, str, str]]:
        """(bucket, numbers of series, their quantities), the last two as decimal numbers with commas between.

        One row a bucket: making a row of each sum would take longer than all the rest.
        """
        lists = [
            func.aggregate_strings(sql_cast(column, String), ",")
            for column in (SumRow.series, SumRow.quantity)
        ]
        query = _sums_of(account, meter, piece, series).with_only_columns(SumRow.bucket, *lists)
        async with self._database.session(readonly=True) as session:
            return [(bucket, numbers, sums) for bucket, numbers, sums in await session.execute(query)]

    async def prune(self, step: Step, before: int) -> None:
        """Delete the sums of buckets that began before a moment, a few at a time."""
        where = (SumRow.step == STEPS.index(step), SumRow.bucket < before)
        async with self._database.session(readonly=True) as session:
            books = (await session.scalars(select(BookRow.id))).all()
        for book in books:
            oldest = select(func.min(SumRow.bucket)).where(SumRow.book == book, *where)
            while (bucket := await self._scalar(oldest)) is not None:
                async with self._database.session() as session:
                    until = min(before, bucket + PRUNE_SECONDS)
                    query = delete(SumRow).where(SumRow.book == book, *where, SumRow.bucket < until)
                    await session.execute(query)

    async def prune_records(self, before: int) -> None:
        """Delete the records that were written before a moment."""
        while (oldest := await self._scalar(select(func.min(RecordRow.recorded_at)))) is not None:
            if oldest >= before:
                return
            until = min(before, oldest + PRUNE_SECONDS)
            async with self._database.session() as session:
                await session.execute(delete(RecordRow).where(RecordRow.recorded_at < until))

    async def _scalar(self, query: Any) -> int | None:
        async with self._database.session(readonly=True) as session:
            value: int | None = await session.scalar(query)
            return value


def _add_up(session: AsyncSession) -> Upsert:
    insert = upsert(session, SumRow)
    total = SumRow.quantity + insert.excluded.quantity
    return insert.on_conflict_do_update(
        index_elements=[SumRow.step, SumRow.book, SumRow.bucket, SumRow.series], set_={"quantity": total}
    )


def _sums_of(account: int, meter: str, piece: Piece, series: Collection[int] | None) -> Any:
    step, begin, end = piece
    book = select(BookRow.id).where(BookRow.account == account, BookRow.meter == meter).scalar_subquery()
    query = (
        select(SumRow)
        .where(SumRow.step == STEPS.index(step), SumRow.book == book)
        .where(SumRow.bucket >= begin, SumRow.bucket < end)
        .group_by(SumRow.bucket)
    )
    if series is not None and len(series) <= FEW_SERIES:
        query = query.where(SumRow.series.in_(series))
    return query
