import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxbow.proto import aac
from oxbow.proto.errors import ProtocolError


@pytest.mark.parametrize(
    ("config", "codec", "rate", "channels"),
    [
        ("1210", "mp4a.40.2", 44100, 2),
        ("1190", "mp4a.40.2", 48000, 2),
        ("1588", "mp4a.40.2", 8000, 1),
        ("120856e500", "mp4a.40.2", 44100, 1),  # ffmpeg says explicitly that there is no SBR
        ("131056e598", "mp4a.40.5", 24000, 2),  # HE-AAC, backward compatible signalling
        ("2b118800", "mp4a.40.5", 24000, 2),  # HE-AAC, explicit
        ("eb098800", "mp4a.40.29", 24000, 2),  # HE-AAC v2, explicit: one channel coded, two put out
        ("11b8", "mp4a.40.2", 48000, 8),  # 7.1
    ],
)
def test_audio_specific_configs(config: str, codec: str, rate: int, channels: int) -> None:
    parsed = aac.parse_config(bytes.fromhex(config))
    assert (parsed.codec, parsed.sample_rate, parsed.channels) == (codec, rate, channels)
    assert parsed.fits_adts


def test_parametric_stereo_in_backward_compatible_signalling() -> None:
    # AAC LC 22050 Hz mono, then 0x2b7, SBR at 44100 Hz, 0x548, PS.
    text = "00010 0111 0001 000 01010110111 00101 1 0100 10101001000 1".replace(" ", "").ljust(56, "0")
    parsed = aac.parse_config(int(text, 2).to_bytes(7, "big"))
    assert (parsed.codec, parsed.channels) == ("mp4a.40.29", 2)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("1200", "the channel layout stands in a program config element"),
        ("1214", "frames of 960 samples"),
        ("f8e850", "object type 39, ELD"),
    ],
)
def test_what_adts_has_no_room_for(config: str, why: str) -> None:
    parsed = aac.parse_config(bytes.fromhex(config))
    assert not parsed.fits_adts, why
    with pytest.raises(ProtocolError, match="does not fit ADTS"):
        parsed.adts_template()


def test_an_adts_header_byte_for_byte() -> None:
    """LC (01), 44.1 kHz (0100), stereo (0 10), length 378 (0000101111010), fullness 0x7ff, one block."""
    template = aac.parse_config(b"\x12\x10").adts_template()
    assert aac.adts_header(template, 371).hex() == "fff150802f5ffc"


def test_a_frame_too_long_for_adts_is_refused() -> None:
    template = aac.parse_config(b"\x12\x10").adts_template()
    assert len(aac.adts_header(template, 8184)) == 7
    with pytest.raises(ProtocolError, match="8185 bytes"):
        aac.adts_header(template, 8185)


@pytest.mark.parametrize("config", ["", "12", "1780", "0610", "1790"])
def test_truncated_and_reserved_configs_are_refused(config: str) -> None:
    with pytest.raises(ProtocolError):
        aac.parse_config(bytes.fromhex(config))


@given(st.binary(max_size=20))
def test_any_bytes_give_a_config_or_a_protocol_error(data: bytes) -> None:
    try:
        config = aac.parse_config(data)
        assert config.codec.startswith("mp4a.40.")
        if config.fits_adts:
            assert aac.adts_header(config.adts_template(), 100)[:2] == b"\xff\xf1"
    except ProtocolError:
        pass
