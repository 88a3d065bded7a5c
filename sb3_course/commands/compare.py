"""sb3-course compare, status and retry: one study, from the plan to the report."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import IncompleteData, UserError
from benchmarks.evidence import sequential
from benchmarks.running import launchers
from benchmarks.store import records
from benchmarks.store.store import Store, open_study
from benchmarks.studies import plan as jobs
from benchmarks.studies import study as studies
from benchmarks.studies import trust
from benchmarks.studies.plan import Run
from benchmarks.studies.provenance import source
from from_scratch import registry
from sb3_course import terminal


def compare(args: argparse.Namespace) -> int:
    study = planned_study(args)
    if args.suite and args.suite.endswith((".yaml", ".yml")):  # a file may be a stranger's; what is typed here, or lies in this project, is not
        trust.demand(trust.foreign(study), args.suite, args.trust)
    store = Store(args.out or Path("studies") / study["name"])
    study["command"] = shlex.join(["sb3-course", *sys.argv[1:]])
    study["code"], study["source"] = jobs.code_versions(study), source()
    again = ("missing", "corrupt", "running")
    if args.sequential:
        return _in_batches(study, store, args.batch, again, args.dry_run)
    return _carry_out(study, store, again, allow_partial=args.allow_partial, dry_run=args.dry_run)


def _in_batches(study: dict[str, Any], store: Store, batch: int, again: tuple[str, ...], dry_run: bool) -> int:
    """Seeds in batches until every comparison is decided, or the stated maximum is reached. Every algorithm gets the same seeds."""
    study["sequential"] = sequential.settings(study["seeds"], batch)
    sequential.hypotheses(study)
    print(f"Sequential: {sequential.error_per_study(study)}")
    study["seeds"] = []
    for seeds in sequential.batches(study):
        study["seeds"] = [*study["seeds"], *seeds]
        study["hash"] = studies.study_hash(study)
        _carry_out(study, store, again, allow_partial=False, dry_run=dry_run, reported=False)
        if dry_run:
            return 0
        test = sequential.decide(study, store.curves())
        for name, decision in test.decisions.items():
            print(sequential.described(name, decision, test, study), flush=True)
        if test.is_finished:
            break
    return render(store, allow_partial=False, play=_play)


def _play(store: Store, analysis: Any) -> None:
    """The films of the study's median runs, from models that are read without their pickles, whoever left them in its folder."""
    from benchmarks.report import films as animation

    animation.make(store, analysis)


def retry(args: argparse.Namespace) -> int:
    store = open_study(args.study)
    study = store.study()
    records.demand(study)
    trust.demand(trust.foreign(study), f"training {store.path}", args.trust)
    if study.get("code") != jobs.code_versions(study):
        raise UserError(f"the code or its packages changed since {store.path} was planned, so its runs would not be of one kind: "
                        f"use the study's command again ({study.get('command', 'sb3-course compare')}), which trains what the change touches")
    if args.jobs is not None:
        study["launcher"]["jobs"] = _jobs(args.jobs)
    return _carry_out(study, store, again=("missing", "corrupt", "running", "failed"), allow_partial=args.allow_partial)


def status(args: argparse.Namespace) -> int:
    store = open_study(args.study)
    runs = store.runs()
    show(_table(f"{store.path}: {store.study()['name']}", runs))
    list_troubles(runs)
    return IncompleteData.exit_code if (runs["status"] != "finished").any() else 0


# --- the study --------------------------------------------------------------------------------------------------------


