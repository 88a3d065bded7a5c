"""sb3-course calendar: the plans of calendar/, day by day, each task with its command and its state."""

from __future__ import annotations

import argparse
import os
from datetime import date, timedelta
from pathlib import Path

from benchmarks import UserError
from benchmarks.store.files import write_whole
from sb3_course.teaching import plan as plans
from sb3_course.teaching.course import Course
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace, shown


def run(args: argparse.Namespace) -> int:
    course = Course()
    progress = Progress.of(course, Workspace.find(args.work))
    if args.weeks and args.months:
        raise UserError("--weeks 12 or --months 6, not both")
    today = date.today()
    plan = plans.read(course.folder, "six_months" if args.months else "twelve_weeks")
    days = plan.days(_start(args.start, today, args.today))
    if args.today:
        days = [day for day in days if day.date == today]
    text = plans.ics(plan, days, progress) if args.out and args.out.endswith(".ics") else plans.markdown(plan, days, progress, whole=not args.today)
    if args.today and not days:
        text = "nothing is planned for today\n"
    if args.out is None:
        print(text.rstrip())
        return 0
    target = Path(args.out)
    if os.path.lexists(target):
        raise UserError(f"{target} exists already: choose another name")
    try:
        write_whole(target, text)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from None
    print(shown(target.absolute()))
    return 0


def _start(words: str | None, today: date, is_today: bool) -> date:
    monday = today - timedelta(days=today.weekday())
    if words is None:
        return monday if is_today or today == monday else monday + timedelta(days=7)
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise UserError(f"--start {words}: a date is written as {today.isoformat()}") from None
