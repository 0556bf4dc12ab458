"""A stream's figures, second by second."""

from oxbow.media.probe import GOP_WINDOW_MS, RATE_WINDOW_SECONDS, Probe, Reading


def count(probe: Probe, *, video: int = 0, audio: int = 0, data: int = 0) -> None:
    """So many frames of 1000, 100 and 10 bytes."""
    counts = probe.counts
    counts.video_frames += video
    counts.video_bytes += 1000 * video
    counts.audio_frames += audio
    counts.audio_bytes += 100 * audio
    counts.data_frames += data
    counts.data_bytes += 10 * data


def test_before_a_whole_second_has_passed_nothing_is_known() -> None:
    probe = Probe()
    count(probe, video=25)
    assert probe.reading() == Reading()
    probe.second(10.0)  # the stream began at some moment before
    assert probe.reading() == Reading()


def test_rates_are_per_second_of_real_time() -> None:
    probe = Probe()
    probe.second(10.0)
    count(probe, video=50, audio=100, data=2)
    probe.second(12.0)
    assert probe.reading() == Reading(
        bps=25_000 * 8 + 5000 * 8 + 80,
        video_bps=25_000 * 8,
        audio_bps=5000 * 8,
        video_fps=25,
        audio_fps=50,
        data_fps=1,
    )


def test_only_the_last_seconds_count() -> None:
    probe = Probe()
    probe.second(0.0)
    count(probe, video=1000)
    for second in range(1, RATE_WINDOW_SECONDS + 2):
        probe.second(float(second))
        count(probe, video=25)
    assert probe.reading().video_fps == 25


def test_a_publisher_that_falls_silent_fades_out() -> None:
    probe = Probe()
    probe.second(0.0)
    count(probe, video=100)
    for second in range(1, RATE_WINDOW_SECONDS + 1):
        probe.second(float(second))
    assert probe.reading().video_fps == 100 // RATE_WINDOW_SECONDS
    probe.second(RATE_WINDOW_SECONDS + 1.0)
    assert probe.reading() == Reading()


def test_a_clock_that_stands_still_divides_nothing_by_zero() -> None:
    probe = Probe()
    for _ in range(3):
        count(probe, video=1)
        probe.second(7.0)
    assert probe.reading() == Reading()


def gops(probe: Probe) -> tuple[int, int]:
    probe.second(0.0)
    probe.second(1.0)
    reading = probe.reading()
    return reading.max_gop_ms, reading.avg_gop_ms


def test_a_group_of_pictures_reaches_from_keyframe_to_keyframe() -> None:
    probe = Probe()
    for timestamp in (0, 1000, 3000, 4000):
        probe.keyframe(timestamp)
    assert gops(probe) == (2000, 4000 // 3)


def test_the_first_keyframe_alone_says_nothing() -> None:
    probe = Probe()
    probe.keyframe(5000)
    assert gops(probe) == (0, 0)


def test_long_ago_groups_are_forgotten() -> None:
    probe = Probe()
    probe.keyframe(0)
    probe.keyframe(9000)
    for timestamp in range(10_000, 10_000 + GOP_WINDOW_MS + 1000, 1000):
        probe.keyframe(timestamp)
    assert gops(probe) == (1000, 1000)
