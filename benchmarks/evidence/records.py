"""What is known of a study: the records that the analysis fills, that judgements are made of, and that a report tells.

A `Group` is filled step by step by `benchmarks.evidence.analysis`; all else is made once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import IncompleteData, IntegrityError, UserError, stats
from benchmarks.stats.sequential import SequentialTest
from benchmarks.studies.study import Study
from from_scratch import registry

DEFAULT_MARGIN = 0.05  # of the span from random to expert
DEFAULT_THRESHOLD = 0.9  # of that span: a task counts as solved where a run first scores so much
BEYOND_RANDOM = 0.1  # of that span: whose mean lies beyond, has learnt something


class IncompleteStudy(IncompleteData):
    """Runs are missing, so that a comparison would be of what happened to survive."""


class BadStore(IntegrityError):
    """The store's tables contradict its plan."""


@dataclass(frozen=True)
class Statistics:
    """How the intervals of one report are made; printed under every figure."""

    reps: int = 50_000
    confidence: float = 0.95
    seed: int = 0
    margin: float = DEFAULT_MARGIN
    threshold: float = DEFAULT_THRESHOLD
    paired: bool = False  # whether runs of the same seed share their environment, and so are compared pair by pair

    @property
    def options(self) -> dict[str, Any]:
        """What every bootstrap takes."""
        return {"reps": self.reps, "seed": self.seed, "confidence": self.confidence}

    @classmethod
    def of(cls, study: Study) -> Statistics:
        given = {k: v for k, v in (study.statistics or {}).items() if k in cls.__dataclass_fields__ and v is not None}
        how = cls(**given)
        if not isinstance(how.reps, int) or how.reps < 100:
            raise UserError(f"statistics.reps={how.reps}: give at least 100 bootstrap repetitions; 50000 is usual")
        if not 0.5 <= how.confidence < 1:
            raise UserError(f"statistics.confidence={how.confidence}: give a share of at least 0.5 and less than 1, such as 0.95")
        if how.margin <= 0:
            raise UserError(f"statistics.margin={how.margin}: give a positive share of the span from random to expert, such as 0.05")
        if not isinstance(how.threshold, int | float) or isinstance(how.threshold, bool):
            raise UserError(f"statistics.threshold={how.threshold}: give a share of the span from random to expert, such as 0.9")
        if not isinstance(how.paired, bool):
            raise UserError(f"statistics.paired={how.paired}: true if runs of the same seed share their environment, else false")
        return how


