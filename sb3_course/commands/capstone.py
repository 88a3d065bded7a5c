"""sb3-course capstone: list, show, start, score."""

from __future__ import annotations

import argparse
import re
import sys

from sb3_course.teaching import capstones, words
from sb3_course.teaching.course import Course
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace, shown

NOT_PASSED = 3


def run(args: argparse.Namespace) -> int:
    actions = {"list": _list, "show": _show, "start": _start, "score": _score}
    return actions[args.action](args, Workspace.find(args.work))


def _list(args: argparse.Namespace, workspace: Workspace) -> int:
    rows = [[id, capstone.title, "started" if capstones.place(workspace, capstone).is_dir() else ""] for id, capstone in capstones.all_of_them().items()]
    print(words.table(rows))
    print("sb3-course capstone show ID; capstone show rubric: by what they are scored")
    return 0


def _show(args: argparse.Namespace, workspace: Workspace) -> int:
    if args.capstone != "rubric":
        print(_page(capstones.find(args.capstone).brief))
        return 0
    facts = capstones.rubric()
    for line in facts["lines"].values():
        print(line["title"] + (", read off the study" if "decided_by" in line else ""))
        for k, level in enumerate(line["levels"]):
            print(words.wrapped(level, 5, f"  {k}"))
    print(f"Passed: {facts['pass_mark']} of {capstones.BEST * len(facts['lines'])}, and no 0.")
    return 0


def _page(text: str) -> str:
    """Markdown as lines of the terminal's width."""
    paragraphs = [" ".join(line.strip() for line in paragraph.strip().splitlines()) for paragraph in re.sub(r"\n(?=\d\. )", "\n\n", text).strip().split("\n\n")]
    return "\n\n".join(words.wrapped(text[3:], 3, text[:2]) if re.match(r"\d\. ", text) else words.wrapped(text) for text in paragraphs)


def _start(args: argparse.Namespace, workspace: Workspace) -> int:
    capstone = capstones.find(args.capstone)
    folder, kept = capstones.start(workspace, capstone)
    if kept:
        print(f"yours are left as they are: {', '.join(kept)}")
    print(f"{shown(folder)}\n\n{_page(capstone.brief)}\n\nRun it there:\n  cd {shown(folder)}")
    print("  sb3-course compare study.yaml --trust --out try seeds=2 steps=2000     # small, first")
    print(f"  sb3-course compare study.yaml --trust --out study\n  sb3-course capstone score {capstone.id}")
    return 0


def _score(args: argparse.Namespace, workspace: Workspace) -> int:
    capstone, facts = capstones.find(args.capstone), capstones.rubric()
    progress = Progress.of(Course(), workspace)
    for text, done in capstones.reached(workspace, capstone, progress):
        print(words.wrapped(text, 10, "  reached" if done else "  open"))
    found = capstones.scores(workspace, capstone)
    print()
    for line in found:
        score = "–" if line.score is None else str(line.score)
        print(words.wrapped(f"{line.title}: {line.why}", 5, f"  {score}"))
    total, missing = sum(line.score or 0 for line in found), sum(line.score is None for line in found)
    passed = total >= facts["pass_mark"] and all(line.score for line in found)
    said = "passed" if passed else f"{missing} to be scored in {capstones.SCORES}" if missing else "not passed: " + (
        "a line has 0" if any(line.score == 0 for line in found) else f"it takes {facts['pass_mark']}")  # fmt: skip
    print(f"\n{total} of {capstones.BEST * len(found)}: {said}")
    problem = workspace.note("capstone", capstone.id, passed=passed, score=total)
    if problem:
        print(problem, file=sys.stderr)
    return 0 if passed else NOT_PASSED
