"""Carrying out a study: look what is to be done and whether it can be, then train it; a sequential study batch by batch.

Nothing is printed here. Whoever conducts hands in a Reporter and is told: `compare`, `retry` and the fourth level of `reproduce` are words around this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import UserError
from benchmarks.evidence import sequential
from benchmarks.evidence.records import Statistics
from benchmarks.running import launchers, long_runs
from benchmarks.store import records
from benchmarks.store.store import Store
from benchmarks.studies import plan
from benchmarks.studies.plan import Job, Run
from benchmarks.studies.study import Study, check_pair
from from_scratch import registry

UNFINISHED = ("missing", "corrupt", "running")  # the states of runs that the same command makes (again); "running" by a process that is gone
UNFINISHED_OR_FAILED = (*UNFINISHED, "failed")


@dataclass(frozen=True)
class Work:
    """What there is to do for a study, as its store was found."""

    study: Study
    before: dict[str, str]  # run -> its state, of every planned run
    todo: list[Run]
    jobs: list[Job]  # of todo, longest first
    workers: int  # processes


class Reporter:
    """What may be told of a study that is carried out; this one says nothing."""

    def planned(self, work: Work, store: Store) -> None:
        """Everything is checked, and nothing has been touched yet."""

    def damaged(self, error: str, place: Path) -> None:
        """A damaged run was moved to this place in the store, to be made again."""

    @contextmanager
    def training(self) -> Iterator[launchers.Show]:
        """Around the training: what shows its progress."""
        yield lambda progress: None

    def trained(self, store: Store) -> None:
        """All runs that were to do have finished or failed."""

    def sequence(self, rule: str) -> None:
        """The rule by which a sequential study goes on, before its first batch."""

    def looked(self, state: list[str]) -> None:
        """What the sequential test says after a batch, a sentence for each comparison."""


def carry_out(study: Study, store: Store, again: tuple[str, ...] = UNFINISHED, reporter: Reporter | None = None, dry_run: bool = False) -> Work:
    """Train what of the study is in one of the states `again`. UserError, before anything is touched, for what cannot run or could not be reported."""
    reporter = reporter or Reporter()
    work = to_do(study, store, again)
    reporter.planned(work, store)
    if not dry_run:
        with store.lock():
            train(_still(work, store, again), store, reporter)
    return work


def _still(work: Work, store: Store, again: tuple[str, ...]) -> Work:
    """The work, less what another command has done since it was planned, before this one had the store for itself."""
    todo = [run for run, state, _ in store.states(work.todo) if state in again]
    if len(todo) == len(work.todo):
        return work
    return replace(work, todo=todo, jobs=_jobs(todo, work.workers, work.study, store))


def in_batches(study: Study, store: Store, batch: int, again: tuple[str, ...] = UNFINISHED, reporter: Reporter | None = None,
               dry_run: bool = False) -> None:  # fmt: skip
    """Seeds in batches until every comparison is decided, or the stated maximum is reached. Every algorithm gets the same seeds."""
    reporter = reporter or Reporter()
    whole = study.asking(sequential=sequential.settings(study.seeds, batch))
    sequential.hypotheses(whole)  # UserError where there are none
    reporter.sequence(sequential.error_per_study(whole))
    used: list[int] = []
    for seeds in sequential.batches(whole):
        used = [*used, *seeds]
        so_far = whole.asking(seeds=used)
        carry_out(so_far, store, again, reporter, dry_run)
        if dry_run:
            return
        test = sequential.decide(so_far, store.curves())
        reporter.looked([sequential.described(name, decision, test, so_far) for name, decision in test.decisions.items()])
        if test.is_finished:
            return


def to_do(study: Study, store: Store, again: tuple[str, ...] = UNFINISHED) -> Work:
    """What is to be trained, checked: UserError for what cannot run, or could not be reported."""
    settings = study.launcher or {}
    workers = launchers.capacity(settings)
    study = study.launched(jobs=workers)
    planned = plan.runs_by_id(run for _, run in plan.plan(study))
    before = {run.id: state for run, state, _ in store.states(planned.values())}
    todo = [run for run_id, run in planned.items() if before[run_id] in again]
    _check(study, todo)
    records.demand(study)  # what could not be reported is not trained
    return Work(study, before, todo, _jobs(todo, workers, study, store), workers)


def _jobs(todo: list[Run], workers: int, study: Study, store: Store) -> list[Job]:
    """Those that go on from a checkpoint first, the others longest first."""
    begun = long_runs.begun(todo, store)
    going_on = {run.id for job in begun for run in job.runs}
    rest = [run for run in todo if run.id not in going_on]
    return begun + plan.group(rest, workers, (study.launcher or {}).get("lockstep_seeds", plan.LOCKSTEP_SEEDS))


def _check(study: Study, todo: list[Run]) -> None:
    predictors = [algo for algo in study.hyperparams if registry.find(algo).predicts]
    if predictors and not study.protocol.get("measures"):
        raise UserError(f"{', '.join(predictors)}: learns what a given policy is worth, so a return says nothing of what it learnt and ranks nothing. "
                        "Its error against the exact values (from_scratch.core.exact.values.policy_values) does, as in sb3-course figure 6.2; "
                        "or name what is to be measured of it in protocol.measures")
    long_runs.check(study)
    if not todo:
        return
    Statistics.of(study)
    pairs = {(run.algo, run.env): run for run in todo}
    for (algo, env), run in pairs.items():
        check_pair(algo, env, run.hyperparams, run.spec)


def train(work: Work, store: Store, reporter: Reporter) -> None:
    """Save the study, put damage aside, make the runs, and sweep up. The store is locked by the caller."""
    store.save_study(work.study)
    for run, state, record in list(store.states(run for run in work.todo if work.before[run.id] != "missing")):
        if state == "corrupt":
            reporter.damaged(record["error"], store.quarantine(run.id).relative_to(store.path))
    try:
        if work.jobs:
            with reporter.training() as show:
                launchers.launch(work.jobs, store, work.study.launcher or {}, show)
    finally:
        store.sweep()  # what this or an earlier command left half done
    reporter.trained(store)
