"""The order of rounds, and what a failing stand does to the others."""

from bench.errors import BenchError
from bench.plan import SOAK, Options, headline, run, schedule


def test_sides_alternate_and_the_soak_comes_once_and_last():
    assert schedule([SOAK, "nginx", "oxbow"], rounds=2) == ["nginx", "oxbow", "nginx", "oxbow", SOAK]


class Works:
    def measure(self):
        return {"cpu_per_gbit": 0.1, "core_percent": 20.0}


class Fails:
    tries = 0

    def measure(self):
        Fails.tries += 1
        raise BenchError("nothing listens there")


def test_a_stand_that_fails_is_told_once_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr("bench.plan.stands", lambda options: {"bad": Fails(), "good": Works()})
    said = []

    results = run(Options(rounds=3), ["bad", "good"], said.append)

    assert results.failures == {"bad": "nothing listens there"}
    assert len(results.rounds["good"]) == 3
    assert Fails.tries == 1
    assert said[0] == "bad: nothing listens there"


def test_a_round_without_traffic_is_told_by_its_own_figures():
    assert headline({"cpu_per_gbit": 0.25, "core_percent": 5.0}) == "0.2500 CPU s/Gbit, 5.0 % of a core"
    assert headline({"join_median_us": 61.0}) == "join_median_us 61.0"
