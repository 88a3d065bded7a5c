"""sb3-course compare, status and retry: one study, from the plan to the report."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import IncompleteData, UserError
from benchmarks.running import launchers
from benchmarks.running.carry_out import UNFINISHED_OR_FAILED, Reporter, Work, carry_out, in_batches
from benchmarks.store import records
from benchmarks.store.store import Store, open_study
from benchmarks.studies import hyperparams, parts, plan, trust
from benchmarks.studies import study as studies
from benchmarks.studies.provenance import source
from benchmarks.studies.study import Study
from benchmarks.tracking.mirror import Mirror
from from_scratch import registry
from sb3_course import terminal, tracked


def compare(args: argparse.Namespace) -> int:
    study = planned_study(args)
    if args.suite and args.suite.endswith((".yaml", ".yml")):  # a file may be a stranger's; what is typed here, or lies in this project, is not
        trust.demand(trust.foreign(study), args.suite, args.trust)
    store = Store(args.out or Path("studies") / study.name)
    mirror = tracked.of(args.track, store.path)
    study = plan.pinned(study, command=shlex.join(["sb3-course", *tracked.without_track(sys.argv[1:])]), source=source())
    if args.sequential:
        in_batches(study, store, args.batch, reporter=Told(mirror), dry_run=args.dry_run)
    else:
        carry_out(study, store, reporter=Told(mirror), dry_run=args.dry_run)
    if args.dry_run:
        return 0
    tracked.finish(mirror)
    return render(store, allow_partial=args.allow_partial and not args.sequential, play=_play)


def _play(store: Store, analysis: Any) -> None:
    """The films of the study's median runs, from models that are read without their pickles, whoever left them in its folder."""
    from benchmarks.report import films

    films.make(store, analysis)


def retry(args: argparse.Namespace) -> int:
    store = open_study(args.study)
    study = store.study()
    records.demand(study)
    trust.demand(trust.foreign(study), f"training {store.path}", args.trust)
    parts.make_available(study)
    if study.code != plan.code_versions(study):
        raise UserError(f"the code or its packages changed since {store.path} was planned, so its runs would not be of one kind: "
                        f"use the study's command again ({study.command or 'sb3-course compare'}), which trains what the change touches")
    mirror = tracked.of(args.track, store.path)
    carry_out(_launched(study, args), store, UNFINISHED_OR_FAILED, Told(mirror))
    tracked.finish(mirror)
    return render(store, args.allow_partial, play=_play)


def status(args: argparse.Namespace) -> int:
    store = open_study(args.study)
    runs = store.runs()
    show(_table(f"{store.path}: {store.study().name}", runs))
    list_troubles(store, runs)
    return IncompleteData.exit_code if (runs["status"] != "finished").any() else 0


# --- the study --------------------------------------------------------------------------------------------------------


def planned_study(args: argparse.Namespace) -> Study:
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
    if args.algos or args.envs or args.datasets:
        if suite:
            raise UserError(f"either the suite '{suite}' or --algos and --envs, not both")
        if args.datasets and not args.algos:
            raise UserError("--datasets without --algos: name those who are to learn from them (sb3-course list)")
        if not (args.algos and (args.envs or args.datasets)):
            raise UserError(f"--{'algos' if args.algos else 'envs'} without --{'envs' if args.algos else 'algos'}: name both, or a suite")
        arms = {name: hyperparams.parse_pairs(pairs) for name, *pairs in args.arm}
        algos, envs, datasets = (_words(words or "") for words in (args.algos, args.envs, args.datasets))
        study = studies.adhoc(algos, envs, args.seeds, args.n_timesteps, overrides, args.pairs or "", arms, datasets)
    else:
        if args.arm:
            raise UserError("--arm goes with --algos and --envs; a suite says the settings of its arms under algo")
        if args.pairs:
            raise UserError("--pairs goes with --algos and --envs; a suite says its own comparisons, under groups")
        overrides += [f"seeds={args.seeds}"] if args.seeds is not None else []
        overrides += [f"steps={args.n_timesteps}"] if args.n_timesteps is not None else []
        study = studies.compose(suite or "quickstart", overrides, args.trust)
    return _launched(study, args)


