"""A request: its head, and its body as it arrives."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from oxbow.kernel.errors import ApiError

HIGH_WATER = 1 << 20
"""Bytes of a body that may wait for the handler; more stay in the client's socket."""


class BadRequest(ApiError):  # noqa: N818 - named by what it says
    """The bytes are no acceptable request, or its body ended early."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(status, message)


class Body:
    """A request's body, in the pieces in which it arrives; it is read once.

    :param flow: told False when enough waits to be read, and True when there is room again.
    :param begin: called when somebody reads for the first time: the client may be waiting to be asked.
    :param seconds: how long the client may take for the next piece.
    """

    def __init__(self, flow: Callable[[bool], None], begin: Callable[[], None], seconds: float) -> None:
        self._flow = flow
        self._begin: Callable[[], None] | None = begin
        self._seconds = seconds
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._arrived = asyncio.Event()
        self._failure: ApiError | None = None
        self.complete = False
        """Whether all of it has arrived."""

    @property
    def exhausted(self) -> bool:
        """Whether all of it was read."""
        return self.complete and not self._pieces

    def feed(self, piece: bytes) -> None:
        """A piece has arrived."""
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._waiting >= HIGH_WATER:
            self._flow(False)
        self._arrived.set()

    def end(self) -> None:
        """That was all of it."""
        self.complete = True
        self._arrived.set()

    def fail(self, error: ApiError) -> None:
        """No more will come, and it is not complete."""
        self._failure = error
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces; BadRequest if the client goes away or stalls before the end."""
        if self._begin is not None and not self.complete:
            self._begin()
        self._begin = None
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._waiting -= len(piece)
                if self._waiting < HIGH_WATER:
                    self._flow(True)
                yield piece
            if self.complete:
                return
            if self._failure is not None:
                raise self._failure
            await self._more()

    async def _more(self) -> None:
        self._arrived.clear()
        try:
            async with asyncio.timeout(self._seconds):
                await self._arrived.wait()
        except TimeoutError:
            raise BadRequest(f"nothing of the request body came for {self._seconds:g} seconds", 408) from None

    async def read(self, limit: int) -> bytes:
        """All of it, if it has at most `limit` bytes; BadRequest (413) otherwise."""
        whole = bytearray()
        async for piece in self:
            whole += piece
            if len(whole) > limit:
                raise BadRequest(f"the request body is longer than {limit} bytes", 413)
        return bytes(whole)


@dataclass(slots=True)
class Request:
    """One request."""

    method: str
    target: bytes
    """As it was sent: path and query, percent-encoded; never with a scheme."""
    headers: list[tuple[str, str]]
    """Names in lower case."""
    body: Body
    reqid: str
    client: str
    """The IP address of the peer."""
    scheme: str = "http"
    state: dict[str, object] = field(default_factory=dict)
    """What the handlers of a request tell each other."""

    @property
    def raw_path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        return self.target.partition(b"?")[2]

    def header(self, name: str, default: str = "") -> str:
        """A header's value by its name in lower case; BadRequest if it is there more than once."""
        values = [value for other, value in self.headers if other == name]
        if len(values) > 1:
            raise BadRequest(f"{name}: takes one value, {len(values)} were sent")
        return values[0] if values else default

    @property
    def content_length(self) -> int | None:
        """None for a chunked body, 0 for a request without one."""
        if self.header("transfer-encoding"):
            return None
        return int(self.header("content-length") or 0)
