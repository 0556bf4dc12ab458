"""Lists of objects in the order of their keys' bytes, page by page, stable under concurrent writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from oxbow.kernel.database import Database
from oxbow.rooms.storage.models import StoredObject
from oxbow.rooms.storage.store.rows import object_of
from oxbow.rooms.storage.store.tables import ContentRow, ObjectRow

SMALL_BATCH = 16
"""Rows that are looked at after a page of a few folders that hold very many objects each."""


@dataclass(slots=True)
class Page:
    """One page of a list."""

    items: list[StoredObject] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    """What objects below a delimiter have in common, each once."""
    last: str | None = None
    """The marker of the next page: the last key or prefix that was listed. None at the end."""

    def __len__(self) -> int:
        return len(self.items) + len(self.prefixes)


class ListingStore:
    """A list keeps no state: a page begins behind the last key of the former one, whatever changed since."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, bucket: int, prefix: str, after: str | None, limit: int, delimiter: str = ""
    ) -> Page:
        """Up to `limit` objects and common prefixes that begin with `prefix`, behind `after`."""
        page, batch = Page(), limit + 1
        cursor, strictly = _begin(prefix, after, delimiter)
        async with self._database.session(readonly=True) as session:
            while cursor is not None:
                rows = await _rows(session, bucket, prefix, cursor, strictly, batch)
                common, full = _take(page, rows, prefix, delimiter, limit)
                if full:
                    return page
                if len(rows) < batch:
                    break
                # Behind a common prefix there may be a million keys that belong to it: they are jumped over.
                cursor, strictly = (successor(common), False) if common else (rows[-1][0].key, True)
                batch = SMALL_BATCH if common else limit + 1
        page.last = None
        return page


def _begin(prefix: str, after: str | None, delimiter: str) -> tuple[str | None, bool]:
    """Where a page begins, and whether behind that key or with it."""
    if after is None or after < prefix:
        return prefix, False
    listed_as_one = bool(delimiter) and after.endswith(delimiter) and after.find(delimiter, len(prefix)) >= 0
    return (successor(after), False) if listed_as_one else (after, True)


def successor(prefix: str) -> str | None:
    """The least text behind every text that begins with `prefix`; None if there is none.

    >>> successor("a/")
    'a0'
    """
    for at in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[at]) + 1
        if code <= 0x10FFFF:
            # Surrogates are no characters, and UTF-8 has none.
            return prefix[:at] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)
    return None


def _take(
    page: Page, rows: Sequence[tuple[ObjectRow, ContentRow]], prefix: str, delimiter: str, limit: int
) -> tuple[str, bool]:
    """Put rows onto the page: the common prefix of the last one, if it has one, and whether it is full."""
    common = ""
    for row, content in rows:
        if common and row.key.startswith(common):
            continue
        if len(page) >= limit:
            return common, True
        at = row.key.find(delimiter, len(prefix)) if delimiter else -1
        if at >= 0:
            common = row.key[: at + len(delimiter)]
            page.prefixes.append(common)
            page.last = common
        else:
            common = ""
            page.items.append(object_of(row, content))
            page.last = row.key
    return common, False


async def _rows(
    session: AsyncSession, bucket: int, prefix: str, cursor: str, strictly: bool, limit: int
) -> Sequence[tuple[ObjectRow, ContentRow]]:
    query = (
        select(ObjectRow, ContentRow)
        .join(ContentRow, ObjectRow.content == ContentRow.id)
        .where(ObjectRow.bucket == bucket, ObjectRow.key > cursor if strictly else ObjectRow.key >= cursor)
        .order_by(ObjectRow.key)
        .limit(limit)
    )
    if prefix and (end := successor(prefix)):
        query = query.where(ObjectRow.key < end)
    return [(row, content) for row, content in await session.execute(query)]
