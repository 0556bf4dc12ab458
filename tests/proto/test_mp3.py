import pytest

from oxbow.proto import mp3
from oxbow.proto.errors import ProtocolError


@pytest.mark.parametrize(
    ("header", "mpeg1", "layer", "rate", "channels", "samples"),
    [
        ("fffb9064", True, 3, 44100, 2, 1152),
        ("fffb54c4", True, 3, 48000, 1, 1152),
        ("fff340c4", False, 3, 22050, 1, 576),
        ("ffe318c4", False, 3, 8000, 1, 576),  # MPEG 2.5
        ("fffd8004", True, 2, 44100, 2, 1152),
    ],
)
def test_frame_headers(header: str, mpeg1: bool, layer: int, rate: int, channels: int, samples: int) -> None:
    parsed = mp3.parse_header(bytes.fromhex(header))
    assert parsed == mp3.Mp3Header(mpeg1, layer, rate, channels, samples)


@pytest.mark.parametrize("header", ["", "fffb90", "0ffb9064", "ffeb9064", "fff99064", "fffb9c64"])
def test_what_is_no_frame_is_refused(header: str) -> None:
    with pytest.raises(ProtocolError):
        mp3.parse_header(bytes.fromhex(header))
