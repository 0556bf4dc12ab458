"""What counts as met, missed, and not measured."""

import pytest
from bench.measures import MEASURES, NAMES, Measure, Row, chosen, needed_stands, rows
from bench.plan import Options, stands

AGAINST_PEER = Measure("x", "x", "cpu_per_gbit", "CPU s/Gbit", "oxbow", 0.5, "peer")
ABSOLUTE = Measure("x", "x", "delay_p50_ms", "ms", "oxbow", 120)


@pytest.mark.parametrize(
    ("ours", "verdict"), [(0.05, "met"), (0.1, "met"), (0.11, "missed"), (None, "not measured")]
)
def test_a_bound_beside_a_peer_is_a_ratio(ours, verdict):
    assert Row(AGAINST_PEER, ours, 0.2).verdict == verdict


def test_without_the_peers_number_there_is_no_verdict():
    assert Row(AGAINST_PEER, 0.05, None).verdict == "not measured"


@pytest.mark.parametrize(("ours", "verdict"), [(119.0, "met"), (121.0, "missed")])
def test_a_bound_without_a_peer_is_of_the_figure_itself(ours, verdict):
    assert Row(ABSOLUTE, ours, None).verdict == verdict


def test_zero_lost_viewers_meet_a_bound_of_zero():
    lost = Measure("soak", "x", "viewers_lost", "", "oxbow soak", 0)

    assert Row(lost, 0, None).verdict == "met"
    assert Row(lost, 1, None).verdict == "missed"


def test_rows_take_their_values_from_the_stands():
    medians = {"oxbow": {"cpu_per_gbit": 0.05}, "peer": {"cpu_per_gbit": 0.2}}

    (row,) = rows([AGAINST_PEER], medians)

    assert (row.ours, row.peer, row.ratio) == (0.05, 0.2, 0.25)


def test_only_runs_the_stands_that_the_chosen_measures_need():
    assert needed_stands(chosen(["floor"])) == ["floor", "oxbow http-flv"]


def test_every_measure_names_stands_that_exist():
    existing = stands(Options())

    assert {stand for measure in MEASURES for stand in measure.stands} == set(existing)
    assert all(chosen([name]) for name in NAMES)
