"""Every lesson that there is runs as a plain script, and no number in its prose is only claimed."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sb3_course.teaching import lesson as lessons
from sb3_course.teaching import percent
from sb3_course.teaching.course import Course
from sb3_course.teaching.notebooks import STARTER
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace
from tests.some import some

ROOT = Path(lessons.__file__).parents[2]
COURSE = Course()
MODULES = [module for module in COURSE.modules.values() if module.folder]
LESSONS = [module for module in MODULES if module.lesson]
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.id)
PAGES = {**{module.id: module.lesson for module in LESSONS}, **COURSE.proofs}  # what is in percent format
each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
each_lesson = pytest.mark.parametrize("module", LESSONS, ids=lambda module: module.id)

# What is a name and no measurement: places in books, versions, arXiv numbers, identifiers in code spans.
NAMES = re.compile(
    r"`[^`]*`|\$[^$]*\$|arXiv:\d+\.\d+|[Ff]ig(?:ures?|s?\.)\s[\d.]+(?:(?:–|, | and )[\d.]+)*|(?:§+|[Ss]ections?|[Cc]hapters?|S&B|[Ee]xamples?|[Ee]xercises?"
    r"|[Pp]ython|version|table|[Tt]ables)\s?[\d.]+(?:(?:–|, | and )[\d.]+)*|\(\d+\.\d+\)|eqs?\.\s\(?[\d.]+\)?"
)
DECIMAL = re.compile(r"(?<![\w.])[−-]?\d*\.\d+")


def decimals(text: str) -> list[str]:
    return [word.replace("−", "-") for word in DECIMAL.findall(NAMES.sub(" ", text))]


def backed(path: Path) -> tuple[set[float], list[float]]:
    """The numbers that a lesson's code states or takes, and those of the figures and studies that it puts in."""
    stated: set[float] = set()
    measured: list[float] = []
    for cell in percent.cells(path):
        if cell.is_text:
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                stated.add(float(node.value))
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            words = [argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
            if node.func.id == "expect":
                stated |= {float(number) for word in words[1:] for number in decimals(f" {word.replace('%', '')}") or [] if number}
                stated |= {abs(number) for number in stated}
            elif node.func.id in ("figure", "study"):
                measured += numbers_in(words[0], node.func.id)
    return stated, measured


def numbers_in(name: str, kind: str) -> list[float]:
    folder = lessons.RESULTS / "textbook" / f"{name}.json"
    if kind == "study":
        folder = lessons.RESULTS / "claims" / name / "verdict.json"
        folder = folder if folder.is_file() else lessons.RESULTS / name / "report" / "report.json"
    found: list[float] = []

    def walk(value):
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(float(value))

    walk(json.loads(folder.read_text(encoding="utf-8")))
    return found


def unbacked(path: Path) -> list[str]:
    """The decimals of a lesson's prose that nothing backs, with their lines."""
    stated, measured = backed(path)
    found = []
    for cell in percent.cells(path):
        for word in decimals(cell.source) if cell.is_text else ():
            number, unit = float(word), 10.0 ** -len(word.partition(".")[2])
            if number in stated or abs(number) in stated or any(abs(abs(number) - abs(other)) <= 0.5 * unit * (1 + 1e-9) for other in measured):
                continue
            found.append(f"{path.parent.name}/lesson.py, cell at line {cell.line}: {word}")
    return found


@pytest.mark.parametrize("page", [*PAGES.values(), STARTER], ids=[*PAGES, "starter"])
def test_every_decimal_in_the_prose_is_backed_by_an_expect_a_figure_a_study_or_the_code(page):
    assert unbacked(page) == []


def test_a_decimal_that_nothing_backs_is_seen(tmp_path):
    path = tmp_path / "lesson.py"
    text = "V is 0.5420, γ = 0.99; see figure 4.1, section 4.4 and eq. (4.10); it was 3.14."
    path.write_text(f"# %% [markdown]\n# {text}\n\n# %%\nexpect('V', v(0.99), '0.5420')\n", encoding="utf-8")
    assert [line.rpartition(" ")[2] for line in unbacked(path)] == ["3.14"]


@pytest.mark.parametrize("page", some(PAGES.values(), every=5), ids=PAGES)
def test_a_lesson_runs_as_a_plain_script(page, tmp_path):
    """In a folder of its own, and it leaves nothing there."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, str(page)], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ok " in done.stdout and list(tmp_path.iterdir()) == []


@each_lesson
def test_a_lesson_has_sections_and_tells_what_the_syllabus_said_and_what_was_measured(module):
    parts = percent.sections(module.lesson)
    assert len(parts) >= 3
    assert "what the syllabus said" in parts[-1].title.lower()


@each_lesson
def test_a_quiz_has_six_questions_or_more_with_one_right_option_and_a_reason_for_each(module):
    assert len(module.quiz) >= 6
    for question in module.quiz:
        options = question["options"]
        assert 2 <= len(options) <= 8 and sum(bool(option.get("right")) for option in options) == 1, question["question"]
        assert all(option["text"].strip() and option["why"].strip() for option in options), question["question"]


@each_lesson
def test_the_right_option_is_not_always_at_the_same_place(module):
    places = [next(k for k, option in enumerate(question["options"]) if option.get("right")) for question in module.quiz]
    assert max(places.count(place) for place in places) <= 0.67 * len(places)


@each_module
def test_the_facts_of_a_module_are_whole_and_its_milestone_asks_for_what_exists_or_is_planned(module, tmp_path):
    facts = module.facts
    assert facts["goals"] and facts["reading"] and facts["minutes"] > 0
    assert set(facts["exercises"]) <= {*COURSE.exercises, *COURSE.planned}
    progress = Progress(COURSE, Workspace(tmp_path))
    for need in facts["milestone"]["needs"]:
        kind, _, name = need.partition(" ")
        assert kind in ("exercise", "quiz", "lesson") and name, need
        assert progress.is_done(need) in (True, False, None)
        assert name in ({*COURSE.exercises, *COURSE.planned} if kind == "exercise" else COURSE.modules), need
