"""The way out: bytes through the transport, files by `sendfile`, and an end to clients that take nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from oxbow.kernel.httpd.response import FilePart

FILE_CHUNK = 2 << 20
"""Bytes of a file that one call sends at most, so that other clients have their turn."""


class Stalled(Exception):  # noqa: N818 - said of a client
    """The client takes nothing any more, or is gone."""


class Writer:
    """Sends answers on one connection.

    :param seconds: how long the client may take nothing.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._transport = transport
        self._loop = loop
        self._seconds = seconds
        self._room = asyncio.Event()
        self._room.set()
        self._lost = False
        self.sent_bytes = 0
        """Bytes of bodies that were handed to the socket."""

    def pause(self) -> None:
        """The transport holds enough."""
        self._room.clear()

    def resume(self) -> None:
        """The transport has room."""
        self._room.set()

    def lost(self) -> None:
        """The client is gone."""
        self._lost = True
        self._room.set()

    async def send(
        self, head: bytes, body: bytes | list[FilePart] | AsyncIterator[bytes], chunked: bool
    ) -> None:
        """An answer; Stalled."""
        if isinstance(body, bytes):
            await self._write(head + body if len(body) < 65_536 else head)
            if len(body) >= 65_536:
                await self._write(body)
            self.sent_bytes += len(body)
        elif isinstance(body, list):
            await self._write(head)
            await self._files(body)
        else:
            await self._write(head)
            await self._pieces(body, chunked)

    async def _write(self, data: bytes) -> None:
        if self._lost or self._transport.is_closing():
            raise Stalled
        self._transport.write(data)
        await self._drain()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._room.wait()
        except TimeoutError:
            raise Stalled from None
        if self._lost:
            raise Stalled

    async def _pieces(self, pieces: AsyncIterator[bytes], chunked: bool) -> None:
        async for piece in pieces:
            if piece:
                await self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                self.sent_bytes += len(piece)
        if chunked:
            await self._write(b"0\r\n\r\n")

    async def _files(self, parts: list[FilePart]) -> None:
        await self._empty()
        # The transport owns its descriptor; a copy of it may be waited for beside.
        out = os.dup(self._transport.get_extra_info("socket").fileno())
        try:
            for part in parts:
                fd = os.open(part.path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    await self._file(out, fd, part.start, part.start + part.size)
                finally:
                    os.close(fd)
        finally:
            os.close(out)

    async def _empty(self) -> None:
        """Wait until the head is with the kernel, since a file goes there directly."""
        if self._transport.get_write_buffer_size():
            self._transport.set_write_buffer_limits(0)
            self._room.clear()
            try:
                await self._drain()
            finally:
                self._transport.set_write_buffer_limits()

    async def _file(self, out: int, fd: int, at: int, end: int) -> None:
        while at < end:
            try:
                sent = os.sendfile(out, fd, at, min(FILE_CHUNK, end - at))
            except BlockingIOError:
                await self._writable(out)
                continue
            if not sent:
                raise Stalled  # the file is shorter than was promised; the client must see that
            at += sent
            self.sent_bytes += sent
            # What comes next is read ahead meanwhile, so that no call waits for the disk.
            os.posix_fadvise(fd, at, min(FILE_CHUNK, end - at), os.POSIX_FADV_WILLNEED)
            await asyncio.sleep(0)

    async def _writable(self, out: int) -> None:
        writable = asyncio.Event()
        self._loop.add_writer(out, writable.set)
        try:
            async with asyncio.timeout(self._seconds):
                await writable.wait()
        except TimeoutError:
            raise Stalled from None
        finally:
            self._loop.remove_writer(out)
        if self._lost:
            raise Stalled
