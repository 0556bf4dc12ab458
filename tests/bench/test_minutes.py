"""The end of a minute that is timed."""

from bench import minutes


def test_a_minute_of_a_few_streams_takes_some_time(monkeypatch):
    monkeypatch.setattr(minutes, "STREAMS", 3)

    numbers = minutes.MinutesOfStreams(minutes=1).measure()

    assert numbers["minute_cpu_ms"] > 0
