"""A worker keeps a few refusals of each kind, counts the others, and never more than a fixed number."""

from oxbow.kernel.refusals.buffer import RefusalBuffer
from oxbow.kernel.refusals.models import Refusal


def add(buffer: RefusalBuffer, number: int, *, stream: str = "s", reason: str = "ip_denied") -> None:
    likeness = ("play", "10.0.0.1", reason, "hub", stream)
    buffer.add(
        likeness,
        float(number),
        lambda: Refusal(
            f"r{number}",
            float(number),
            "play",
            "ipLimit",
            reason,
            "no",
            address="10.0.0.1",
            hub="hub",
            stream=stream,
        ),
    )


def test_the_first_few_are_kept_and_the_others_counted() -> None:
    buffer = RefusalBuffer(samples=2)
    for number in range(1, 101):
        add(buffer, number)
    first, last = buffer.take()
    assert (first.reqid, first.more) == ("r1", 0)
    assert (last.reqid, last.more, last.until) == ("r2", 98, 100.0)
    assert buffer.take() == []


def test_different_ones_do_not_hide_each_other() -> None:
    buffer = RefusalBuffer(samples=1)
    for number, stream in enumerate(["a", "b", "a"]):
        add(buffer, number, stream=stream)
    assert [(one.stream, one.more) for one in buffer.take()] == [("a", 1), ("b", 0)]


def test_a_flood_of_different_ones_is_told_by_its_reason() -> None:
    buffer = RefusalBuffer(samples=1, kinds=10)
    for number in range(10_000):
        add(buffer, number, stream=f"s{number}")
    taken = buffer.take()
    assert len(taken) == 11
    rest = taken[-1]
    assert (rest.stream, rest.address, rest.rule, 1 + rest.more) == ("", "", "ipLimit", 9990)


def test_one_that_is_only_counted_is_never_built() -> None:
    built = []

    def build() -> Refusal:
        built.append(1)
        return Refusal("r", 1.0, "play", "", "", "")

    buffer = RefusalBuffer(samples=1)
    for _ in range(3):
        buffer.add(("a",), 1.0, build)
    assert len(built) == 1