def planned_study(args: argparse.Namespace) -> dict[str, Any]:
    """The study that the words of the command line mean."""
    overrides = list(args.overrides)
    suite = args.suite
    if suite and "=" in suite and not Path(suite).exists():
        overrides.insert(0, suite)
        suite = None
    if args.launcher:
        overrides.append(f"launcher={args.launcher}")
    if args.seeds is not None and args.seeds < 1:
        raise UserError(f"--seeds {args.seeds}: a study needs at least 1 seed; 10 is usual")
    if args.n_timesteps is not None and args.n_timesteps < 1:
        raise UserError(f"-n {args.n_timesteps}: a run needs at least 1 training step")
    if args.algos or args.envs:
        if suite:
            raise UserError(f"either the suite '{suite}' or --algos and --envs, not both")
        if not (args.algos and args.envs):
            raise UserError(f"--{'algos' if args.algos else 'envs'} without --{'envs' if args.algos else 'algos'}: name both, or a suite")
        study = studies.adhoc(_words(args.algos), _words(args.envs), args.seeds, args.n_timesteps, overrides)
    else:
        overrides += [f"seeds={args.seeds}"] if args.seeds is not None else []
        overrides += [f"steps={args.n_timesteps}"] if args.n_timesteps is not None else []
        study = studies.compose(suite or "quickstart", overrides)
    if args.jobs is not None:
        study["launcher"]["jobs"] = _jobs(args.jobs)
    return study


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _jobs(n: int) -> int:
    if n < 1:
        raise UserError(f"--jobs {n}: at least 1 process is needed")
    return n


# --- carrying it out --------------------------------------------------------------------------------------------------


def _carry_out(study: dict[str, Any], store: Store, again: tuple[str, ...], allow_partial: bool, dry_run: bool = False, reported: bool = True) -> int:
    """Check, plan, run what is in one of the states `again`, report (unless told not to)."""
    workers = study["launcher"]["jobs"] = study["launcher"]["jobs"] or launchers.physical_cores()
    planned = jobs.runs_by_id(run for _, run in jobs.plan(study))
    before = {run_id: store.status(run)[0] for run_id, run in planned.items()}
    todo = [run for run_id, run in planned.items() if before[run_id] in again]
    _check(study, todo)
    records.demand(study)  # what could not be reported is not trained
    work = jobs.group(todo, workers, study["launcher"]["lockstep_seeds"])
    _print_plan(study, store, before, todo, work, workers)
    if dry_run:
        return 0
    with store.lock():
        store.save_study(study)
        for run in todo:
            _clear_damage(store, run)
        try:
            if work:
                with Display() as display:
                    launchers.launch(work, store, study["launcher"], display)
        finally:
            store.sweep()  # what this or an earlier command left half done
    list_troubles(store.runs())
    return render(store, allow_partial, play=_play) if reported else 0


def _check(study: dict[str, Any], todo: list[Run]) -> None:
    """Refuse what cannot run, or could not be reported, before anything does."""
    predictors = [algo for algo in study["hyperparams"] if registry.find(algo).predicts]
    if predictors:
        raise UserError(f"{', '.join(predictors)}: learns what a given policy is worth, so a return says nothing of what it learnt and ranks nothing. "
                        "Its error against the exact values (from_scratch.core.exact.values.policy_values) does, as in sb3-course figure 6.2")
    if not todo:
        return
    from benchmarks.evidence.analysis import Statistics

    Statistics.of(study)
    pairs = {(run.algo, run.env): run for run in todo}
    for (algo, env), run in pairs.items():
        studies.check_pair(algo, env, run.hyperparams, run.spec)


def _clear_damage(store: Store, run: Run) -> None:
    state, record = store.status(run)
    if state == "corrupt":
        place = store.quarantine(run.id)
        print(f"{record['error']}; moved to {place.relative_to(store.path)}, to be run again", file=sys.stderr)


def render(store: Store, allow_partial: bool, options: Any = None, play: Any = None) -> int:
    """Write the report and show its summary. options: benchmarks.report.page.Options; play: makes films, see there."""
    from benchmarks.report import page as report
    from benchmarks.report.page import IncompleteStudy

    begin = time.perf_counter()
    try:
        rendered = report.render(store.path, allow_partial=allow_partial, options=options, play=play)
    except IncompleteStudy as error:
        raise IncompleteData(str(error)) from None
    show(rendered.summary)
    print(f"Report ({time.perf_counter() - begin:.0f} s): {rendered.path}")
    return 0


