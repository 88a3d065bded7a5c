"""What lessons are made of: stated numbers that are tested, source that is shown, percent cells, quizzes, and the commands that read them."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from sb3_course import cli
from sb3_course.commands import lesson as lesson_command
from sb3_course.teaching import lesson, percent, quiz
from sb3_course.teaching.course import read_yaml
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace

ROOT = Path(cli.__file__).parents[1]

LESSON = '''
# %% [markdown]
# # Arithmetic
#
# Adding is easy, and this sentence is long enough to be wrapped at the width of eighty columns.
#
# - one thing
#   that goes on
# - another

# %%
from sb3_course.teaching.lesson import expect

expect("1 + 1", 1 + 1, "2")
expect("1/3", 1 / 3, "0.34")
expect("2/3", 2 / 3, "0.67")

# %% [markdown]
# ## What the syllabus said, and what we measured
#
# Nothing.
'''
QUIZ = """
- question: One and one?
  options: [{text: "2", right: true, why: Count.}, {text: "3", why: Too many.}]
- question: Two and two?
  options: [{text: "5", why: No.}, {text: "4", right: true, why: Yes.}]
"""


@pytest.fixture
def small(course, tmp_path, monkeypatch):
    folder = course.folder / "m00_arithmetic"
    (folder / "lesson.py").write_text(LESSON.lstrip("\n"), encoding="utf-8")
    (folder / "quiz.yaml").write_text(QUIZ, encoding="utf-8")
    place = tmp_path / "somewhere"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(lesson_command, "Course", lambda: course)
    monkeypatch.setattr(lesson_command, "PAGES", tmp_path / "pages")  # whether or not those of the project are built here
    return course


def typed(words, capsys):
    code = cli.main(words.split())
    return code, *capsys.readouterr()


# ---------------------------------------------------------------------------------------------------------------- expect


@pytest.mark.parametrize(
    ("value", "stated"),
    [(0.54203, "0.5420"), (-12.2479, "−12.248"), (114.0, "114"), (0.0099, "9.9e-3"), (0.00276, "0.0028"), (np.array([1.0, 2.5]), "1 2.5"), (79.96, "80.0%")],
)
def test_a_number_agrees_if_it_rounds_to_what_is_stated(value, stated, capsys):
    lesson.expect("it", value, stated)
    assert capsys.readouterr().out.startswith("ok  it: ")


@pytest.mark.parametrize(("value", "stated"), [(0.5421, "0.5420"), (12.248, "-12.248"), (115, "114"), (float("nan"), "1"), (np.array([1.0, 2.6]), "1 2.5")])
def test_a_number_that_does_not_fails_the_run_and_says_both(value, stated, capsys):
    with pytest.raises(lesson.NotAsStated, match=r"it: .*, stated "):
        lesson.expect("it", value, stated)
    assert capsys.readouterr().out.startswith("OFF it: ")


def test_a_tolerance_is_for_what_is_sampled(capsys):
    lesson.expect("mean of 1000 returns", 22.9, "22.1", tolerance=1.5)
    assert capsys.readouterr().out == "ok  mean of 1000 returns: 22.90, stated 22.1 (within 1.5)\n"
    with pytest.raises(lesson.NotAsStated):
        lesson.expect("mean of 1000 returns", 23.7, "22.1", tolerance=1.5)


def test_as_many_numbers_are_stated_as_are_measured():
    with pytest.raises(ValueError, match=r"it: 2 numbers are measured, 1 are stated: '1'"):
        lesson.expect("it", [1.0, 2.0], "1")


# ------------------------------------------------------------------------------------------------------------------ show


def test_source_is_shown_without_importing_it_and_the_same_as_with(capsys):
    from from_scratch.core.exact.mdp import Model

    lesson.show("from_scratch.core.exact.mdp:Model.backup")
    by_address = capsys.readouterr().out
    lesson.show(Model.backup)
    assert capsys.readouterr().out == by_address and by_address.startswith("# from_scratch.core.exact.mdp:Model.backup\ndef backup(self")


def test_a_line_is_shown_by_the_number_of_its_equation_and_missed_when_it_is_gone(capsys):
    address = "from_scratch.dynamic_programming.value_iteration:ValueIteration.iterate"
    lesson.show(address, "eq. (4.10)")
    assert capsys.readouterr().out == f"# {address}\nv = self.Q[k].max(-1)  # eq. (4.10)\n\n"
    with pytest.raises(LookupError, match=r"has no line with 'eq. \(4.99\)' any more"):
        lesson.show(address, "eq. (4.99)")
    with pytest.raises(LookupError, match=r"has no ValueIteration.iterated any more"):
        lesson.show(address + "d")


def test_a_figure_has_its_words_its_numbers_and_the_command_that_made_it(capsys):
    numbers = lesson.figure("4.1", alt="Five grids.")
    out = capsys.readouterr().out
    assert "Five grids." in out and "made by: sb3-course figure 4.1, commit " in out
    assert numbers["sweeps to Δ < 1e-4, in place"] == 114
    with pytest.raises(ValueError, match="alt says in words what is to be seen"):
        lesson.figure("4.1", alt=" ")
    with pytest.raises(LookupError, match=r"there is no result textbook/4.9.json: sb3-course figure 4.9 makes it"):
        lesson.figure("4.9", alt="Nothing.")


def test_a_claim_has_its_verdict_its_intervals_and_the_command_that_made_it(capsys):
    record = lesson.study("deadly-triad")
    out = capsys.readouterr().out
    assert out.startswith(f"deadly-triad: {record['verdict']}\n") and "made by: sb3-course claim deadly-triad" in out


# --------------------------------------------------------------------------------------------------------------- percent


def test_a_lesson_falls_into_cells_and_sections(tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text(LESSON.lstrip("\n"), encoding="utf-8")
    assert [(cell.is_text, cell.line) for cell in percent.cells(path)] == [(True, 1), (False, 10), (True, 17)]
    assert percent.cells(path)[2].source == "## What the syllabus said, and what we measured\n\nNothing."
    assert [(part.title, len(part.cells)) for part in percent.sections(path)] == [("Arithmetic", 2), ("What the syllabus said, and what we measured", 1)]


# -------------------------------------------------------------------------------------------------------------- commands


def test_a_lesson_is_read_in_the_width_of_the_terminal_and_noted(small, capsys):
    code, out, err = typed("lesson show m00", capsys)
    assert (code, err) == (0, "")
    text = dedent(
        """\
        # Arithmetic

        Adding is easy, and this sentence is long enough to be wrapped at the width of
        eighty columns.

        - one thing that goes on
        - another

            from sb3_course.teaching.lesson import expect
        """
    )
    assert out.startswith(text) and out.endswith("Exercises: sums (sb3-course exercise start NAME)\n")
    assert Progress.of(small, Workspace.find()).read == {"m00"}


def test_a_section_is_found_by_its_number_or_a_word(small, capsys):
    by_number = typed("lesson show m00 1", capsys)
    assert by_number == (0, "## What the syllabus said, and what we measured\n\nNothing.\n", "")
    assert typed("lesson show m00 syllabus", capsys) == by_number
    assert typed("lesson show m00 7", capsys)[2] == "m00 has no section '7': 0 Arithmetic; 1 What the syllabus said, and what we measured\n"


def test_a_run_prints_every_number_and_is_3_if_one_is_off(small, capsys):
    code, out, _ = typed("lesson run m00", capsys)
    assert code == 3
    assert [line[:3] for line in out.splitlines()[:3]] == ["ok ", "OFF", "ok "]
    assert "1 of its numbers are off:\n  1/3: 0.333, stated 0.34" in out
    assert Progress.of(small, Workspace.find()).run == set()


def test_a_run_whose_numbers_are_right_is_noted(small, capsys):
    path = small.modules["m00"].lesson
    path.write_text(path.read_text(encoding="utf-8").replace("0.34", "0.333"), encoding="utf-8")
    assert typed("lesson run 0", capsys)[0] == 0
    assert Progress.of(small, Workspace.find()).run == {"m00"}


def test_as_a_plain_script_it_stops_at_the_first_that_is_off(small):
    done = subprocess.run([sys.executable, str(small.modules["m00"].lesson)], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 1 and done.stderr.endswith("NotAsStated: 1/3: 0.333, stated 0.34\n") and "2/3" not in done.stdout


def test_a_quiz_gives_a_reason_for_every_option_and_counts_what_was_right_at_once(small):
    said, answers = [], iter(["a", "x", "A"])
    assert quiz.ask(small.modules["m00"], lambda prompt: next(answers), said.append) == (1, 2)
    text = "\n".join(said)
    assert "Count." in text and "Too many." in text and "one letter, a to b" in text and text.count("not right") == 1


def test_without_a_terminal_a_quiz_is_a_sheet_and_its_key(small, capsys):
    code, out, _ = typed("lesson quiz m00", capsys)
    assert code == 0 and "a) 2" in out and "Count." not in out
    assert "right: Count." in typed("lesson quiz m00 --answers", capsys)[1]


def test_show_html_prints_the_path_of_the_page_once_it_is_built(small, capsys):
    page = lesson_command.PAGES / "m00.html"
    page.parent.mkdir()
    page.touch()
    assert typed("lesson show m00 --html", capsys) == (0, f"{page}\n", "")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("lesson show m01", "module m01, Algebra, is coming: sb3-course lesson list names those that are there"),
        ("lesson run m77", "no module 'm77': there are m00, m01 (sb3-course lesson list)"),
        ("lesson show m00 --html", "the page of m00 is not built: make docs"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, line, small, capsys):
    assert typed(words, capsys) == (2, "", line + "\n")


def test_the_list_names_what_is_coming_and_how_one_stands(small, capsys):
    Workspace.find().note("quiz", "m00", right=1, of=2)
    lines = typed("lesson list", capsys)[1].splitlines()
    assert lines[0].split() == ["m00", "Arithmetic", "0", "h", "quiz", "1/2"] and lines[1].split() == ["m01", "Algebra", "1", "h", "coming"]


def test_every_yaml_of_the_course_is_read_by_the_slow_loader_alike():
    """The loader in C is used where there is one."""
    import yaml

    for path in (ROOT / "sb3_course").glob("**/*.yaml"):
        assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8"))