def _launched(study: Study, args: argparse.Namespace) -> Study:
    """The study under the settings of its launcher that were given as flags."""
    if args.address and (study.launcher or {}).get("name") != "ray":
        raise UserError(f"--address {args.address} goes with --launcher ray")
    if args.jobs is not None:
        study = study.launched(jobs=_jobs(args.jobs))
    given = {name: getattr(args, name) for name in ("address", "limit_minutes", "limit_memory") if getattr(args, name) is not None}
    return study.launched(**given) if given else study


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _jobs(n: int) -> int:
    if n < 1:
        raise UserError(f"--jobs {n}: at least 1 process is needed")
    return n


# --- what is told ----------------------------------------------------------------------------------------------------


class Told(Reporter):
    """What a study's conductor says, as lines and a bar, and in trackers, if there is a mirror."""

    def __init__(self, mirror: Mirror | None = None):
        self.mirror = mirror

    def planned(self, work: Work, store: Store) -> None:
        from benchmarks.stats import attainable

        study, todo = work.study, work.todo
        done = ", ".join(f"{n} {state}" for state, n in Counter(work.before.values()).items() if state != "missing")
        print(f"Study {study.name} ({study.hash[:12]}) in {store.path}: {study.question}")
        how = f" in {len(work.jobs)} jobs on {work.workers} single-threaded processes" if work.jobs else ""
        print(f"{len(work.before)} runs{f' ({done})' if done else ''}, {len(todo)} to do{how}", flush=True)
        for algo, env in dict.fromkeys((run.algo, run.env) for run in todo):
            runs = [run for run in todo if (run.algo, run.env) == (algo, env)]
            zoo = (study.zoo_budget or {}).get(env, {}).get(algo)
            note = f" (the RL Zoo: {zoo:,})" if zoo and zoo != runs[0].steps else ""
            print(f"  {algo} on {env}: {len(runs)} seeds x {runs[0].steps:,} {registry.find(algo).unit}{note}")
        for group in study.groups if any(group["comparisons"] for group in study.groups) else []:
            where = f" in {group['name']}" if len(study.groups) > 1 else ""
            print(f"Compared{where}: {studies.compared(group)}")
            for sentence in studies.unequal_tuning(study, group):
                print(f"  {sentence}")
            if group["comparisons"] and not study.sequential:  # whose own rule says what it can find
                paired = bool((study.statistics or {}).get("paired"))
                if sentence := attainable.said(len(study.seeds), len(study.seeds), len(group["comparisons"]), paired=paired):
                    print(f"  {sentence}.")

    def damaged(self, error: str, place: Path) -> None:
        print(f"{error}; moved to {place}, to be run again", file=sys.stderr)

    @contextmanager
    def training(self) -> Iterator[launchers.Show]:
        with Display() as display, tracked.following(self.mirror, display) as show:
            yield show

    def trained(self, store: Store) -> None:
        list_troubles(store, store.runs())

    def sequence(self, rule: str) -> None:
        print(f"Sequential: {rule}")

    def looked(self, state: list[str]) -> None:
        for sentence in state:
            print(sentence, flush=True)


def render(store: Store, allow_partial: bool, options: Any = None, play: Any = None) -> int:
    """Write the report and show its summary. options: benchmarks.report.page.Options; play: makes films, see there."""
    from benchmarks.report import page
    from benchmarks.report.page import IncompleteStudy

    begin = time.perf_counter()
    try:
        rendered = page.render(store.path, allow_partial=allow_partial, options=options, play=play)
    except IncompleteStudy as error:
        raise IncompleteData(str(error)) from None
    show(rendered.summary)
    print(f"Report ({time.perf_counter() - begin:.0f} s): {rendered.path}")
    return 0


def show(table: Any) -> None:
    width = terminal.console()
    terminal.console(width=max(100, width.width) if not width.is_terminal else width.width).print(table)


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


def list_troubles(store: Store, runs: Any) -> None:
    """Failed and damaged runs, a line each, and what to do about them."""
    for row in runs[runs["status"] == "failed"].itertuples():
        print(f"failed: {row.run_id}: {row.error}", file=sys.stderr)
    for row in runs[runs["status"] == "corrupt"].itertuples():
        way_out = "restore the files that were published" if store.is_packed else "sb3-course retry quarantines it and runs it again"
        print(f"{row.error}; {way_out}", file=sys.stderr)
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
