"""The plans of the calendar: every task leads somewhere, and what is coming can only become less."""

from datetime import date

import pytest

from sb3_course import cli
from sb3_course.teaching import plan as plans
from sb3_course.teaching.course import Course
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace

COURSE = Course()
MONDAY = date(2026, 1, 5)
COMING = {"twelve_weeks": 7, "six_months": 10}  # tasks whose targets do not exist yet: these numbers are only ever lowered


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def tasks(name):
    return [task for day in plans.read(COURSE.folder, name).days(MONDAY) for task in day.tasks]


@pytest.mark.parametrize("name", COMING)
def test_every_target_is_there_or_planned_and_fewer_and_fewer_are_coming(name):
    coming = [f"{task.kind} {task.target}" for task in tasks(name) if not task.is_there(COURSE)]
    assert len(coming) <= COMING[name], coming


@pytest.mark.parametrize(("name", "weeks", "days"), [("twelve_weeks", 12, 5), ("six_months", 26, 3)])
def test_a_day_takes_between_90_and_150_minutes(name, weeks, days):
    plan = plans.read(COURSE.folder, name).days(MONDAY)
    assert len(plan) == weeks * days and plan[-1].week == weeks
    minutes = {f"week {day.week}, day {day.number}": sum(task.minutes for task in day.tasks) for day in plan}
    assert {day: number for day, number in minutes.items() if not 90 <= number <= 150} == {}


def test_the_first_day_is_the_start_and_the_last_one_a_friday_eleven_weeks_later():
    plan = plans.read(COURSE.folder, "twelve_weeks").days(MONDAY)
    assert (plan[0].date, plan[-1].date) == (MONDAY, date(2026, 3, 27))


def test_an_unknown_exercise_in_a_plan_is_no_coming_one():
    with pytest.raises(ValueError, match="exercise planers is neither there nor planned"):
        plans.Task("exercise", "planers", 30).is_there(COURSE)


def test_a_task_has_its_command_and_its_state(tmp_path):
    workspace = Workspace(tmp_path / "work")
    progress = Progress.of(COURSE, workspace)
    task = plans.Task("exercise", "planners (the rest)", 45)
    assert (task.command(COURSE), task.state(progress)) == ("sb3-course exercise start planners", "open")
    workspace.note("check", "planners", passed=True)
    assert task.state(Progress.of(COURSE, workspace)) == "done"
    assert plans.Task("hunt", "nowhere", 45).state(progress) == "coming"


def test_the_calendar_file_has_an_entry_a_day_in_lines_of_at_most_75_bytes(tmp_path, capsys):
    assert cli.main(["calendar", "--start", "2026-01-05", "--out", "plan.ics"]) == 0
    assert capsys.readouterr().out == "plan.ics\n"
    lines = (tmp_path / "plan.ics").read_bytes().split(b"\r\n")
    assert lines.count(b"BEGIN:VEVENT") == 60 and b"DTSTART;VALUE=DATE:20260105" in lines
    assert max(map(len, lines)) <= 75


def test_the_page_begins_with_what_the_plan_is_and_no_file_is_overwritten(capsys):
    assert cli.main(["calendar", "--months", "6", "--start", "2026-01-05", "--out", "plan.md"]) == 0
    assert cli.main(["calendar", "--out", "plan.md"]) == 2
    assert capsys.readouterr().err == "plan.md exists already: choose another name\n"


def test_a_start_that_is_no_date_is_answered_with_one_that_is(capsys):
    assert cli.main(["calendar", "--start", "5.1.2026"]) == 2
    assert capsys.readouterr().err.startswith("--start 5.1.2026: a date is written as 2")


def test_today_lists_today_s_tasks_only(capsys):
    today = date.today().isoformat()
    assert cli.main(["calendar", "--today", "--start", today]) == 0
    assert "sb3-course doctor" in (out := capsys.readouterr().out) and out.count("###") == 1
