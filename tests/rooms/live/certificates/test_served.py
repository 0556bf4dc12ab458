"""A certificate on its way to the workers."""

from oxbow.rooms.live.certificates.served import Certificate
from oxbow.rooms.live.snapshot import ConfigSnapshot, decode_snapshot, encode_snapshot

CERTIFICATE = Certificate("the chain", "the private key", "abc123")


def test_it_reaches_the_worker_whole() -> None:
    snapshot = ConfigSnapshot(certificates={"flv.example.com": CERTIFICATE})
    assert decode_snapshot(encode_snapshot(snapshot)).certificates == {"flv.example.com": CERTIFICATE}


def test_a_log_line_that_mentions_it_keeps_its_key() -> None:
    assert "private" not in repr(ConfigSnapshot(certificates={"flv.example.com": CERTIFICATE}))
