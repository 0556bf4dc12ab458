"""The generated part of docs/performance.md."""

import pytest
from bench.document import BEGIN, END, with_block
from bench.errors import BenchError
from bench.paths import DOCUMENT


def test_only_what_stands_between_the_markers_changes():
    before = f"# Performance\n\n{BEGIN}\nold\n{END}\n\nHow to repeat\n"

    assert with_block(before, "new") == f"# Performance\n\n{BEGIN}\n\nnew\n\n{END}\n\nHow to repeat\n"


def test_a_document_without_markers_is_left_alone():
    with pytest.raises(BenchError, match="markers"):
        with_block("# Performance\n", "new")


def test_the_projects_document_has_the_markers():
    assert "numbers" in with_block(DOCUMENT.read_text(), "numbers")
