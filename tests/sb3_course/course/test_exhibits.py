"""The twenty errors of the syllabi on show: each with its code, what it gives, its repair, and where it is taken up."""

import json
import os
import re
import subprocess
import sys

import pytest

from sb3_course.teaching import homes, pages, percent
from sb3_course.teaching.course import Course
from tests.sb3_course.course.test_lessons import ROOT, unbacked

COURSE = Course()
ERRORS = [f"E{number}" for number in range(1, 21)]
SECTIONS = {part.title.partition(".")[0]: part for part in percent.sections(homes.EXHIBITS)}
TABLE = COURSE.facts["exhibits"]


def test_there_are_twenty_in_order_and_each_has_its_line_in_the_table():
    assert [name for name in SECTIONS if name in ERRORS] == ERRORS == list(homes.exhibits()) == list(TABLE)


def test_every_number_is_as_stated_and_nothing_is_left_behind(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, str(homes.EXHIBITS)], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_decimal_of_its_prose_is_only_claimed():
    assert unbacked(homes.EXHIBITS) == []


@pytest.mark.parametrize("error", ERRORS)
def test_an_exhibit_has_a_run(error):
    code = "".join(cell.source for cell in SECTIONS[error].cells if not cell.is_text)
    assert "expect(" in code or "show(" in code


@pytest.mark.parametrize("error", ERRORS)
def test_each_home_of_an_error_is_there_or_planned_and_one_is(error):
    assert any([homes.Home.of(text).is_there(COURSE) for text in TABLE[error]])


@pytest.mark.parametrize("text", ["wrong planners/nobody", "wrong nothing/no_mask", "test test_syllabus_errors.py::test_nothing", "test nowhere.py::test_it"])
def test_a_wrong_answer_or_a_test_that_is_not_there_is_a_mistake(text):
    with pytest.raises(ValueError, match="neither there nor planned"):
        homes.Home.of(text).is_there(COURSE)


def test_the_page_has_the_links_of_an_error_at_the_end_of_its_section():
    cells = json.loads(pages.Pages(COURSE).exhibits())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = re.findall(r"^(E\d+) in the course: |^## (E\d+)\. ", text, re.MULTILINE)
    assert [name or title for name, title in found] == [name for error in ERRORS for name in (error, error)]
