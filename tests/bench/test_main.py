"""The command line."""

from bench.__main__ import choose_options, main, parser
from bench.plan import Options, Results
from bench.record import Record


def test_quick_is_one_short_round_and_explicit_values_win():
    asked = parser().parse_args(["--quick", "--seconds", "3"])

    assert choose_options(asked) == Options(rounds=1, seconds=3.0, soak_seconds=20.0)


def test_an_earlier_run_is_shown_without_measuring(tmp_path, capsys):
    path = tmp_path / "results.json"
    numbers = {"cpu_per_gbit": 0.05, "total_cpu_per_gbit": 0.05, "core_percent": 10.0, "delivered_share": 1.0}
    Record({}, Options(), Results({"floor": [numbers]})).write(path)

    assert main(["--read", str(path), "--only", "floor"]) == 0
    assert "0.05 CPU s/Gbit" in capsys.readouterr().out


def test_a_missing_results_file_is_an_error_that_names_it(tmp_path, capsys):
    assert main(["--read", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err
