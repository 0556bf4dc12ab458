"""What the operating system has to offer for a log that only grows: files whose past can be given back."""

import ctypes
import os
import tempfile
from pathlib import Path

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")

_FALLOC_FL_KEEP_SIZE = 0x01
_FALLOC_FL_PUNCH_HOLE = 0x02

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_libc.fallocate.restype = ctypes.c_int


def punch_hole(fd: int, start: int, end: int) -> None:
    """Give the memory of the whole pages in [start, end) back; offsets beyond them stay where they are.

    Pages that a socket's queue still refers to live on until they are sent (fallocate(2),
    FALLOC_FL_PUNCH_HOLE).
    """
    first = -(-start // PAGE_SIZE) * PAGE_SIZE
    last = end // PAGE_SIZE * PAGE_SIZE
    if last <= first:
        return
    mode = _FALLOC_FL_KEEP_SIZE | _FALLOC_FL_PUNCH_HOLE
    if _libc.fallocate(fd, mode, first, last - first) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def supports_punch_hole(directory: Path) -> bool:
    """True if files in `directory` can give back their past; a file system without it can't hold a log."""
    with tempfile.TemporaryFile(dir=directory) as probe:
        probe.write(bytes(2 * PAGE_SIZE))
        probe.flush()
        try:
            punch_hole(probe.fileno(), 0, PAGE_SIZE)
        except OSError:
            return False
        return True
