"""The year of usage that questions are timed on."""

from bench import usage


def test_a_small_year_answers_every_question(monkeypatch):
    monkeypatch.setattr(usage, "HUBS", 2)
    monkeypatch.setattr(usage, "DOMAINS", 1)

    numbers = usage.YearOfUsage(questions=1).measure()

    assert numbers["sums"] == 2 * 3 * 365
    assert all(numbers[name] > 0 for name in usage.QUESTIONS)
