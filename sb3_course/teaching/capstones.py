"""Capstones: a brief, a study with its question fixed first, milestones, and a rubric of which two lines are read off the study itself.

A learner's capstone lies in capstones/ID of the workspace: brief.md, study.yaml, report.md, scores.yaml, and study/ once it runs.
"""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from benchmarks import HarnessError, UserError
from sb3_course.teaching.course import HERE, read_yaml
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace, shown, write_new

FOLDER = HERE / "capstones"
FILES = ("brief.md", "study.yaml", "report.md")
SCORES = "scores.yaml"
BEST = 3
RUN_IT = "sb3-course compare study.yaml --trust --out study"


@dataclass(frozen=True)
class Capstone:
    id: str  # "1", "B"
    folder: Path

    @cached_property
    def brief(self) -> str:
        return (self.folder / "brief.md").read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        return self.brief.splitlines()[0].removeprefix("# ")

    @cached_property
    def milestones(self) -> list[dict[str, str]]:
        """{text, needs}: what is to be reached; needs is "exercise NAME", "study 10" or "median 200", or "" where only the learner can say."""
        return [{"needs": "", **facts} for facts in read_yaml(self.folder / "rubric.yaml")["milestones"]]


def all_of_them(folder: Path = FOLDER) -> dict[str, Capstone]:
    return {path.parent.name: Capstone(path.parent.name, path.parent) for path in sorted(folder.glob("*/brief.md"))}


def find(id: str) -> Capstone:
    known = all_of_them()
    if id.upper() not in known:
        raise UserError(f"no capstone '{id}': there are {', '.join(known)} (sb3-course capstone list)")
    return known[id.upper()]


def rubric() -> dict[str, Any]:
    """The six lines by name, {title, levels, decided_by}, and what it takes to pass."""
    facts: dict[str, Any] = read_yaml(FOLDER / "rubric.yaml")
    return facts


def own_lines() -> list[str]:
    """Those that the learner scores."""
    return [name for name, line in rubric()["lines"].items() if "decided_by" not in line]


# ------------------------------------------------------------------------------------------------------------- the learner's


def place(workspace: Workspace, capstone: Capstone) -> Path:
    return workspace.folder / "capstones" / capstone.id


