"""What the documents say of the algorithms, made from the registry: a row per family in README.md, and every algorithm in docs/algorithms.md.

`python -m sb3_course.readme` writes both; tests/test_readme.py says when that is due.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from from_scratch.registry import FAMILIES, Entry, Family

BEGIN, END = "<!-- algorithms: begin, made by python -m sb3_course.readme -->", "<!-- algorithms: end -->"
README, PAGE = Path("README.md"), Path("docs/algorithms.md")
HEAD = """<!-- made by python -m sb3_course.readme -->
# Algorithms

`from from_scratch import PPO` imports a class by its name; `--algo ppo` on the command line and the studies' YAML use its id. Families stand in the order in
which they are learnt, and algorithms in the order in which their files are best read. *Lock-step* means that `seeds=` trains many seeds in one process.
*Prediction* learns what a given policy is worth, *control* a better one; *planning* is given a model.
"""
MOST_EXAMPLES = 4


def summary() -> str:
    """A Markdown table with a row per family: its title, how many algorithms it has, and some of them."""
    rows = [(f"[{family.title}]({PAGE}#{anchor(family.title)})", family.about, str(len(family.entries)), _examples(family)) for family in FAMILIES.values()]
    return _table(("family", "what it is about", "algorithms", "among them"), rows)


def page() -> str:
    """The page of all algorithms: a section per family, with a table of its algorithms."""
    sections = [f"## {family.title}\n\n{_opening(family)}\n\n{table(family)}\n" for family in FAMILIES.values()]
    return "\n".join([HEAD, *sections])


def table(family: Family) -> str:
    """A family's algorithms, one line each."""
    if not family.is_ours:
        return _table(("id", "class", "paper"), [(f"`{entry.id}`", f"`{entry.class_name}`", entry.paper) for entry in family.entries])
    return _table(("id", "class", "algorithm", "paper", "kind", "SB3 twin", "lock-step"), [_row(entry) for entry in family.entries])


def _row(entry: Entry) -> tuple[str, ...]:
    twin = f"`{entry.twin}`" if entry.twin else "–"
    return f"`{entry.id}`", f"`{entry.class_name}`", entry.title, entry.paper, entry.kind, twin, "yes" if entry.lockstep else "no"


def _opening(family: Family) -> str:
    return f"{family.about} Its page is `from_scratch/{family.key}/__init__.py`." if family.is_ours else family.about


def _examples(family: Family) -> str:
    """Those with a twin first, for they are the best known."""
    chosen = sorted(family.entries, key=lambda entry: entry.twin is None)[:MOST_EXAMPLES]
    return ", ".join(f"`{entry.id}`" for entry in family.entries if entry in chosen)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def anchor(title: str) -> str:
    """Where a heading is found on a Markdown page: "Monte Carlo" at #monte-carlo."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def renewed(text: str) -> str:
    """The README's text with today's families between the marks; raises ValueError when it does not hold each mark once, in order."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md must hold the line '{BEGIN}' and, below it, the line '{END}': the table goes between them")
    return f"{before}{BEGIN}\n{summary()}\n{END}{after}"


if __name__ == "__main__":
    try:
        README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
        PAGE.write_text(page(), encoding="utf-8")
    except (OSError, ValueError) as error:
        sys.exit(str(error))