@dataclass(frozen=True)
class Scale:
    """A task's own unit, and how it becomes 0 for the random policy and 1 for the expert (where both are known)."""

    random: float | None = None
    expert: float | None = None
    label: str = "expert"
    source: str = ""

    @classmethod
    def of(cls, study: Study, env: str) -> Scale:
        given = (study.normalise or {}).get(env) or {}
        known = {k: given[k] for k in ("random", "expert", "label", "source") if given.get(k) is not None}
        scale = cls(**known)
        if scale.span == 0:
            raise BadStore(f"normalise of {env}: random and expert are both {scale.random}; they must differ")
        return scale

    @property
    def span(self) -> float | None:
        return None if self.random is None or self.expert is None else self.expert - self.random

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The scores of a run that fails and of one that succeeds, the lower first; None where they are not known."""
        return None if self.random is None or self.expert is None else (min(self.random, self.expert), max(self.random, self.expert))

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        return scores if self.span is None else (scores - self.random) / self.span


@dataclass(frozen=True)
class Cell:
    """All finished runs of one algorithm on one task."""

    algo: str
    env: str
    seeds: list[int]  # finished, in order
    planned: int
    steps: np.ndarray  # [checkpoints], in the algorithm's unit
    seconds: np.ndarray  # [runs, checkpoints] of training
    scores: np.ndarray  # [runs, checkpoints], mean return over the evaluation episodes
    steps_per_second: float  # median over runs
    train_seconds: float  # mean over runs
    eval_seconds: float
    summary: stats.TaskSummary  # of the final scores
    iqm: np.ndarray  # [checkpoints], over runs
    mean: stats.Interval  # [checkpoints], over runs, with a t interval at each
    weights: list[str | None]  # hash of each run's weights after training

    @property
    def final(self) -> np.ndarray:
        return self.scores[:, -1]

    @property
    def n(self) -> int:
        return len(self.seeds)


@dataclass(frozen=True)
class Curve:
    """IQM over all runs and tasks at each checkpoint, with a simultaneous band."""

    steps: np.ndarray  # [checkpoints] in steps, or in % of each task's budget (Group.steps_label says which)
    seconds: np.ndarray  # [checkpoints] of training, mean over runs and tasks
    iqm: stats.Interval


# -------------------------------------------------------------------------------------------------------------- evidence
# What else is known of a group and of its comparisons: the numbers that let a reader judge a claim. report.json holds them in this order.


NOT_MEASURED = stats.Correlation(float("nan"), float("nan"), 0)


@dataclass(frozen=True)
class Caution:
    """What to know before some intervals, or claims, are believed."""

    intervals: list[str]  # which, as they are called in benchmarks.stats.coverage.KINDS; none where it is of something else
    n: int | None  # runs of the task with the fewest
    text: str


@dataclass(frozen=True)
class Learnt:
    """Whether an algorithm learnt a task at all: how far its mean lies from the random policy's score (0) on the way to the expert's (1).

    tier: "no" the interval lies at or below BEYOND_RANDOM; "unclear" it reaches beyond; "in part" it lies beyond, but the mean below the study's
    threshold, where a run counts as one that solved the task; "yes" it lies beyond, and the mean at the threshold or above.
    """

    tier: str
    share: stats.Interval  # of the way, t interval
    solved: int  # runs that end at the threshold or beyond


@dataclass(frozen=True)
class Attainable:
    """What the tests of one table can find at all."""

    tests: int
    smallest_p: float  # that any of them can have, after Holm's correction
    fewest_runs: int  # a side, with which it would be less than 5 %
    said: str  # in a sentence, where it is not; else empty


@dataclass(frozen=True)
class Account:
    """What became of the planned runs of one algorithm on one task."""

    planned: int
    finished: int
    failed: int
    missing: int  # neither finished nor failed
    diverged: list[int]  # the seeds whose training diverged; their scores are kept
    errors: dict[str, int]  # first line of an error -> runs that failed with it


@dataclass(frozen=True)
class CellEvidence(Account):
    """The same where some run has finished, and what is known of those."""

    tolerance: stats.Interval  # where runs to come will score (median as its point), or why n does not allow one
    area: stats.Interval  # of the mean score during training (area under the curve / steps), t interval, task's unit
    threshold: stats.TimeToThreshold | None  # in the task's unit; None where the task has no reference scores
    warnings: list[str]  # sentences: coverage of the cell's intervals at this n, runs that are the same run
    cautions: list[Caution]  # the same, in parts
    learnt: Learnt | None  # None without reference scores, and of planners, which do not learn


@dataclass(frozen=True)
class GroupEvidence:
    """Of one group."""

    tasks: dict[str, dict[str, Account]] = field(default_factory=dict)  # [env][algo]
    area: dict[str, stats.Interval] = field(default_factory=dict)  # [algo] IQM over runs and tasks of the area under the curve, where aggregated
    ranks: dict[str, stats.Ranks] = field(default_factory=dict)  # [algo] share of each rank, mean rank
    leave_one_task_out: dict[str, dict[str, float]] = field(default_factory=dict)  # [task left out][algo] -> IQM of the others
    warnings: dict[str, str] = field(default_factory=dict)  # what is printed (benchmarks.evidence.judgements.PRINTED) -> sentence, only where one is due
    cautions: dict[str, list[Caution]] = field(default_factory=dict)  # the same, in parts
    correlation: stats.Correlation = NOT_MEASURED  # of the final scores over seeds, between tasks
    assumptions: list[str] = field(default_factory=list)  # sentences: what is known here against what the claims of this group assume
    unequal_tuning: list[str] = field(default_factory=list)  # sentences: of comparisons whose sides' settings were found with unequal care
    attainable: Attainable | None = None  # over all tasks; None of a sequential study, without tests, and where tasks have other seeds
    attainable_by_task: Attainable | None = None  # of the table task by task

    def of_cells(self, env: str) -> dict[str, CellEvidence]:
        """[algo] of one task: of those with a finished run."""
        return {algo: known for algo, known in self.tasks[env].items() if isinstance(known, CellEvidence)}


@dataclass(frozen=True)
class Solved:
    """How many runs end at the study's threshold, fixed before the runs, or beyond it, and whether that differs."""

    x: list[int]  # [solved, runs]
    y: list[int]
    test: stats.Test
    p_holm: float = float("nan")  # corrected over the group's tasks and pairs


