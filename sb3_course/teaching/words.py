"""How the course speaks in a terminal: lines as wide as it is, colours only where they are wanted, and never a colour without a word."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

from benchmarks.store.plain import printable

WIDEST = 110
COLOURS = {"red": 31, "green": 32, "yellow": 33, "bold": 1}


def width() -> int:
    return min(WIDEST, max(40, shutil.get_terminal_size((80, 24)).columns))


def say(text: str, word: str = "", colour: str = "") -> None:
    """Print a text whose `word` is in a colour, where standard output is a terminal and NO_COLOR is not set. Whatever else is in it is made printable."""
    text = printable(text)
    if word and is_colourful():
        text = text.replace(word, f"\x1b[{COLOURS[colour]}m{word}\x1b[0m", 1)
    stream = getattr(sys.stdout, "rich_proxied_file", sys.stdout)  # past the edge that makes escapes visible (sb3_course/terminal.py)
    stream.write(text + "\n")
    stream.flush()


def is_colourful() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def wrapped(text: str, indent: int = 0, first: str = "") -> str:
    """A paragraph as lines of the terminal's width; `first` stands before the first line, the others are indented."""
    lines = textwrap.wrap(text, max(20, width() - indent), break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join((first.ljust(indent) if k == 0 else " " * indent) + line for k, line in enumerate(lines)).rstrip()


def table(rows: list[list[str]], indent: str = "  ", cut: int = -1) -> str:
    """Columns that are as wide as their widest cell; the column `cut` has what is left of the line, and its longer cells are cut."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    widths[cut] = max(8, min(widths[cut], width() - len(indent) - 2 * (len(widths) - 1) - sum(widths) + widths[cut]))
    rows = [[_cut(cell, size) for cell, size in zip(row, widths)] for row in rows]
    lines = []
    for row in rows:
        line = indent + "  ".join(cell.ljust(size) for cell, size in zip(row, widths))
        lines.append(line.rstrip() if len(line.rstrip()) <= width() else line[: width() - 1].rstrip() + "…")
    return "\n".join(lines)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
