from oxbow.media.framing.ts_audio import AudioBatch

FRAME = 1024
RATE = 44_100


def ticks(frames: int) -> int:
    return frames * FRAME * 90_000 // RATE


def test_frames_are_collected_for_a_tenth_of_a_second() -> None:
    batch = AudioBatch(RATE)
    done = [batch.add(round(index * FRAME * 1000 / RATE) * 90, bytes((index,)), FRAME) for index in range(10)]
    assert [len(batches) for batches in done] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert done[4] == [(0, b"\x00\x01\x02\x03\x04")]
    assert batch.flush() == []


def test_rounded_time_stamps_come_out_exact() -> None:
    batch = AudioBatch(RATE)
    starts = []
    for index in range(500):
        starts += [pts for pts, _ in batch.add(int(index * FRAME * 1000 / RATE) * 90, b"x", FRAME)]
    assert starts == [ticks(5 * index) for index in range(100)]


def test_a_gap_ends_the_batch_and_is_kept() -> None:
    batch = AudioBatch(RATE)
    assert batch.add(0, b"a", FRAME) == []
    assert batch.add(9000, b"b", FRAME) == [(0, b"a")]
    assert batch.flush() == [(9000, b"b")]


def test_time_that_goes_back_ends_the_batch() -> None:
    batch = AudioBatch(RATE)
    batch.add(9000, b"a", FRAME)
    assert batch.add(0, b"b", FRAME) == [(9000, b"a")]


def test_a_batch_is_bounded_in_bytes() -> None:
    batch = AudioBatch(RATE)
    assert batch.add(0, b"a" * 40_000, FRAME) == [(0, b"a" * 40_000)]


def test_a_long_gap_frame_alone_fills_a_batch_and_ends_the_one_before() -> None:
    batch = AudioBatch(48_000)
    batch.add(0, b"a", 960)
    assert batch.add(90_000, b"b", 5760) == [(0, b"a"), (90_000, b"b")]
