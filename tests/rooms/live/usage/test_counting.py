"""From reports to meters: what is added up, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oxbow.rooms.live.usage.counting import Traffic
from reports import report_of
from rooms.live.usage.conftest import received, share, stream_report

NOW = 1_700_000_000.0


class Meters:
    """Remembers what it was told to add."""

    def __init__(self) -> None:
        self.added: list[tuple[str, int, float, int, Mapping[str, str]]] = []

    def add(self, meter: str, account: int, at: float, quantity: int, dimensions: Mapping[str, str]) -> None:
        self.added.append((meter, account, at, quantity, dimensions))

    def sums(self) -> dict[tuple[str, ...], int]:
        """Quantities by meter, hub, domain, area and protocol."""
        names = ("hub", "domain", "area", "protocol")
        return {(meter, *(told[name] for name in names)): sum_ for meter, _, _, sum_, told in self.added}


def traffic(meters: Meters, owner_of: Callable[[str], int | None] = lambda hub: 1) -> Traffic:
    return Traffic(meters, owner_of, lambda: NOW)  # type: ignore[arg-type]


def test_streams_of_a_hub_that_are_watched_in_the_same_way_are_one_sum() -> None:
    meters = Meters()
    first = stream_report("one", share(1, "a.com", "cn", isp="x"), share(10, "a.com", "hk"))
    second = stream_report("two", share(100, "a.com", "hk"), share(1000, "a.com", "hk", "hls"))
    elsewhere = stream_report("one", share(10_000, "a.com", "hk"), hub="other")
    traffic(meters).take(report_of(first, second, elsewhere))
    assert meters.sums() == {
        ("live.downflow", "live", "a.com", "cn", "flv"): 1,
        ("live.downflow", "live", "a.com", "hk", "flv"): 110,
        ("live.downflow", "live", "a.com", "hk", "hls"): 1000,
        ("live.downflow", "other", "a.com", "hk", "flv"): 10_000,
    }


def test_what_came_is_another_meter_than_what_went() -> None:
    meters = Meters()
    both = stream_report("one", share(5), received(7, "push.com", "am"), received(2, "push.com", "am"))
    traffic(meters).take(report_of(both))
    assert meters.sums() == {
        ("live.downflow", "live", "", "", "flv"): 5,
        ("live.upflow", "live", "push.com", "am", "rtmp"): 9,
    }


def test_it_belongs_to_the_owner_and_to_now() -> None:
    meters = Meters()
    traffic(meters, {"live": 7}.get).take(report_of(stream_report("one", share(5))))
    assert [added[1:4] for added in meters.added] == [(7, NOW, 5)]


def test_viewers_whose_sockets_took_nothing_add_nothing() -> None:
    meters = Meters()
    traffic(meters).take(report_of(stream_report("one", share(0, viewers=3))))
    assert meters.added == []


def test_a_hubs_last_bytes_count_for_its_owner_after_it_was_deleted() -> None:
    meters, owners = Meters(), {"live": 7}
    counting = traffic(meters, owners.get)
    counting.take(report_of(stream_report("one", share(5))))
    del owners["live"]
    counting.take(report_of(stream_report("one", share(6))))
    assert [added[1:4] for added in meters.added] == [(7, NOW, 5), (7, NOW, 6)]


def test_what_belongs_to_nobody_is_not_counted() -> None:
    meters = Meters()
    traffic(meters, lambda hub: None).take(report_of(stream_report("one", share(5), received(6))))
    assert meters.added == []
