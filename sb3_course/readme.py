"""The table of algorithms in the README and in the documentation, made from the registry.

`python -m sb3_course.readme` writes it into README.md, between its two marks; tests/test_readme.py says when that is due.
"""

from __future__ import annotations

import sys
from pathlib import Path

from from_scratch.registry import ENTRIES, Entry

BEGIN, END = "<!-- algorithms: begin, made by python -m sb3_course.readme -->", "<!-- algorithms: end -->"
HEAD = ("id", "class", "family", "paper", "SB3 twin", "lock-step")


def row(entry: Entry) -> tuple[str, ...]:
    """What the table says of one algorithm: a cell for each name in HEAD."""
    family = "–" if entry.family == "baselines" else entry.family.replace("_", " ")
    twin = f"`{entry.twin}`" if entry.twin else "–"
    return f"`{entry.id}`", f"`{entry.class_name}`", family, entry.paper, twin, "yes" if entry.lockstep else "no"


def table() -> str:
    """Our algorithms, one line each, as a Markdown table; the twins stand in its column, not in lines of their own."""
    rows = [HEAD, tuple("---" for _ in HEAD), *(row(entry) for entry in ENTRIES.values() if entry.is_ours)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def renewed(text: str) -> str:
    """The README's text with today's table between the marks; raises ValueError when it does not hold each mark once, in order."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md must hold the line '{BEGIN}' and, below it, the line '{END}': the table goes between them")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    path = Path("README.md")
    try:
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    except (OSError, ValueError) as error:
        sys.exit(str(error))
