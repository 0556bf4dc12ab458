"""Tables and charts of text."""

import pytest
from bench.measures import Measure, Row
from bench.tables import bars, chart, markdown_table, number, plain_table

FLV = Row(Measure("http-flv", "viewers", "cpu_per_gbit", "CPU s/Gbit", "oxbow", 0.5, "nginx"), 0.06, 0.15)
JOIN = Row(Measure("join", "first picture", "first_picture_p99_ms", "ms", "oxbow", 150), None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.046711, "0.0467 ms"), (12.34, "12.3 ms"), (1234.5, "1234 ms"), (0, "0 ms")],
)
def test_numbers_keep_three_digits(value, text):
    assert number(value, "ms") == text


def test_columns_are_aligned():
    heading, rule, flv, join = plain_table([FLV, JOIN]).splitlines()

    assert flv.split("  ")[0] == "viewers"
    assert [
        line.index(word) for line, word in ((heading, "verdict"), (flv, "met"), (join, "not measured"))
    ] == [rule.rindex(" ") + 1] * 3


def test_a_document_shows_ratio_bound_and_verdict():
    assert markdown_table([FLV]).splitlines()[-1] == (
        "| viewers | 0.06 CPU s/Gbit | 0.15 CPU s/Gbit | 0.40 | <= 0.5 | met |"
    )


def test_bars_are_sorted_and_publishers_have_a_scale_of_their_own():
    medians = {
        "oxbow publish-128": {"cpu_per_gbit": 1.0},
        "nginx rtmp": {"cpu_per_gbit": 0.2},
        "oxbow http-flv": {"cpu_per_gbit": 0.1},
    }

    assert [stand for stand, _ in bars(medians)] == ["oxbow http-flv", "nginx rtmp", "oxbow publish-128"]
    assert [line.count("█") for line in chart(medians).splitlines()] == [25, 50, 50]


def test_nothing_measured_draws_nothing():
    assert chart({}) == ""
