"""Reading maps: reading/NAME.yaml says which module takes up which part of a book, a lecture or a page; order.yaml in which order to read and to code."""

from __future__ import annotations

from typing import Any

from sb3_course.teaching.course import HERE, read_yaml

FOLDER = HERE / "reading"
MAPS = ("book", "silver", "spinning_up")


def maps() -> dict[str, dict[str, Any]]:
    """title, about, word ("chapter", "lecture", "page") and parts of each: part, title, modules, and at times `does`, what here answers it."""
    return {name: read_yaml(FOLDER / f"{name}.yaml") for name in MAPS}


def orders() -> dict[str, dict[str, Any]]:
    """The syllabus's orders of reading and coding: line, title, and stations with text and homes."""
    return read_yaml(FOLDER / "order.yaml")
