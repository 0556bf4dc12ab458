"""Statuses above 599, which the dialect uses (612, 614 ...) and uvicorn cannot send as it is.

Both of its HTTP implementations look the status line up in a table that ends at 599, and drop the connection
when there is no entry.  The tables are plain module dictionaries; giving them more entries is all it takes.
"""

from __future__ import annotations

from uvicorn.protocols.http import h11_impl, httptools_impl

_BEYOND = range(600, 1000)


def teach_uvicorn() -> None:
    """Add the missing entries; calling it again changes nothing."""
    for status in _BEYOND:
        h11_impl.STATUS_PHRASES.setdefault(status, b"")
        httptools_impl.STATUS_LINE.setdefault(status, b"HTTP/1.1 %d \r\n" % status)
