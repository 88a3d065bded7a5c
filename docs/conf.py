"""Sphinx: `make docs`. The page of algorithms is written from the registry each time, the table of figures from their results."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.textbook import page as page_of_figures  # noqa: E402
from sb3_course import readme  # noqa: E402

project = "sb3-course"
author = "The sb3-course authors"
extensions = ["myst_parser"]
exclude_patterns = ["_build", "images", "_generated/textbook.md"]  # the last is included in textbook.md
html_theme = "furo"
html_title = "sb3-course"

page = HERE / "_generated" / "algorithms.md"
page.parent.mkdir(exist_ok=True)
page.write_text(
    "# Algorithms\n\n`from from_scratch import PPO` imports a class by its name; `--algo ppo` on the command line and the studies' YAML use its id.\n"
    "*Lock-step* means that `seeds=` trains many seeds in one process.\n\n" + readme.table() + "\n",
    encoding="utf-8",
)

figures = page_of_figures.read(HERE.parent / "results" / "textbook")
lines = [page_of_figures.headline(figures), "", *page_of_figures.overview(figures, linked=False)] if figures else ["They have not been run here yet."]
(page.parent / "textbook.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
