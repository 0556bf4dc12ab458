"""The benchmark lives beside the package, not in it: its tests import it from the repository's root."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
