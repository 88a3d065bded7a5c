"""docs/anatomy.md names functions that are there, and counts what `python -m tests.reading` counts; its picture is what its script draws."""

import ast
import re
import runpy
from functools import cache
from pathlib import Path

import pytest

from tests import reading

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "anatomy.md").read_text(encoding="utf-8")
PICTURE = runpy.run_path(str(ROOT / "docs" / "images" / "anatomy.py"))
NAMED = re.findall(r"`([\w/]+\.py): ([\w., ]+)`", PAGE)


def in_project(file):
    return next((ROOT / room / file for room in ("from_scratch", "") if (ROOT / room / file).is_file()), None)


@cache
def defined(path):
    """Classes, functions and methods (Class.method) of a file, and what it takes from others."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def missing(file, names):
    path = in_project(file)
    return [f"{file}: {name}" for name in names.split(", ") if path is None or name not in defined(path)]


def table(name):
    """The cells of a marked table's rows, without code marks."""
    rows = re.search(rf"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", PAGE, re.S).group(1).splitlines()[2:]
    return [tuple(cell.strip().replace("`", "") for cell in row.strip("|").split("|")) for row in rows]


@pytest.mark.parametrize("file, names", sorted(set(NAMED)))
def test_every_function_that_the_page_names_is_in_its_file(file, names):
    assert not missing(file, names)


def test_many_functions_are_named():
    assert len(NAMED) > 30


@pytest.mark.parametrize("box", PICTURE["BOXES"], ids=lambda box: f"{box.file}: {box.functions}")
def test_every_function_that_the_picture_names_is_in_its_file_and_on_the_page(box):
    assert not missing(box.file, box.functions)
    assert all(name in PAGE or name in ("ArrayRows", "RowOptimizer") for name in box.functions.split(", "))
    assert re.search(rf"^{box.number}\. \*\*", PAGE, re.M)


def test_the_picture_is_what_its_script_draws():
    assert (ROOT / "docs" / "images" / "anatomy.svg").read_text(encoding="utf-8") == PICTURE["picture"]()


def test_where_one_may_stop_is_where_the_count_stops():
    assert table("stops") == list(reading.STOPS.items())
    assert all((ROOT / "from_scratch" / place).exists() for place in reading.STOPS)


def test_what_stands_aside_is_what_the_count_leaves_out():
    assert table("aside") == [(why, ", ".join(names)) for why, names in reading.ASIDE.items()]


@pytest.mark.parametrize("case", reading.CASES)
def test_the_table_says_what_the_script_counts(case):
    of_case = {name: tuple(map(int, numbers)) for name, *numbers in table("reading")}
    read = reading.way(case)
    counted = len(read), sum(map(len, read.values())), sum(sum(functions.values()) for functions in read.values())
    assert of_case[case] == counted, f"the row of docs/anatomy.md should be: | {case} | {counted[0]} | {counted[1]} | {counted[2]} |"
