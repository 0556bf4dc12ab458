"""Where the benchmark keeps its things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "bench" / "native"
OUT = ROOT / "bench" / "out"  # ignored by git: compiled clients, the source file, results.json
DOCUMENT = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