@dataclass(frozen=True)
class TaskEvidence:
    """Of one comparison on one task. Where the numbers of runs are None, no number (≤ 10,000) does, or it is unknown."""

    welch: stats.Test  # the t test within `test`
    test: stats.Test  # of a difference
    solved: Solved | None  # None without reference scores
    iqm: stats.Equivalence | None  # of the IQMs, where a claim about the means did not survive
    hedges_g: stats.Interval
    cliffs_delta: stats.Interval
    equivalence_p: float | None  # of TOST; None without a margin
    detectable: float | None  # the smallest difference found with 80 % power at this n, in the task's unit
    runs_to_detect: int | None  # a side, for the difference seen
    runs_for_equivalence: int | None  # a side, for two equal algorithms and this margin
    test_holm: float = float("nan")  # p-values corrected over the group's tasks and pairs
    welch_holm: float = float("nan")


@dataclass(frozen=True)
class PairEvidence:
    """Of one comparison, whose verdicts, corrected by Holm, stand in `Comparison.overall` and `.tasks`."""

    paired: bool  # whether run i of both sides belongs together (seeds that share an environment)
    runs: list[list[int]]  # [task] compared: [x, y]
    cliffs_delta: stats.Interval  # over all tasks
    area: stats.Interval | None  # of the difference of IQMs of the area under the curve
    fewer_seeds: stats.FewerSeeds | None  # would five seeds have told the same story? None with five or fewer
    detectable: float | None  # as of a task, of the difference of IQMs
    runs_to_detect: int | None
    runs_for_equivalence: int | None
    tasks: dict[str, TaskEvidence]  # [env]


# --------------------------------------------------------------------------------------------------- comparisons and groups


@dataclass(frozen=True)
class Comparison:
    """X against Y: over the tasks of a group, and task by task."""

    x: str
    y: str
    overall: stats.Equivalence | None  # difference of IQMs; None where the scores of the tasks share no unit
    improvement: stats.Interval
    tasks: dict[str, stats.Equivalence]  # difference of means, Welch, in the task's unit
    same: dict[str, tuple[int, int]]  # of the seeds that both have, how many score the same at every checkpoint (with the same weights: but for rounding)
    is_twin: bool
    evidence: PairEvidence

    @property
    def is_same_run(self) -> bool:
        """Tier A: with the same seed the twin makes the same run, in every evaluation, on every task."""
        return self.is_twin and all(same == shared > 0 for same, shared in self.same.values())

    @property
    def verdict(self) -> stats.Equivalence:
        """The comparison that the sentence at the top is about: over all tasks where there is one, else that of the only task."""
        return self.overall if self.overall is not None else next(iter(self.tasks.values()))


