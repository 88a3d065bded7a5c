"""Reading: reading/NAME.yaml says which module takes up which part of a book, a lecture or a page; order.yaml in which order to read and to code.

Other pages beside them: the field as a tree of algorithms, references, open problems, and papers to reproduce.
"""

from __future__ import annotations

from typing import Any

from sb3_course.teaching.course import HERE, read_yaml

FOLDER = HERE / "reading"
MAPS = ("book", "silver", "spinning_up")
OTHERS = ("survey", "references", "open_problems", "reproductions")
PAGES = (*MAPS, *OTHERS)


def maps() -> dict[str, dict[str, Any]]:
    """title, about, word ("chapter", "lecture", "page") and parts of each: part, title, modules, and at times `does`, what here answers it."""
    return {name: read_yaml(FOLDER / f"{name}.yaml") for name in MAPS}


def orders() -> dict[str, dict[str, Any]]:
    """The syllabus's orders of reading and coding: line, title, and stations with text and homes."""
    return read_yaml(FOLDER / "order.yaml")


def other(name: str) -> dict[str, Any]:
    """One of OTHERS: title, about, and what its page is made of, as its file says."""
    return read_yaml(FOLDER / f"{name}.yaml")
