"""Control's account of refusals: which get a row of their own, and which are counted on an earlier row.

Within a minute the first few of a kind are rows; the others grow the number on the last of these. So a client
that hammers on a closed door fills a handful of rows a minute, and a flood of different clients at most
`rows_per_minute`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from oxbow.kernel.refusals.models import Refusal

WINDOW_SECONDS = 60.0
ROWS_OF_A_KIND = 5
ROWS_PER_MINUTE = 3000
MAX_WAITING = 20_000


@dataclass(slots=True)
class _Kind:
    opened: float
    rows: int
    last: Refusal


@dataclass(slots=True)
class Batch:
    """What is to be written: new rows, and rows whose count has grown."""

    new: dict[str, Refusal] = field(default_factory=dict)
    grown: dict[str, Refusal] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.new) + len(self.grown)


class Ledger:
    """Pure: time comes with the refusals. `lost` counts what had to be thrown away unwritten."""

    def __init__(self, *, rows_per_minute: int = ROWS_PER_MINUTE, max_waiting: int = MAX_WAITING) -> None:
        self._rows_per_minute = rows_per_minute
        self._max_waiting = max_waiting
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._waiting = Batch()
        self._rows = 0
        self._minute = 0.0
        self.lost = 0

    @property
    def waiting(self) -> int:
        """Rows that wait to be written."""
        return len(self._waiting)

    def add(self, refusals: Iterable[Refusal], now: float) -> None:
        """Take in what a worker or the gateway tells; `now` is Unix seconds."""
        if abs(now - self._minute) >= WINDOW_SECONDS:
            self._minute, self._rows = now, 0
            self._kinds = {key: kind for key, kind in self._kinds.items() if _is_open(kind, now)}
        for refusal in refusals:
            self._take(refusal.fit(), now)
        self._trim()

    def take(self) -> Batch:
        """Everything that waits; `put_back` it if it could not be written."""
        batch, self._waiting = self._waiting, Batch()
        return batch

    def put_back(self, batch: Batch) -> None:
        """It waits again, before what has come since."""
        newer, self._waiting = self._waiting, batch
        self._waiting.new |= newer.new
        for reqid, refusal in newer.grown.items():
            target = self._waiting.new if reqid in self._waiting.new else self._waiting.grown
            target[reqid] = refusal
        self._trim()

    def _take(self, refusal: Refusal, now: float) -> None:
        key = (refusal.account, *refusal.likeness)
        kind = self._kinds.get(key)
        if kind is not None and not _is_open(kind, now):
            kind = None
        if kind is None and self._rows >= self._rows_per_minute:
            refusal = replace(refusal, hub="", stream="", address="", access_key="")
            key = (refusal.account, "", *refusal.likeness)
            kind = self._kinds.get(key)
        if kind is None:
            self._kinds[key] = _Kind(now, 1, refusal)
            self._new_row(refusal)
        elif kind.rows < ROWS_OF_A_KIND and self._rows < self._rows_per_minute:
            kind.rows, kind.last = kind.rows + 1, refusal
            self._new_row(refusal)
        else:
            self._grow(kind, refusal)

    def _new_row(self, refusal: Refusal) -> None:
        self._rows += 1
        self._waiting.new[refusal.reqid] = refusal

    def _grow(self, kind: _Kind, refusal: Refusal) -> None:
        until = max(refusal.at, refusal.until, kind.last.until)
        kind.last = replace(kind.last, more=kind.last.more + 1 + refusal.more, until=until)
        reqid = kind.last.reqid
        target = self._waiting.new if reqid in self._waiting.new else self._waiting.grown
        target[reqid] = kind.last

    def _trim(self) -> None:
        """While the database is away the oldest go first."""
        for rows in (self._waiting.grown, self._waiting.new):
            while rows and len(self._waiting) > self._max_waiting:
                del rows[next(iter(rows))]
                self.lost += 1


def _is_open(kind: _Kind, now: float) -> bool:
    return abs(now - kind.opened) < WINDOW_SECONDS
