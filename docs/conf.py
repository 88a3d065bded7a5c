"""Sphinx: `make docs`. The page of algorithms is written from the registry each time."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from sb3_course import readme  # noqa: E402

project = "sb3-course"
author = "The sb3-course authors"
extensions = ["myst_parser"]
exclude_patterns = ["_build", "images"]
html_theme = "furo"
html_title = "sb3-course"

page = HERE / "_generated" / "algorithms.md"
page.parent.mkdir(exist_ok=True)
page.write_text(
    "# Algorithms\n\n`from from_scratch import PPO` imports a class by its name; `--algo ppo` on the command line and the studies' YAML use its id.\n"
    "*Lock-step* means that `seeds=` trains many seeds in one process.\n\n" + readme.table() + "\n",
    encoding="utf-8",
)
