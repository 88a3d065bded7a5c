"""index.html: the tuning's report."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tuning.record import Record
from benchmarks.tuning.tuning import Tuning

FILE = "index.html"


def write(folder: Path, asked: Tuning, found: Record) -> None:
    """Write the page of what was found."""
