"""`python -m benchmarks.speed.store`: what a study of many runs costs besides its training: planned, run, read, reported, compacted, asked.

The worker does not train: it writes invented scores, as many as a real run's, at once. What is left is the harness's own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.running import carry_out, launchers
from benchmarks.store.store import Store
from benchmarks.store.tables import write_table
from benchmarks.studies import plan, study
from benchmarks.studies.plan import Job, Run

ALGOS = ("q_learning", "sarsa", "expected_sarsa", "double_q_learning", "n_step_sarsa")
ENVS = ("FrozenLake-v1", "CliffWalking-v1", "Taxi-v4", "FrozenLake8x8-v1")
LOGGED = ("rollout/ep_len_mean", "rollout/ep_rew_mean", "rollout/exploration_rate")  # at each checkpoint
WORKER = "benchmarks.speed.store"  # this module, also where it is __main__
T = TypeVar("T")


def execute(job: Job, store: Store, report: Callable[[tuple], None] = lambda message: None) -> None:
    """The worker (see `launchers.Settings`): each run has finished as soon as it has begun."""
    for run in job.runs:
        finish(run, store)
        report(("run", run.id, "finished", ""))


def finish(run: Run, store: Store) -> None:
    """Store a run of invented scores, the same for the same run."""
    directory = store.begin(run)
    n, key, last = run.protocol["eval_episodes"], (run.algo, run.env, run.seed), run.steps
    score = {step: (1 - math.exp(-3 * step / last)) * (1 + (run.seed * 7919 % 101 - 50) / 500) for step in run.checkpoints}
    write_table(directory / "curve.parquet", "curve", [(*key, step, step, step * 1e-5, score[step], 0.0, 9.0, n) for step in score])
    write_table(directory / "episodes.parquet", "episodes", [(*key, step, i, score[step], 9) for step in score for i in range(n)])
    write_table(directory / "training.parquet", "training", [(*key, step, name, score[step]) for step in score for name in LOGGED])
    store.commit(run, directory, {
        "status": "finished", "error": None, "traceback": None, "model_seed": run.seed, "episode_seeds": list(range(n)), "actual_steps": last, "unit": "steps",
        "lockstep": 1, "train_seconds": last * 1e-5, "eval_seconds": 0.1, "build_seconds": 0.1, "steps_per_second": 1e5, "weights_hash_start": "0" * 64,
        "weights_hash_end": f"{run.seed:064x}", "diverged": False, "host": {"python": sys.version.split()[0], "threads": 1, "peak_memory_mb": 100},
    })  # fmt: skip


def asked(runs: int, points: int, episodes: int) -> study.Study:
    """A study of so many runs, at least: five algorithms on four tasks, the rest seeds."""
    seeds = math.ceil(runs / (len(ALGOS) * len(ENVS)))
    overrides = [f"protocol.eval_points={points}", f"protocol.eval_episodes={episodes}", "keep_models=false"]
    return plan.pinned(study.adhoc(list(ALGOS), list(ENVS), seeds=seeds, steps=1000, overrides=overrides))


class Clock:
    """What each step took: seconds by the clock, seconds of processors (of all processes), and the most memory of this process until then."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, float]] = {}

    def time(self, name: str, step: Callable[[], T]) -> T:
        before, began = _cpu(), time.perf_counter()
        found = step()
        self.steps[name] = {"seconds": time.perf_counter() - began, "cpu_seconds": _cpu() - before,
                            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}  # fmt: skip
        print(f"{name:46} {self.steps[name]['seconds']:8.1f} s {self.steps[name]['cpu_seconds']:8.1f} s cpu {self.steps[name]['peak_mb']:8.0f} MB", flush=True)
        return found


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def measure(place: Path, runs: int, points: int, episodes: int, jobs: int, launcher: dict[str, Any] | None = None) -> dict[str, Any]:
    """All steps, at a folder that does not exist."""
    from benchmarks.report import page
    from benchmarks.reproduction.publish import compacted
    from benchmarks.store.query import query

    clock = Clock()
    whole = clock.time("resolve the study", lambda: asked(runs, points, episodes).launched(**(launcher or {"name": "local", "jobs": jobs})))
    store = Store(place / "study")
    work = clock.time("plan, and look what is there", lambda: carry_out.to_do(whole, store))
    store.save_study(work.study)
    clock.time("run, without training", lambda: launchers.launch(work.jobs, store, work.study.launcher or {}, worker=WORKER))
    n = len(work.todo)
    again = clock.time("plan again: nothing to do", lambda: carry_out.to_do(whole, Store(store.path)))
    assert not again.todo, "every run has finished"
    clock.time("report", lambda: page.render(store.path))
    small = clock.time("compact", lambda: compacted(store, place / "compact", with_models=False))
    clock.time("report of the compact study", lambda: page.render(small.path))
    sql = "SELECT algo, env, avg(score) AS score FROM curve GROUP BY ALL ORDER BY ALL"
    clock.time("query of the compact study", lambda: query(sql, [Store(small.path)]))
    sizes = {name: (sum(1 for _ in _files(path)), sum(file.stat().st_size for file in _files(path)))
             for name, path in (("study", store.runs_path), ("compact", small.path))}  # fmt: skip
    for name, (count, size) in sizes.items():
        print(f"{name}: {count:,} files, {size / 1e6:,.1f} MB")
    launched = clock.steps["run, without training"]
    print(f"a run: {launched['cpu_seconds'] / n * 1e3:.2f} ms of a processor, {launched['seconds'] * jobs / n * 1e3:.2f} ms of a worker's time")
    return {"runs": n, "points": points, "episodes": episodes, "jobs": jobs, "steps": clock.steps, "sizes": sizes}


def _files(place: Path) -> Any:
    return (path for path in place.rglob("*") if path.is_file() and "report" not in path.parts)


def main(arguments: list[str] | None = None) -> None:
    top = argparse.ArgumentParser(prog="python -m benchmarks.speed.store", description=__doc__.splitlines()[0] if __doc__ else "")
    top.add_argument("--runs", type=int, default=1000)
    top.add_argument("--points", type=int, default=20, help="checkpoints of a run")
    top.add_argument("--episodes", type=int, default=10, help="evaluation episodes at each")
    top.add_argument("--jobs", type=int, default=launchers.physical_cores())
    top.add_argument("--out", type=Path, help="a folder to keep (default: none is kept)")
    top.add_argument("--json", type=Path, metavar="FILE")
    args = top.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        found = measure(args.out or Path(place), args.runs, args.points, args.episodes, args.jobs)
    if args.json:
        args.json.write_text(json.dumps({"cpus": os.cpu_count(), **found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
