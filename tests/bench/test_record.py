"""Results files and what is told of them."""

import pytest
from bench.errors import BenchError
from bench.plan import Options, Results
from bench.record import Record, read
from bench.summary import block, summary

NUMBERS = {"cpu_per_gbit": 0.06, "total_cpu_per_gbit": 0.07, "core_percent": 12.0, "delivered_share": 1.01}


def run(**numbers: float) -> Record:
    results = Results({"oxbow http-flv": [NUMBERS | numbers]}, {"nginx rtmp": "nginx is missing\nits log"})
    return Record({"kernel": "6.1"}, Options(rounds=1), results)


def test_a_results_file_reads_back(tmp_path):
    path = tmp_path / "out" / "results.json"

    run().write(path)

    assert read(path) == run()


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"machine": {}}')

    with pytest.raises(BenchError, match="not a results file"):
        read(path)


def test_a_stand_that_could_not_be_measured_is_told_with_the_reason():
    text = summary(run(), only=["http-flv"])

    assert "nginx rtmp: not measured: nginx is missing" in text
    assert "not measured" in text.splitlines()[2]


def test_a_load_that_was_not_carried_makes_the_number_doubtful():
    text = summary(run(delivered_share=0.8, viewers_dropped=3.0), only=[])

    assert "oxbow http-flv: 3 viewers dropped" in text
    assert "oxbow http-flv: 80 % of the broadcast's rate was carried" in text


def test_the_documents_block_names_the_machine_and_the_windows():
    text = block(run())

    assert "1 rounds of each side, windows of 15 s" in text
    assert "kernel: 6.1" in text