def start(workspace: Workspace, capstone: Capstone) -> tuple[Path, list[str]]:
    """Put brief, study, report and scores there, each unless there is one: the folder, and the names of what was left as it is."""
    folder, kept = place(workspace, capstone), []
    texts = {name: (capstone.folder / name).read_bytes() for name in FILES} | {SCORES: _scores(capstone).encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            try:
                write_new(folder / name, text)
            except FileExistsError:
                kept.append(name)
    except OSError as error:
        raise UserError(f"cannot write {shown(folder)}: {error.strerror}; --work DIR puts the workspace elsewhere") from None
    return folder, kept


def _scores(capstone: Capstone) -> str:
    lines = ["# Your own scores, 0 to 3, each with its reason. The levels: sb3-course capstone show rubric."]
    lines += [f'{name}: {{score: , why: ""}}' for name in own_lines()]
    lines += ["", "# Milestones that only you can tick: true when reached."]
    lines += [f"milestone {k}: {{reached: false}}  # {it['text']}" for k, it in enumerate(capstone.milestones, start=1) if not it["needs"]]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Score:
    title: str
    score: int | None  # None: not given yet
    why: str


def scores(workspace: Workspace, capstone: Capstone) -> list[Score]:
    """The six lines: those of the study as it is, the learner's own from scores.yaml. UserError where that file says something else than it may."""
    folder, said = place(workspace, capstone), _said(place(workspace, capstone) / SCORES)
    found = []
    for name, line in rubric()["lines"].items():
        if "decided_by" in line:
            score, why = {"seeds": _of_seeds, "reproduce": _of_reproduction}[line["decided_by"]](folder / "study")
            found.append(Score(line["title"], score, why))
            continue
        given = said.get(name) or {}
        if not isinstance(given, dict) or given.get("score") not in (None, *range(BEST + 1)) or isinstance(given.get("score"), bool):
            raise UserError(f"{shown(folder / SCORES)}: {name} is {{score: 0 to 3, why: \"…\"}}; it says {given!r}")
        found.append(Score(line["title"], given.get("score"), str(given.get("why") or ("not scored yet" if given.get("score") is None else "no reason given"))))
    return found


def reached(workspace: Workspace, capstone: Capstone, progress: Progress) -> Iterator[tuple[str, bool]]:
    """Each milestone, and whether it is reached."""
    folder = place(workspace, capstone)
    said, report = _said(folder / SCORES), _report(folder / "study")
    for k, milestone in enumerate(capstone.milestones, start=1):
        kind, _, what = milestone["needs"].partition(" ")
        match kind:
            case "exercise":
                done = bool(progress.is_done(milestone["needs"]))
            case "study":
                done = report is not None and not report["is_partial"] and _fewest(report) >= int(what)
            case "median":
                done = report is not None and _median(folder / "study") > float(what)
            case _:
                own = said.get(f"milestone {k}")
                done = isinstance(own, dict) and own.get("reached") is True
        yield milestone["text"], done


def _said(path: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{shown(path)} cannot be read: {' '.join(str(error).split())[:200]}") from None
    if said is not None and not isinstance(said, dict):
        raise UserError(f"{shown(path)}: lines of the rubric with their scores, such as  writing: {{score: 2, why: \"…\"}}")
    return said or {}


# ------------------------------------------------------------------------------------------------------------- off the study


def _report(study: Path) -> dict[str, Any] | None:
    """What report.json of a study says; None if there is no such file."""
    try:
        report = json.loads((study / "report" / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) and {"is_partial", "groups", "missing"} <= set(report) else None


def _fewest(report: dict[str, Any]) -> int:
    """Runs of the arm that has the fewest."""
    return min((len(cell["seeds"]) for group in report["groups"].values() for cell in group["cells"].values()), default=0)


def _median(study: Path) -> float:
    """The median of the final scores of all runs; minus infinity if there are none."""
    try:
        with (study / "report" / "scores.csv").open(encoding="utf-8", newline="") as file:
            return statistics.median(float(row["score"]) for row in csv.DictReader(file))
    except (OSError, ValueError, KeyError, statistics.StatisticsError):
        return -math.inf


def _of_seeds(study: Path) -> tuple[int, str]:
    report = _report(study)
    if report is None:
        return 0, f"there is no report: {RUN_IT}"
    n = _fewest(report)
    if n < 3:
        return 0, f"an arm has {n} run{'s' * (n != 1)}"
    if n < 10:
        return 1, f"an arm has {n} runs"
    unequal = [sentence for group in report["groups"].values() for sentence in group["evidence"].get("unequal_tuning", ())]
    if report["is_partial"] or report["missing"]:
        return 2, "runs are missing"
    return (2, f"{n} runs of each arm. {unequal[0]}") if unequal else (3, f"{n} runs of each arm")


def _of_reproduction(study: Path) -> tuple[int, str]:
    """As `sb3-course reproduce --level 2` judges, which trains nothing."""
    if not study.is_dir():
        return 0, f"there is no study: {RUN_IT}"
    from benchmarks.reproduction import archive, verify

    try:
        with archive.opened(str(study)) as store:
            findings = list(verify.verify(store, 2))
    except HarnessError as error:
        return 0, str(error)
    by = {state: [finding for finding in findings if finding.state == state] for state in ("fail", "unverified")}
    failed = by["fail"] or by["unverified"]
    why = f"{failed[0].what}: {failed[0].said}" if failed else f"{len(findings)} checks hold"
    if by["fail"]:
        return (0 if any(finding.level == 1 for finding in by["fail"]) else 1), why
    return (2 if by["unverified"] else 3), why
