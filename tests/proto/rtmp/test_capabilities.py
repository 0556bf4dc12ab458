"""Enhanced RTMP's capabilities in the answer to connect."""

from oxbow.proto.rtmp.capabilities import AUDIO_FOURCCS, VIDEO_FOURCCS, enhanced_capabilities


def test_a_legacy_client_is_answered_as_ever():
    assert enhanced_capabilities({"app": "live", "videoCodecs": 252.0}) == {}


def test_the_codecs_of_a_v1_client_are_echoed_as_far_as_they_are_known():
    answer = enhanced_capabilities({"fourCcList": ["hvc1", "xxxx", "Opus", 7.0]})
    assert answer["fourCcList"] == ["hvc1", "Opus"]


def test_a_client_that_takes_anything_is_told_all():
    assert enhanced_capabilities({"fourCcList": ["*"]})["fourCcList"] == [*VIDEO_FOURCCS, *AUDIO_FOURCCS]


def test_a_v2_client_is_told_what_can_be_forwarded():
    answer = enhanced_capabilities({"videoFourCcInfoMap": {"*": 7.0}, "capsEx": 15.0})
    assert answer["videoFourCcInfoMap"]["av01"] == 4
    assert answer["audioFourCcInfoMap"]["fLaC"] == 4
    assert answer["capsEx"] == 0x02 | 0x04 | 0x08  # All but reconnect requests.
    assert "fourCcList" not in answer