@dataclass
class Group:
    """A rectangle of algorithms x environments, aggregated by itself."""

    name: str
    algos: list[str]  # those with a finished run on every task
    envs: list[str]
    unit: str  # what aggregate scores are measured in
    is_aggregated: bool
    scales: dict[str, Scale]
    cells: dict[tuple[str, str], Cell]  # (algo, env)
    left_out: dict[str, str] = field(default_factory=dict)  # algorithm or comparison -> why
    aggregates: dict[str, dict[str, stats.Interval]] = field(default_factory=dict)  # metric -> algo -> interval
    curves: dict[str, Curve] = field(default_factory=dict)
    steps_label: str = "environment steps"
    taus: np.ndarray = field(default_factory=lambda: np.empty(0))  # of the profiles
    profiles: dict[str, stats.Interval] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    evidence: GroupEvidence = field(default_factory=lambda: GroupEvidence())

    def runs(self, env: str | None = None) -> str:
        """"10 runs", or "8–10 runs" where some are missing; of one task, or of all that are aggregated."""
        n = sorted({cell.n for (a, e), cell in self.cells.items() if (e == env if env else a in self.algos)})
        return f"{n[0]} run{'s' if n[0] > 1 else ''}" if len(n) == 1 else f"{n[0]}–{n[-1]} runs"


@dataclass
class Analysis:
    study: Study
    statistics: Statistics
    groups: list[Group]
    runs: pd.DataFrame
    curves: pd.DataFrame
    missing: list[str]  # one sentence per incomplete cell; empty when the study is complete
    sequential: SequentialTest | None = None  # of a study that stops when its comparisons are decided

    @property
    def is_partial(self) -> bool:
        return bool(self.missing)


@dataclass(frozen=True)
class Sides:
    """The final scores of both sides of a comparison, task by task: normalised where the group is, and in each task's own unit."""

    algos: tuple[str, str]  # x, y
    x: stats.BySeed
    y: stats.BySeed
    raw_x: list[np.ndarray]
    raw_y: list[np.ndarray]

    @classmethod
    def of(cls, group: Group, x: str, y: str, paired: bool) -> Sides | str:
        """All runs of both; paired: those of the seeds that both have, in the same order. A reason where there is no such seed."""
        raw_x, raw_y = [], []
        seeds: tuple[list[list[int]], list[list[int]]] = ([], [])
        for env in group.envs:
            one, other = group.cells[x, env], group.cells[y, env]
            if paired and not set(one.seeds) & set(other.seeds):
                return f"paired by seed, but no seed of both has finished on {env}"
            keep = [[not paired or seed in b.seeds for seed in a.seeds] for a, b in ((one, other), (other, one))]
            raw_x.append(one.final[keep[0]])
            raw_y.append(other.final[keep[1]])
            for of_side, cell, kept in zip(seeds, (one, other), keep, strict=True):
                of_side.append([seed for seed, is_kept in zip(cell.seeds, kept, strict=True) if is_kept])
        scaled = [[group.scales[env](scores) for env, scores in zip(group.envs, raw, strict=True)] for raw in (raw_x, raw_y)]
        return cls((x, y), stats.BySeed(scaled[0], seeds[0]), stats.BySeed(scaled[1], seeds[1]), raw_x, raw_y)


# ------------------------------------------------------------------------------------------------------------ algorithms


def unit_of(algo: str) -> str:
    """What the algorithm's budget counts: "steps" of the environment, "updates" on a data set, or "backups" of a planner."""
    entry = registry.known(algo)
    return "steps" if entry is None else entry.unit


def is_planner(algo: str) -> bool:
    """Does it compute from a model, and so have no learning curve?"""
    return unit_of(algo) == "backups"


TIME = {"steps": "environment steps", "updates": "gradient steps"}  # what a learner's curve is drawn against


def time_of(algos: Iterable[str]) -> str:
    """What these learners' curves are drawn against, in words. A study that mixes steps and updates has said that it means to."""
    return " or ".join(dict.fromkeys(TIME[unit_of(algo)] for algo in algos if not is_planner(algo))) or TIME["steps"]


def family_of(algo: str) -> str:
    """An algorithm and its twin share a family, and so a colour."""
    twins = {entry.twin: entry.id for entry in registry.ENTRIES.values() if entry.twin}
    return twins.get(algo, algo)


def is_twin(algo: str) -> bool:
    return family_of(algo) != algo


def families(algos: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for algo in algos:
        found.setdefault(family_of(algo), []).append(algo)
    return found
