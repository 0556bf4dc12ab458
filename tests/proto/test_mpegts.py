"""Sections are compared with the bytes that other muxers (ffmpeg, nginx-rtmp) write for the same program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import mpegts
from oxbow.proto.errors import ProtocolError
from oxbow.proto.mpegts import ElementaryStream, Packetizer

H264 = ElementaryStream(0x100, mpegts.STREAM_TYPE_H264, mpegts.STREAM_ID_VIDEO)
AAC = ElementaryStream(0x101, mpegts.STREAM_TYPE_AAC_ADTS, mpegts.STREAM_ID_AUDIO)
MP3 = ElementaryStream(0x101, mpegts.STREAM_TYPE_MPEG1_AUDIO, mpegts.STREAM_ID_AUDIO)


def test_the_crc_has_the_check_value_of_crc_32_mpeg_2() -> None:
    assert mpegts.crc32(b"123456789") == 0x0376E6E7


def test_the_program_association_byte_for_byte() -> None:
    assert mpegts.program_association().hex() == "00b00d0001c100000001f0002ab104b2"


@pytest.mark.parametrize(
    ("streams", "section"),
    [
        ((H264, AAC), "02b0170001c10000e100f0001be100f0000fe101f0002f44b99b"),
        ((H264, MP3), "02b0170001c10000e100f0001be100f00003e101f0004e593d1e"),
        ((H264,), "02b0120001c10000e100f0001be100f00015bd4d56"),
    ],
)
def test_the_program_map_byte_for_byte(streams: tuple[ElementaryStream, ...], section: str) -> None:
    assert mpegts.program_map(streams, pcr_pid=0x100).hex() == section


def test_descriptors_stand_behind_their_stream() -> None:
    opus = ElementaryStream(
        0x101, mpegts.STREAM_TYPE_PRIVATE, mpegts.STREAM_ID_PRIVATE, mpegts.opus_descriptors(2)
    )
    section = mpegts.program_map((opus,), pcr_pid=0x101)
    assert bytes.fromhex("06e101f00a" + "05044f707573" + "7f028002") in section
    assert mpegts.crc32(section) == 0  # a CRC over a section with its CRC is zero


def test_a_pes_header_with_both_stamps() -> None:
    header = mpegts.pes_header(mpegts.STREAM_ID_VIDEO, 1000, pts=126_000, dts=122_400)
    # 126000 = 3 << 15 | 27696 and 122400 = 3 << 15 | 24096
    assert header.hex() == "000001e0" + "03f5" + "84c00a" + "310007d861" + "110007bc41"


def test_a_pes_header_with_one_stamp() -> None:
    header = mpegts.pes_header(mpegts.STREAM_ID_AUDIO, 10, pts=(1 << 33) - 1)
    assert header.hex() == "000001c0" + "0012" + "848005" + "2fffffffff"


def test_stamps_wrap_at_33_bits() -> None:
    assert mpegts.pes_header(0xC0, 10, (1 << 33) + 5) == mpegts.pes_header(0xC0, 10, 5)
    assert mpegts.pes_header(0xC0, 10, -1) == mpegts.pes_header(0xC0, 10, (1 << 33) - 1)
    assert mpegts.pcr_field((1 << 33) + 5) == mpegts.pcr_field(5)


def test_only_video_may_leave_the_length_open() -> None:
    assert mpegts.pes_header(mpegts.STREAM_ID_VIDEO, 70_000, 0)[4:6] == b"\x00\x00"
    with pytest.raises(ProtocolError, match="audio PES"):
        mpegts.pes_header(mpegts.STREAM_ID_AUDIO, 70_000, 0)


def test_the_program_clock_field() -> None:
    assert mpegts.pcr_field(63_000).hex() == "00007b0c7e00"
    assert mpegts.pcr_field(63_001).hex() == "00007b0cfe00"


def test_a_section_fills_one_packet() -> None:
    packet = Packetizer(mpegts.PMT_PID, counter=5).section(b"section")
    assert packet == b"\x47\x50\x00\x15\x00section" + b"\xff" * 176
    with pytest.raises(ProtocolError, match="does not fit"):
        Packetizer(0).section(bytes(184))


def test_the_first_packet_carries_clock_and_random_access_indicator() -> None:
    packets = Packetizer(0x100, counter=15).pes(b"x" * 300, pcr=63_000, random_access=True)
    assert packets[:12].hex() == "4741003f" + "0750" + "00007b0c7e00"
    assert packets[12:188] == b"x" * 176
    # 124 bytes are left: an adaptation field of 59 bytes behind its length byte fills the packet.
    assert packets[188:194].hex() == "470100303b00"
    assert packets[194:252] == b"\xff" * 58
    assert packets[252:] == b"x" * 124


@pytest.mark.parametrize(("size", "adaptation"), [(184, ""), (183, "00"), (182, "0100"), (181, "0200ff")])
def test_gaps_of_no_one_and_two_bytes(size: int, adaptation: str) -> None:
    packet = Packetizer(0x101).pes(b"x" * size)
    control = "10" if not adaptation else "30"
    assert packet.hex() == "474101" + control + adaptation + "78" * size


def unpack(packets: bytes, pid: int) -> tuple[bytes, list[int]]:
    """The payload of a PID's packets and their continuity counters, as a demultiplexer reads them."""
    payload, counters = bytearray(), []
    for at in range(0, len(packets), 188):
        packet = packets[at : at + 188]
        assert (packet[0], int.from_bytes(packet[1:3], "big") & 0x1FFF) == (0x47, pid)
        assert bool(packet[1] & 0x40) == (at == 0)
        counters.append(packet[3] & 15)
        payload += packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
    return bytes(payload), counters


@given(
    size=st.one_of(st.integers(1, 1200), st.integers(90_000, 100_000)),
    counter=st.integers(0, 15),
    pcr=st.none() | st.integers(0, 1 << 34),
    random_access=st.booleans(),
)
def test_a_demultiplexer_gets_back_what_was_put_in(
    size: int, counter: int, pcr: int | None, random_access: bool
) -> None:
    pes = (bytes(range(251)) * (size // 251 + 1))[:size]
    packetizer = Packetizer(0x100, counter)
    payload, counters = unpack(packetizer.pes(pes, pcr=pcr, random_access=random_access), 0x100)
    assert payload == pes
    assert counters == [(counter + index) & 15 for index in range(len(counters))]
    assert packetizer.counter == (counter + len(counters)) & 15
