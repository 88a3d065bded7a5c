"""sb3-course tune: hyper-parameters searched for with Optuna, over several seeds a trial."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import IncompleteData, UserError
from benchmarks.running import launchers
from benchmarks.store.plain import one_line
from benchmarks.studies.provenance import source
from benchmarks.studies.study import ranges
from benchmarks.tuning import best, page, record, samplers, search, tuning
from benchmarks.tuning.record import Confirmed, Record
from benchmarks.tuning.scores import iqm
from benchmarks.tuning.tuning import Tuning


def run(args: argparse.Namespace) -> int:
    """IncompleteData's code where no trial has a score."""
    if args.show:
        return _show(Path(args.show))
    launchers.one_thread()
    samplers.optuna()
    if args.algo is None or (args.env is None) == (args.dataset is None):
        raise UserError("tune needs --algo and --env, or for those who learn from data --dataset; --show DIR shows what was found (sb3-course tune --help)")
    for flag, value in (("--jobs", args.jobs), ("--trials", args.trials), ("--confirm-seeds", args.confirm_seeds)):
        if value < 1:
            raise UserError(f"{flag} {value}: give a whole number of at least 1")
    if args.confirm < 0 or args.seed < 0:
        raise UserError(f"--confirm {args.confirm}, --seed {args.seed}: neither is negative")
    asked = tuning.planned(
        args.algo, args.env, dataset=args.dataset, steps=args.n_timesteps, n_seeds=args.seeds, overrides=tuning.parsed(args.hyperparams),
        env_kwargs=tuning.parsed(args.env_kwargs), space=Path(args.space) if args.space else None, sampler=args.sampler, pruner=args.pruner, seed=args.seed,
        eval_episodes=args.eval_episodes, eval_points=args.eval_points, last=args.last, startup=args.startup, n_envs=args.n_envs,
    )  # fmt: skip
    folder = Path(args.out) if args.out else Path("studies") / f"tune-{asked.algo}-{asked.env}".replace("/", "_").replace(":", "_")
    if args.dry_run:
        _describe(asked, folder)
        return 0
    asked = replace(asked, command=shlex.join(["sb3-course", *sys.argv[1:]]), source=source())
    found = search.search(folder, asked, args.trials, args.jobs, args.confirm, args.confirm_seeds, Told())
    asked = tuning.read(folder)
    best.write(folder, asked, found)
    page.write(folder, asked, found)
    return _summary(folder, asked, found)


def _show(folder: Path) -> int:
    asked, found = tuning.read(folder), record.read(folder)
    page.write(folder, asked, found)
    return _summary(folder, asked, found)


def _describe(asked: Tuning, folder: Path) -> None:
    print(f"{asked.algo} on {asked.env}, {asked.steps:,} {asked.unit} a seed, {len(asked.seeds)} seeds a trial (from {asked.seeds[0]}), in {folder}")
    print(f"Tuned from: {', '.join(f'{name}={value}' for name, value in asked.base.items())}")
    for name, line in asked.space.items():
        print(f"  {name}: {', '.join(f'{key} {value}' for key, value in line.items())}")
    print(f"Drawn by {asked.sampler['class']}, ended early by {asked.pruner['class']}")


# --- what is told


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}"


class Told(search.Told):
    """A line for each trial: on standard output, and for one that failed on the other."""

    def begun(self, folder: Path, asked: Tuning, found: Record, n_trials: int, jobs: int) -> None:
        self.asked = asked
        print(f"Tuning {asked.algo} on {asked.env} in {folder}: {n_trials} trials of {len(asked.seeds)} seeds ({ranges(asked.seeds)}) x {asked.steps:,} "
              f"{asked.unit}, on {jobs} single-threaded process{'es' * (jobs > 1)}")
        done = [one for one in found.trials if one["state"] in ("complete", "pruned", "failed")]
        if done:
            print(f"{len(done)} of them are finished" + (f"; the best is trial {found.complete[0]['number']}, {_number(found.complete[0]['value'])}"
                                                        if found.complete else ""))
        known = {one["code"] for one in done if one["code"]} - {asked.code}
        if known:
            print(f"Caution: {len(known)} earlier version{'s' * (len(known) > 1)} of the code trained some of them", file=sys.stderr)
        sys.stdout.flush()

    def finished(self, one: dict[str, Any], found: Record) -> None:
        scores = ", ".join(_number(score) for score in record.scores(one, self.asked))
        name = f"trial {one['number']}{' (what it is tuned from)' if one['default'] else ''}"
        if one["state"] == "complete":
            best = found.complete[0]
            lead = "the best so far" if best["number"] == one["number"] else f"the best is trial {best['number']}, {_number(best['value'])}"
            print(f"{name}: {_number(one['value'])} (seeds {scores}), {one['seconds']:.0f} s; {lead}", flush=True)
        elif one["state"] == "pruned":
            print(f"{name}: ended early at {one['pruned_at']:,} ({scores}), {one['seconds']:.0f} s", flush=True)
        else:
            again = "; it is tried again" if one["state"] == "killed" else ""
            print(f"{name}: failed: {one_line(one['error'] or 'no reason given')[:200]}{again}", file=sys.stderr, flush=True)

    def died(self, number: int | None, exit_code: int | None) -> None:
        what = f"signal {-exit_code}{', likely out of memory' if exit_code == -9 else ''}" if exit_code and exit_code < 0 else f"exit code {exit_code}"
        print(f"a worker died ({what}){f' on trial {number}' if number is not None else ''}; another takes its place", file=sys.stderr, flush=True)

    def confirmed(self, number: int, how: Confirmed) -> None:
        said = f"{_number(iqm(how['scores']))} over {len(how['seeds'])} fresh seeds" if how["scores"] else f"failed: {one_line(how.get('error', ''))[:200]}"
        print(f"trial {number} again: {said}", flush=True)


def _summary(folder: Path, asked: Tuning, found: Record) -> int:
    """Print what was found. IncompleteData where no trial has a score."""
    states = {state: sum(one["state"] == state for one in found.trials) for state in ("complete", "pruned", "failed", "killed")}
    print(f"{len(found.counted)} trials: " + ", ".join(f"{n} {state}" for state, n in states.items() if n))
    print(f"Cost: {best.cost(asked, found)}")
    if found.best is None:
        errors = [one["error"] for one in found.trials if one["error"]]
        raise IncompleteData(f"{folder}: no trial has a score" + (f"; the last failed with {one_line(errors[-1])[:200]}" if errors else ""))
    print(best.said(asked, found, found.best))
    changed = {name: value for name, value in found.best["settings"].items() if asked.base.get(name) != value}
    if changed:
        print("  " + ", ".join(f"{name}={value}" for name, value in changed.items()))
    print(f"Settings: {folder / best.FILE}; page: {folder / page.FILE}")
    return 0


