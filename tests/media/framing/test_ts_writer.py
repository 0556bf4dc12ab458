from oxbow.media.framing.ts_writer import BASE_TICKS, VideoClock


def stamps(clock: VideoClock, *frames: tuple[int, int]) -> list[tuple[int, int]]:
    """PTS and DTS in milliseconds without the base."""
    return [tuple((ticks - BASE_TICKS) / 90 for ticks in clock.stamps(at, offset)) for at, offset in frames]


def test_composition_offsets_separate_presentation_from_decoding() -> None:
    assert stamps(VideoClock(), (0, 80), (40, 160), (80, 40)) == [(80, 0), (200, 40), (120, 80)]


def test_negative_offsets_move_decoding_forward_and_leave_presentation() -> None:
    clock = VideoClock()
    assert stamps(clock, (0, -40), (40, 80), (80, -40), (120, -40)) == [
        (-40, -40),
        (120, 0),
        (40, 40),
        (80, 80),
    ]


def test_an_offset_that_turns_negative_later_never_makes_decoding_go_back() -> None:
    clock = VideoClock()
    result = stamps(clock, (0, 0), (40, 80), (80, -40), (120, -40), (160, 0))
    decoding = [dts for _, dts in result]
    assert decoding == sorted(set(decoding))
    assert all(pts >= dts for pts, dts in result)
    assert result[-1] == (160, 120)


def test_two_frames_in_one_millisecond_still_decode_one_after_the_other() -> None:
    clock = VideoClock()
    assert [clock.stamps(40, 0)[1], clock.stamps(40, 0)[1]] == [BASE_TICKS + 3600, BASE_TICKS + 3601]
