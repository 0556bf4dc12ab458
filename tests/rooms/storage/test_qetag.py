"""The dialect's etag, against the official SDK's own."""

from __future__ import annotations

import os
from io import BytesIO

import pytest
from qiniu.utils import etag_stream

from oxbow.rooms.storage.qetag import BLOCK, QEtag


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7])
@pytest.mark.parametrize("piece", [BLOCK // 3, BLOCK, 3 * BLOCK])
def test_it_is_the_official_one_in_whatever_pieces_the_bytes_come(size: int, piece: int) -> None:
    data = os.urandom(size)
    etag = QEtag()
    for at in range(0, size, piece):
        etag.update(data[at : at + piece])
    assert str(etag) == etag_stream(BytesIO(data))


def test_a_known_text() -> None:
    etag = QEtag()
    etag.update(b"hello retry!")
    assert str(etag) == "FlYu0iBR1WpvYi4whKXiBuQpyLLk"
