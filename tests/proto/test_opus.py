from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import opus
from oxbow.proto.errors import ProtocolError

HEAD = bytes.fromhex("4f707573486561640102380180bb0000000000")
"""What ffmpeg writes for stereo at 48 kHz."""


def test_the_identification_header() -> None:
    assert opus.parse_head(HEAD) == opus.OpusHead(channels=2, pre_skip=312, mapping_family=0)


@pytest.mark.parametrize(
    "data", [b"", HEAD[:18], b"O" * 19, HEAD[:8] + b"\x11" + HEAD[9:], HEAD[:9] + bytes(10)]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        opus.parse_head(data)


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (b"\xf8", 10 * 2),  # CELT fullband, 20 ms, one frame
        (b"\xf9", 40),  # two frames of equal size
        (b"\xe0", 2.5),
        (b"\x18", 60),  # SILK narrowband
        (b"\x60", 10),  # hybrid
        (b"\xe3\x03", 7.5),  # three frames, as the second byte says
    ],
)
def test_packet_durations_are_those_of_rfc_6716_table_2(packet: bytes, milliseconds: float) -> None:
    assert opus.samples(packet) == milliseconds * 48


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff\x00", b"\x1b\x03"])
def test_empty_packets_and_such_of_more_than_120_ms_are_refused(packet: bytes) -> None:
    with pytest.raises(ProtocolError):
        opus.samples(packet)


@pytest.mark.parametrize(("size", "coded"), [(10, "0a"), (254, "fe"), (255, "ff00"), (600, "ffff5a")])
def test_the_control_header_in_mpeg_ts_counts_in_steps_of_255(size: int, coded: str) -> None:
    packet = b"p" * size
    assert opus.ts_access_unit(packet) == bytes.fromhex("7fe0" + coded) + packet


@given(st.binary(max_size=8))
def test_any_packet_has_a_duration_or_is_refused(packet: bytes) -> None:
    with suppress(ProtocolError):
        assert 0 < opus.samples(packet) <= 5760
