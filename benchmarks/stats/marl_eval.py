"""The JSON of marl-eval (Gorsane et al. 2022, arXiv:2209.10485), in which JAX and multi-agent libraries log their evaluations: read and written.

    {environment: {task: {algorithm: {run: {"step_0": {"step_count": 1000, "episode_return": [1.0, 2.0], …}, …, "absolute_metrics": {…}}}}}}

A metric is a list with one value, or with one for each evaluation episode; a score is its mean. absolute_metrics hold the evaluation of the best
checkpoint by ten times as many episodes, which marl-eval takes for the final score. Other keys of a step, such as elapsed_time, are no lists.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import UserError
from benchmarks.stats.bootstrap import Sample

METRICS = ("episode_return", "mean_episode_return", "return", "win_rate")  # which is the score, where none is asked for
NOT_SCORES = ("step_count", "elapsed_time", "steps_per_second")
ABSOLUTE = "absolute_metrics"
EXPECTED = "expected {environment: {task: {algorithm: {run: {step: {step_count, metric: [values]}}}}}}"


@dataclass(frozen=True)
class Logged:
    """One run of a file. steps, scores, seconds: [checkpoints], in the order of the steps; absolute: None where the file has none."""

    environment: str
    task: str
    algorithm: str
    name: str
    steps: np.ndarray
    scores: np.ndarray
    seconds: np.ndarray  # NaN where it is not known
    absolute: float | None
    episodes: int | None  # that each checkpoint's score is the mean of; None where they are one, or differ

    @property
    def title(self) -> str:
        return _title(self.environment, self.task, self.algorithm, self.name)


def _title(*names: str) -> str:
    environment, task, algorithm, run = (*names, "", "", "", "")[:4]
    return f"environment {environment}" + "".join(f", {what} {name}" for what, name in (("task", task), ("algorithm", algorithm), ("run", run)) if name)


# --------------------------------------------------------------------------------------------------------------------- reading


def runs_of(text: str | bytes, source: str, metric: str | None = None) -> tuple[list[Logged], str]:
    """The runs of a file's text, in its order, and the metric that is their score. UserError, in one line, for what is none of marl-eval's files."""
    try:
        document = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, source))
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise UserError(f"{source} is not JSON: {said}") from None
    found: list[tuple[tuple[str, ...], list[tuple[str, Any]]]] = []
    for environment, tasks in _items(document, source, ()):
        for task, algorithms in _items(tasks, source, (environment,)):
            for algorithm, runs in _items(algorithms, source, (environment, task)):
                for run, steps in _items(runs, source, (environment, task, algorithm)):
                    found.append(((environment, task, algorithm, run), _items(steps, source, (environment, task, algorithm, run))))
    chosen = _metric(found, source, metric)
    return [_logged(names, steps, source, chosen) for names, steps in found], chosen


def _unique(pairs: list[tuple[str, Any]], source: str) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise UserError(f"{source}: '{twice}' is there twice in one place; which of them is meant?")
    return dict(pairs)


def _items(value: Any, source: str, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        where = _title(*names) + ": " if names else ""
        raise UserError(f"{source}: {where}{'nothing is there' if value == {} else f'a {type(value).__name__} is there'}; {EXPECTED}")
    return list(value.items())


def _metric(runs: list[tuple[tuple[str, ...], list]], source: str, metric: str | None) -> str:
    """The metric asked for, or the one of METRICS that is there, or the only one."""
    there = list(dict.fromkeys(name for _, steps in runs for _, step in steps if isinstance(step, dict) for name in step if name not in NOT_SCORES))
    if metric:
        if metric not in there:
            raise UserError(f"{source}: no metric {metric} among {', '.join(there) or 'none'}")
        return metric
    known = [name for name in METRICS if name in there]
    if not known and len(there) != 1:
        raise UserError(f"{source}: which of its metrics is the score? It has {', '.join(there) or 'none'}")
    return known[0] if known else there[0]


def _logged(names: tuple[str, ...], steps: list[tuple[str, Any]], source: str, metric: str) -> Logged:
    title = f"{source}: {_title(*names)}"
    checkpoints, absolute = [], None
    for key, step in steps:
        if not isinstance(step, dict):
            raise UserError(f"{title}, {key}: a {type(step).__name__} is there; {EXPECTED}")
        if "absolute" in key.lower():
            absolute = _score(step[metric], f"{title}, {key}: {metric}")[0] if metric in step else None
            continue
        for needed in ("step_count", metric):
            if needed not in step:
                raise UserError(f"{title}, {key}: no {needed}, which every step needs")
        count = step["step_count"]
        if isinstance(count, bool) or not isinstance(count, (int, float)) or count % 1 or count < 0:
            raise UserError(f"{title}, {key}: step_count is {count}, not a whole number of at least 0")
        seconds = step.get("elapsed_time")
        time = float(seconds) if isinstance(seconds, (int, float)) else math.nan
        checkpoints.append((int(count), *_score(step[metric], f"{title}, {key}: {metric}"), time))
    if not checkpoints:
        raise UserError(f"{title}: no step but {', '.join(key for key, _ in steps)}")
    checkpoints.sort(key=lambda row: row[0])
    counts, scores, episodes, times = zip(*checkpoints, strict=True)
    twice = next((a for a, b in itertools.pairwise(counts) if a == b), None)
    if twice is not None:
        raise UserError(f"{title}: two steps have the step_count {twice}")
    several = episodes[0] if len(set(episodes)) == 1 and episodes[0] > 1 else None
    environment, task, algorithm, run = names
    return Logged(environment, task, algorithm, run, np.array(counts), np.array(scores), np.array(times), absolute, several)


def _score(values: Any, title: str) -> tuple[float, int]:
    """The mean of the values, and how many they are."""
    listed = values if isinstance(values, list) else [values]
    for k, value in enumerate(listed):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise UserError(f"{title} is {value} (value {k}); a run that failed is left out, not NaN")
    if not listed:
        raise UserError(f"{title} has no value")
    return math.fsum(listed) / len(listed), len(listed)


def from_marl_eval(path: str | Path, *, metric: str | None = None, environment: str | None = None, frames: bool = False) -> dict[str, np.ndarray]:
    """The score dictionary of an environment of a file: algorithm -> [runs, tasks], the absolute metrics (where the file has none, the last steps').

    frames: [runs, tasks, steps] instead. metric: None for the one that is there, or that METRICS names first. UserError where a run, a task or a step is
    lacking for an array: benchmarks.stats takes unequal numbers of runs, one array per task.
    """
    runs, metric = runs_of(_text(path), str(path), metric)
    known = list(dict.fromkeys(run.environment for run in runs))
    if environment not in known and (environment is not None or len(known) > 1):
        raise UserError(f"{path}: {f'no environment {environment}' if environment else 'which environment?'} It has {', '.join(known)}")
    runs = [run for run in runs if run.environment == (environment or known[0])]
    lacking = [run for run in runs if run.absolute is None]
    if lacking and len(lacking) < len(runs) and not frames:
        raise UserError(f"{path}: {lacking[0].title}: no {metric} in {ABSOLUTE}, which other runs have; frames=True reads the steps")
    cells: dict[str, dict[str, list[Logged]]] = {run.algorithm: {} for run in runs}
    for run in runs:
        cells[run.algorithm].setdefault(run.task, []).append(run)
    tasks = list(dict.fromkeys(run.task for run in runs))
    found = {}
    for algorithm, of_task in cells.items():
        for task in tasks:
            n, most = len(of_task.get(task, [])), max(map(len, of_task.values()))
            if n < most:
                raise UserError(f"{path}: algorithm {algorithm} has {n} run(s) of task {task}, and {most} of another: an array [runs, tasks] needs as many")
        values = [[_values(run, of_task[tasks[0]][0], frames, str(path)) for run in of_task[task]] for task in tasks]
        found[algorithm] = np.array(values).swapaxes(0, 1)
    return found


def _values(run: Logged, first: Logged, frames: bool, source: str) -> Any:
    if not frames:
        return run.scores[-1] if run.absolute is None else run.absolute
    if len(run.steps) != len(first.steps):
        raise UserError(f"{source}: {run.title} has {len(run.steps)} steps, run {first.name} of task {first.task} {len(first.steps)}; an array needs as many")
    return run.scores


def _text(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


# --------------------------------------------------------------------------------------------------------------------- writing


def step_of(step: int, metric: str, score: float, seconds: float = math.nan) -> dict[str, Any]:
    return {"step_count": int(step), **({"elapsed_time": float(seconds)} if math.isfinite(seconds) else {}), metric: [float(score)]}


def run_of(steps: Sequence[dict[str, Any]], metric: str, final: float) -> dict[str, Any]:
    """A run as marl-eval writes one; its own tools take the last key for the absolute metrics."""
    return {**{f"step_{k}": step for k, step in enumerate(steps)}, ABSOLUTE: {metric: [float(final)]}}


def to_marl_eval(
    score_dict: Mapping[str, np.ndarray],
    path: str | Path | None = None,
    *,
    environment: str,
    tasks: Sequence[str],
    steps: Sequence[int] | None = None,
    metric: str = "episode_return",
) -> dict[str, Any]:
    """A score dictionary as marl-eval's document, also written to `path`. Scores: [runs, tasks], or [runs, tasks, frames] with their step counts.

    The absolute metric of a run is its score, or its last one. ValueError where names and scores are not as many.
    """
    document: dict[str, Any] = {environment: {task: {} for task in tasks}}
    for name, given in score_dict.items():
        Sample.of(given, f"'{name}'")
        scores = np.asarray(given, dtype=np.float64)
        scores = scores[:, :, None] if scores.ndim == 2 else scores
        counts = [0] if steps is None and scores.shape[2] == 1 else list(steps or ())
        if scores.shape[1] != len(document[environment]) or scores.shape[1] != len(tasks) or scores.shape[2] != len(counts):
            raise ValueError(f"scores of '{name}' are of {scores.shape[1]} tasks and {scores.shape[2]} frames; tasks names {len(tasks)} "
                             f"({len(document[environment])} different), steps {len(counts)}")  # fmt: skip
        for m, task in enumerate(tasks):
            document[environment][task][name] = {
                f"run_{i + 1}": run_of([step_of(count, metric, x) for count, x in zip(counts, curve, strict=True)], metric, curve[-1])
                for i, curve in enumerate(scores[:, m])
            }
    if path is not None:
        Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


def number_of(name: str, place: int) -> int:
    """The seed in a run's name (seed_3, run_1, 42); its place where the name ends in no number."""
    found = re.search(r"(\d{1,15})$", name)
    return int(found[1]) if found else place
