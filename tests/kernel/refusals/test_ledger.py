"""Control gives each kind of refusal a few rows a minute, and all kinds together a fixed number."""

from oxbow.kernel.refusals.ledger import ROWS_OF_A_KIND, WINDOW_SECONDS, Ledger
from oxbow.kernel.refusals.models import Refusal

NOW = 1_700_000_000.0


def refusals(count: int, *, first: int = 0, stream: str = "s", address: str = "10.0.0.1") -> list[Refusal]:
    return [
        Refusal(
            f"r{number}",
            NOW + number,
            "play",
            "ipLimit",
            "ip_denied",
            "no",
            stream=stream,
            hub="hub",
            address=address,
        )
        for number in range(first, first + count)
    ]


def total(rows: dict[str, Refusal]) -> int:
    return sum(1 + row.more for row in rows.values())


def test_nothing_is_lost_from_the_count() -> None:
    ledger = Ledger()
    ledger.add(refusals(1000), NOW)
    batch = ledger.take()
    assert len(batch.new) == ROWS_OF_A_KIND
    assert total(batch.new) == 1000


def test_a_row_that_is_written_grows() -> None:
    ledger = Ledger()
    ledger.add(refusals(ROWS_OF_A_KIND), NOW)
    ledger.take()
    ledger.add(refusals(3, first=100), NOW + 1)
    ledger.add(refusals(2, first=200), NOW + 2)
    batch = ledger.take()
    assert batch.new == {}
    (grown,) = batch.grown.values()
    assert (grown.reqid, grown.more, grown.until) == (f"r{ROWS_OF_A_KIND - 1}", 5, NOW + 201)


def test_what_a_worker_counted_is_added_up() -> None:
    ledger = Ledger()
    sampled = refusals(ROWS_OF_A_KIND + 1)
    sampled[-1] = Refusal(
        **{
            **{f: getattr(sampled[-1], f) for f in sampled[-1].__struct_fields__},
            "more": 4000,
            "until": NOW + 500,
        }
    )
    ledger.add(sampled, NOW)
    assert total(ledger.take().new) == ROWS_OF_A_KIND + 1 + 4000


def test_after_a_minute_a_kind_gets_rows_again() -> None:
    ledger = Ledger()
    ledger.add(refusals(100), NOW)
    ledger.take()
    ledger.add(refusals(1, first=100), NOW + WINDOW_SECONDS)
    assert list(ledger.take().new) == ["r100"]


def test_a_flood_of_different_clients_fills_no_more_than_its_share() -> None:
    ledger = Ledger(rows_per_minute=50)
    for number in range(1000):
        ledger.add(refusals(1, first=number, address=f"10.0.{number // 250}.{number % 250}"), NOW)
    batch = ledger.take()
    assert len(batch.new) == 51
    assert total(batch.new) == 1000
    assert list(batch.new.values())[-1].address == ""


def test_what_could_not_be_written_waits_before_what_came_since() -> None:
    ledger = Ledger()
    ledger.add(refusals(1), NOW)
    failed = ledger.take()
    ledger.add(refusals(ROWS_OF_A_KIND + 2, first=1), NOW)
    ledger.put_back(failed)
    batch = ledger.take()
    assert list(batch.new) == [f"r{number}" for number in range(ROWS_OF_A_KIND)]
    assert batch.grown == {}
    assert total(batch.new) == ROWS_OF_A_KIND + 3


def test_while_nothing_can_be_written_the_oldest_go() -> None:
    ledger = Ledger(max_waiting=3)
    for number in range(5):
        ledger.add(refusals(1, first=number, stream=f"s{number}"), NOW)
    assert (ledger.waiting, ledger.lost) == (3, 2)
    assert list(ledger.take().new) == ["r2", "r3", "r4"]
