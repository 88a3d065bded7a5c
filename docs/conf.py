"""Sphinx: `make docs`. The table of figures is written from their results each time."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.textbook import page as page_of_figures  # noqa: E402

project = "sb3-course"
author = "The sb3-course authors"
extensions = ["myst_parser"]
myst_heading_anchors = 3  # a heading is a place to link to, by the name that GitHub gives it
exclude_patterns = ["_build", "images", "_generated/textbook.md"]  # the last is included in textbook.md
html_theme = "furo"
html_title = "sb3-course"

figures = page_of_figures.read(HERE.parent / "results" / "textbook")
lines = [page_of_figures.headline(figures), "", *page_of_figures.overview(figures, linked=False)] if figures else ["They have not been run here yet."]
generated = HERE / "_generated"
generated.mkdir(exist_ok=True)
(generated / "textbook.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