# --- what is shown ----------------------------------------------------------------------------------------------------


def show(table: Any) -> None:
    width = terminal.console()
    terminal.console(width=max(100, width.width) if not width.is_terminal else width.width).print(table)


def _print_plan(study: dict[str, Any], store: Store, before: dict[str, str], todo: list[Run], work: list[jobs.Job], workers: int) -> None:
    counts = Counter(before.values())
    done = ", ".join(f"{n} {state}" for state, n in counts.items() if state != "missing")
    print(f"Study {study['name']} ({study['hash'][:12]}) in {store.path}: {study['question']}")
    how = f" in {len(work)} jobs on {workers} single-threaded processes" if work else ""
    print(f"{len(before)} runs{f' ({done})' if done else ''}, {len(todo)} to do{how}", flush=True)
    for algo, env in dict.fromkeys((run.algo, run.env) for run in todo):
        runs = [run for run in todo if (run.algo, run.env) == (algo, env)]
        zoo = study["zoo_budget"].get(env, {}).get(algo)
        note = f" (the RL Zoo: {zoo:,})" if zoo and zoo != runs[0].steps else ""
        print(f"  {algo} on {env}: {len(runs)} seeds x {runs[0].steps:,} {registry.find(algo).unit}{note}")


def _table(title: str, runs):
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    states = ["finished", "running", "missing", "failed", "corrupt"]
    for column in ("algorithm", "environment"):
        table.add_column(column)
    for column in (*states, "steps/s"):
        table.add_column(column, justify="right")
    for (algo, env), rows in runs.groupby(["algo", "env"], sort=False):
        counts = rows["status"].value_counts()
        speed = rows["steps_per_second"].dropna()
        table.add_row(algo, env, *(str(counts.get(state, 0) or "-") for state in states), f"{speed.median():,.0f}" if len(speed) else "-")
    return table


def list_troubles(runs) -> None:
    """Failed and damaged runs, a line each, and what to do about them."""
    for row in runs[runs["status"] == "failed"].itertuples():
        print(f"failed: {row.run_id}: {row.error}", file=sys.stderr)
    for row in runs[runs["status"] == "corrupt"].itertuples():
        print(f"{row.error}; sb3-course retry quarantines it and runs it again", file=sys.stderr)
    n = int((runs["status"] == "failed").sum())
    if n:
        print(f"{n} failed: their tracebacks are in run.json; sb3-course retry runs them again", file=sys.stderr)


class Display:
    """Progress with an estimate of the time left: a bar on a terminal, a line now and then elsewhere."""

    def __enter__(self) -> Display:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self.console = terminal.console(stderr=True)
        done, percent, left = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.percentage:>3.0f} %", "{task.fields[left]}"))
        self.bar = Progress(done, BarColumn(), percent, TimeElapsedColumn(), left, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task("", total=1.0, left="")
        self.bar.start()
        self.last_line, self.last_note = time.monotonic(), ""
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, progress: launchers.Progress) -> None:
        failed = f", {progress.failed_runs} failed" if progress.failed_runs else ""
        text = f"{progress.done_runs}/{progress.runs} runs{failed}"
        left = "" if progress.remaining_seconds is None else f"about {_duration(progress.remaining_seconds)} left"
        self.bar.update(self.task, completed=progress.fraction, description=text, left=left)
        if progress.note and progress.note != self.last_note:
            self.last_note = progress.note
            self.console.print(progress.note, markup=False, highlight=False, soft_wrap=True)
        if not self.console.is_terminal and time.monotonic() - self.last_line > 15:
            self.last_line = time.monotonic()
            self.console.print(f"{text}, {progress.fraction:.0%}{', ' + left if left else ''}", markup=False, highlight=False)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
