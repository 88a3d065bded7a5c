"""The words of the course's verbs. Declared here, where importing is cheap; carried out in sb3_course/commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Verb = Callable[..., argparse.ArgumentParser]
WORK = "the learner's folder (default: SB3_COURSE_WORK, or the nearest sb3_course_work/ upwards from here)"


def declare(verb: Verb) -> None:
    """verb(name, module, function, help, example) makes a verb's parser, as sb3_course/cli.py has it."""
    _lesson(verb)
    _exercise(verb)
    _capstone(verb)

    progress = verb("progress", "progress", "run", "what you have done: modules, milestones, exercises", example="sb3-course progress")
    progress.add_argument("--json", action="store_true", help="as JSON")
    progress.add_argument("--markdown", action="store_true", help="as a page of your own, a portfolio")
    _work(progress)

    calendar = verb("calendar", "calendar", "run", "the course day by day, each task with its command and its state",
                    example="sb3-course calendar --weeks 12 --today")
    calendar.add_argument("--weeks", type=int, choices=(12,), help="the plan of 12 weeks (default)")
    calendar.add_argument("--months", type=int, choices=(6,), help="instead: the plan of 6 months")
    calendar.add_argument("--start", metavar="DATE", help="its first day, such as 2026-01-05 (default: next Monday, or today's week with --today)")
    calendar.add_argument("--today", action="store_true", help="only today's tasks")
    calendar.add_argument("--out", metavar="FILE", help="write it there, as Markdown or, for FILE.ics, for calendar programs")
    _work(calendar)


def _work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", metavar="DIR", help=WORK)


def _actions(parser: argparse.ArgumentParser) -> Callable[..., argparse.ArgumentParser]:
    group = parser.add_subparsers(dest="action", metavar="ACTION", required=True, help="what is done; each has a --help of its own")

    def action(name: str, help: str, **settings: Any) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = group.add_parser(name, help=help, description=help, **settings)
        _work(sub)
        return sub

    return action


def _lesson(verb: Verb) -> None:
    action = _actions(verb("lesson", "lesson", "run", "lessons: read them, run their numbers, take their quizzes", example="sb3-course lesson list"))
    action("list", "all modules, and what you have read, run and answered")
    show = action("show", "the text of a lesson, or of a proof, in the terminal")
    show.add_argument("lesson", help="such as m03; P1 is a proof, exhibits are the errors E1 to E20")
    show.add_argument("section", nargs="?", help="only this section: its number, or a word of its title")
    show.add_argument("--html", action="store_true", help="instead: the path of its page, if the documentation was built")
    run = action("run", "run a lesson in a process of its own: every number beside the one that is stated")
    run.add_argument("lesson", help="such as m03; P1 is a proof")
    quiz = action("quiz", "questions, each with the reason for every option; without a terminal: the sheet")
    quiz.add_argument("lesson", help="such as m03")
    quiz.add_argument("--answers", action="store_true", help="print the questions with their answers")
    notebook = action("notebook", "write a lesson as a notebook, never over another one")
    notebook.add_argument("lesson", help="such as m03")


def _exercise(verb: Verb) -> None:
    action = _actions(verb("exercise", "exercise", "run", "exercises: start one, check it, get a hint", example="sb3-course exercise list first-seven"))
    listing = action("list", "all exercises, or those of a path or a module, and how you stand")
    listing.add_argument("path", nargs="?", help="such as first-seven, or m03")
    start = action("start", "put the file of an exercise into your folder")
    start.add_argument("name", help="such as planners, or 3 for the third of the first seven")
    start.add_argument("--again", action="store_true", help="keep the file that is there under another name, and start anew")
    check = action("check", "run the check of your file: what is right, what is not and why, and one next step")
    check.add_argument("name", help="as for start")
    check.add_argument("--slow", action="store_true", help="the long checks, too")
    hint = action("hint", "the next of four hints: a question, the idea, the equation, the line in words")
    hint.add_argument("name", help="as for start")
    hint.add_argument("--level", type=int, choices=(1, 2, 3, 4), help="this one again")
    solution = action("solution", "the solution, and how yours differs from it")
    solution.add_argument("name", help="as for start")
    solution.add_argument("--yes", action="store_true", help="even if yours was never checked")
    watch = action("watch", "check at each save of your file; the keys h, n, l, q: hint, next exercise, list, quit")
    watch.add_argument("name", nargs="?", help="as for start (default: the one you started last)")


def _capstone(verb: Verb) -> None:
    action = _actions(verb("capstone", "capstone", "run", "capstones: studies of your own, with a brief and a rubric", example="sb3-course capstone list"))
    action("list", "all capstones, and which you have started")
    show = action("show", "the brief of one; `rubric`: by what they are scored")
    show.add_argument("capstone", help="such as 1 or B, or rubric")
    start = action("start", "put brief, study, report and scores into your folder")
    start.add_argument("capstone", help="such as 1 or B")
    score = action("score", "its milestones and its score, as far as the study shows them and you have given them")
    score.add_argument("capstone", help="such as 1 or B")
