"""What the pages say of where things are is true: paths, dotted names, and the classes that CONTRIBUTING.md tells newcomers to inherit."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from from_scratch import own

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md")}
ROOMS = ("", "from_scratch", "benchmarks")  # paths are named from here
FILE = re.compile(r"(?<![\w/<>.*-])((?:[\w.-]+/)+[\w-]+\.(?:py|md|yaml|pyi|txt))\b")
ELSEWHERE = ("_generated/", "path/to/", "sb3_course_work/", "studies/")  # written when the pages are built; a reader's own, thrice
INSIDE = re.compile(r"(?<![\w.-])((?:from_scratch|benchmarks|sb3_course)(?:\.\w+)+)")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_of_the_project_that_a_page_names_is_there(page):
    named = {path for path in FILE.findall(PAGES[page]) if not path.startswith(ELSEWHERE)}
    assert [path for path in sorted(named) if not any((ROOT / room / path).is_file() for room in ROOMS)] == []


def found(name):
    """Is this a module, or what a module holds?"""
    parts = name.split(".")
    for i in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:i])
        if place.is_dir() or place.with_suffix(".py").is_file():
            if i == len(parts):
                return True  # a module that needs an extra cannot be imported everywhere
            value = importlib.import_module(".".join(parts[:i]))
            try:
                for part in parts[i:]:
                    value = getattr(value, part)
            except AttributeError:
                return False
            return True
    return False


@pytest.mark.parametrize("page", PAGES)
def test_every_dotted_name_of_the_project_on_a_page_leads_somewhere(page):
    assert [name for name in sorted(set(INSIDE.findall(PAGES[page]))) if name != own.GROUP and not found(name)] == []


ROWS = re.findall(r"^ +\| .+? \| (.+?`core/.+?) \|", PAGES["CONTRIBUTING.md"], re.M)


@pytest.mark.parametrize("row", ROWS)
def test_what_contributing_tells_newcomers_to_inherit_is_where_it_says(row):
    row = re.sub(r", with `OneCoin`.*", "", row)
    for names, place in re.findall(r"((?:`[A-Z]\w+`(?:, )?)+) \(`(core/[\w/.]+)`\)", row):
        path = ROOT / "from_scratch" / place
        trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (path.glob("*.py") if path.is_dir() else [path])]
        classes = {node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
        assert set(re.findall(r"`(\w+)`", names)) <= classes


def test_contributing_names_a_way_for_each_kind_of_experience():
    assert len(ROWS) == 6
