"""False alarms: what is published of them covers every exercise as it is now, and the counting counts."""

from dataclasses import replace

import pytest

from sb3_course.teaching import alarms
from sb3_course.teaching.alarms import Row
from sb3_course.teaching.course import Course, Exercise

COURSE = Course()
PUBLISHED = alarms.read()
UNTRIED = 2  # exercises: this number is only ever lowered
ROW = Row("m00", "mine", "mean", 50, 0, 10.0, 1.0, 5.0, 15.0, 1.0, "hash")

CHECK = """
from sb3_course.teaching.checks import number, probe, rng

@probe("draw", "one draw", between=(0.0, {high}))
def one(answer):
    return number(answer.draw(rng(0)), "it")

@probe("draw", "no draw", expected=1)
def still(answer):
    return 1
"""


@pytest.fixture
def mine(tmp_path):
    """mine(high) makes an exercise whose right answers draw a number from 0 to 1, which its check wants to be below `high`."""

    def make(high):
        folder = tmp_path / "mine"
        (folder / "wrong").mkdir(parents=True, exist_ok=True)
        (folder / "check.py").write_text(CHECK.format(high=high), encoding="utf-8")
        for name in alarms.RIGHT:
            (folder / name).write_text("def draw(rng):\n    return rng.random()\n", encoding="utf-8")
        (folder / "exercise.yaml").write_text("functions: [draw]\n", encoding="utf-8")
        return Exercise("mine", "m00", folder)

    return make


def measured(exercise, seeds, known=None, **limits):
    return alarms.measure(exercise, seeds, **{"least": seeds, "seconds": 0.0} | limits, known=known or {})


# --------------------------------------------------------------------------------------------------------- what is published


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=COURSE.exercises)
def test_the_published_rows_are_of_the_exercise_as_it_is(exercise):
    found = [row for row in PUBLISHED if row.exercise == exercise.name]
    if not found:
        pytest.skip("not tried yet with other random numbers than a learner meets")
    again = f"python -m sb3_course.teaching.alarms {exercise.name}"
    assert {row.source for row in found} == {alarms.source_of(exercise)}, f"its check or its right answers say something else than when it was tried: {again}"


def test_fewer_and_fewer_exercises_were_not_tried():
    tried = {row.exercise for row in PUBLISHED}
    assert tried <= set(COURSE.exercises) and len(set(COURSE.exercises) - tried) <= UNTRIED


def test_no_right_answer_of_any_exercise_was_failed():
    assert [(row.exercise, row.probe, row.said) for row in PUBLISHED if row.false_alarms] == []


def test_the_page_is_the_one_of_the_rows():
    text = (alarms.PUBLISHED / "README.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("| m")]
    assert table == [line for line in alarms.page(PUBLISHED).splitlines() if line.startswith("| m")]


# ------------------------------------------------------------------------------------------------------------ the counting


def test_a_check_that_is_too_narrow_raises_false_alarms_in_about_the_share_that_it_leaves_out(mine):
    (row,) = measured(mine(0.75), 200)
    assert (row.probe, row.seeds, row.runs) == ("one", 200, 400)
    assert 0.15 < row.false_alarms / row.runs < 0.35 and "should lie between 0 and 0.75" in row.said


def test_a_check_that_holds_all_raises_none_and_its_room_is_told_in_standard_deviations(mine):
    (row,) = measured(mine(1.0), 200)
    assert row.false_alarms == 0 and row.said == ""
    assert row.room == pytest.approx(0.5 / (1 / 12) ** 0.5, rel=0.1)  # uniform on 0 to 1


def test_going_on_gives_what_one_go_gives(mine):
    exercise = mine(0.75)
    (half,) = measured(exercise, 20)
    (whole,) = measured(exercise, 40, known={"one": half})
    (at_once,) = measured(exercise, 40)
    assert (whole.false_alarms, whole.said) == (at_once.false_alarms, at_once.said)
    assert (whole.mean, whole.sd) == pytest.approx((at_once.mean, at_once.sd))


def test_what_was_measured_of_another_check_is_not_gone_on_with(mine):
    (old,) = measured(mine(0.75), 20)
    (new,) = measured(mine(0.76), 5, known={"one": old})
    assert new.seeds == 5 and new.source != old.source


def test_comments_and_layout_are_no_other_check(mine):
    exercise = mine(0.75)
    before = alarms.source_of(exercise)
    path = exercise.folder / "check.py"
    path.write_text("# the same\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert alarms.source_of(exercise) == before


def test_a_probe_gets_its_least_number_of_seeds_however_long_they_take(mine):
    (row,) = measured(mine(1.0), 200, least=7, seconds=0.0)
    assert row.seeds == 7


def test_an_exercise_that_draws_nothing_has_a_row_that_says_so(mine):
    exercise = mine(1.0)
    path = exercise.folder / "check.py"
    path.write_text(path.read_text(encoding="utf-8").replace("rng(0)", "None"), encoding="utf-8")
    for name in alarms.RIGHT:
        (exercise.folder / name).write_text("def draw(rng):\n    return 0.5\n", encoding="utf-8")
    (row,) = measured(exercise, 5)
    assert (row.probe, row.seeds) == ("", 0)


def test_rows_are_read_as_they_were_written(tmp_path):
    rows = [ROW, Row("m01", "still", "", 0, 0, None, None, None, None, 0.0, "other")]
    alarms.write(rows, tmp_path, ["later"])
    assert alarms.read(tmp_path) == rows
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| m00 | `mine` | 1 | 50 | 100 | 0 | 5.0 | 1 |" in text and "| m01 | `still` | 0 | | | | | |" in text
    assert "\nNot tried yet: `later`.\n" in text


def test_of_a_handful_of_runs_no_standard_deviation_is_told():
    assert ROW.room == 5.0 and replace(ROW, seeds=9).room is None
