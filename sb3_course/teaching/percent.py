"""Lessons in percent format: a plain Python script whose cells begin with `# %%`, of text with `# %% [markdown]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BEGIN = re.compile(r"^# %%(.*)$")
_HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
_PART = re.compile(r"^(?=##? )", re.MULTILINE)  # a text may have several headings


@dataclass(frozen=True)
class Cell:
    is_text: bool
    source: str  # of a text without its "# "
    line: int  # where it begins in the file, counted from 1


@dataclass(frozen=True)
class Section:
    title: str
    cells: list[Cell]


def cells(path: Path) -> list[Cell]:
    """The cells of a lesson. What stands before the first is none of them."""
    found: list[Cell] = []
    lines: list[str] = []
    is_text, begin = False, 0

    def close() -> None:
        if begin:
            body = [re.sub(r"^# ?", "", line) for line in lines] if is_text else lines
            found.append(Cell(is_text, "\n".join(body).strip("\n"), begin))

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        new = _BEGIN.match(line)
        if new:
            close()
            lines, is_text, begin = [], "[markdown]" in new.group(1), number
        else:
            lines.append(line)
    close()
    return found


def sections(path: Path) -> list[Section]:
    """The lesson in parts, each from a heading of the second level to the next; the first holds what stands before, under the lesson's title."""
    found: list[Section] = []
    for cell in cells(path):
        for part in _PART.split(cell.source) if cell.is_text else [cell.source]:
            heading = _HEADING.search(part) if cell.is_text else None
            if heading and (len(heading.group(1)) <= 2 or not found):
                found.append(Section(heading.group(2), []))
            if not found:
                found.append(Section(path.parent.name, []))
            if part.strip() or not cell.is_text:
                found[-1].cells.append(Cell(cell.is_text, part.strip("\n"), cell.line))
    return found
