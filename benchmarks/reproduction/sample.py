"""Level 3: some runs, drawn by the verifier's own chance, are trained again: the same weights, scores and episodes."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats as distributions

from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import Analysis, Cell
from benchmarks.reproduction.data_sets import data_sets
from benchmarks.reproduction.findings import Finding, Misuse, Show
from benchmarks.running import launchers
from benchmarks.store import records
from benchmarks.store.store import Store
from benchmarks.studies import plan
from benchmarks.studies.plan import Run

NEW_RUN = 0.99  # of the prediction interval in which a run that was trained again on other hardware has to fall
DERIVED = ("model_seed", "episode_seeds", "actual_steps", "unit", "weights_hash_start", "diverged")  # of run.json: the same each time that a run is made
KIND = ("python", "machine", "cpu", "cpu_capability", "bits_of_torch", "threads", "torch", "torch_config", "numpy", "scipy", "numba", "llvmlite", "gymnasium",
        "stable_baselines3")


def drawn(store: Store, sample: int, seed: int, names: tuple[str, ...] = ()) -> list[str]:
    """The finished runs that level 3 trains again: these, or as many drawn by the seed."""
    finished = sorted({run.id for _, run in store.planned() if store.status(run)[0] == "finished"})
    unknown = [name for name in names if name not in finished]
    if unknown:
        raise Misuse(f"no finished run {unknown[0]} in {store.path}: sb3-course status {store.path} lists them")
    if sample < 1:
        raise Misuse(f"--sample {sample}: at least 1 run has to be trained again")
    return list(dict.fromkeys(names)) or random.Random(seed).sample(finished, min(sample, len(finished)))


def sample(store: Store, n_runs: int, seed: int, names: tuple[str, ...], workers: int, show: Show) -> Iterator[Finding]:
    chosen = drawn(store, n_runs, seed, names)
    n = sum(store.status(run)[0] == "finished" for run in plan.runs_by_id(run for _, run in store.planned()).values())
    how = "named by --run" if names else f"drawn by chance; --seed {seed} draws them again"
    yield Finding(3, "draw", "note" if names else "pass", f"{len(chosen)} of {n} finished runs, {how}")
    old = {run.id: run for _, run in store.planned()}
    study = plan.pinned(store.study())
    new = {(run.algo, run.env, run.seed): run for _, run in plan.plan(study)}
    found, absent = data_sets(3, study, {old[name].env for name in chosen})
    yield from found
    again = {name: new[old[name].algo, old[name].env, old[name].seed] for name in chosen if old[name].env not in absent}
    if not again:
        return
    analysis = analyse(store.study(), store.runs(), store.curves(), allow_partial=True)
    with tempfile.TemporaryDirectory() as place:
        other = Store(place)
        other.runs_path.mkdir()
        work = [plan.Job((run,)) for run in {run.id: run for run in again.values()}.values()]
        launchers.launch(work, other, _launcher(workers), show)
        for name, run in again.items():
            yield _compared(old[name], store, other, run, analysis)


def _curve(store: Store, run: Run) -> np.ndarray:
    return store.table(run, "curve")["score"].to_numpy()


def _launcher(workers: int) -> dict[str, Any]:
    return {"name": "local", "jobs": workers, "attempts": 1} if workers > 1 else {"name": "inprocess"}


def _compared(old: Run, store: Store, other: Store, run: Run, analysis: Analysis) -> Finding:
    """A run that was trained again beside the stored one. Passed only where it is the same run."""
    before = store.record(old.id)
    state, after = other.status(run)
    assert before is not None  # it is finished
    if state != "finished":
        return Finding(3, old.id, "fail", f"trained again it {state}: {after.get('error')}")
    apart = apart_in(store, old, other, run)
    if not apart:
        return Finding(3, old.id, "pass", f"the same weights, {after['weights_hash_end'][:16]}, scores and episodes")
    changed = changed_in(before, after, old, run)
    if not changed:
        what = "other scores" if apart.startswith("the same weights") else "other weights"
        return Finding(3, old.id, "fail", f"{what} on the same kind of machine with the same code: {apart}")
    cell = next(c for group in analysis.groups for (algo, env), c in group.cells.items() if (algo, env) == (run.algo, run.env))
    outside = _outside(cell, _curve(other, run), analysis)
    why = f"numerically different ({'; '.join(changed)}): {apart}"
    if outside:
        return Finding(3, old.id, "fail", f"{why}; and {outside}")
    return Finding(3, old.id, "unverified", f"{why}; its scores are as a new run's would be, which does not tell whether the stored ones are a run's")


def apart_in(store: Store, old: Run, other: Store, new: Run) -> str:
    """Where a stored run and the one made again differ, in words; empty where they are the same run."""
    before, after = store.record(old.id), other.record(new.id)
    assert before is not None and after is not None  # both are finished
    if before["weights_hash_end"] != after["weights_hash_end"]:
        return f"weights {before['weights_hash_end'][:16]} there, {after['weights_hash_end'][:16]} here"
    for key in DERIVED:
        if before[key] != after[key]:
            return f"the same weights, but {key} {records.shown(before[key])} there, {records.shown(after[key])} here"
    for name, shown in (("curve", "score"), ("episodes", "return")):
        there, here = (s.table(run, name).drop(columns=["seconds"], errors="ignore") for s, run in ((store, old), (other, new)))
        if not there.equals(here):  # their shapes are the plan's
            row = int((there != here).any(axis=1).to_numpy().argmax())
            what, a, b = "score" if name == "curve" else "episodes", there.iloc[row], here.iloc[row]
            return f"the same weights, but {what} at step {a['step']} {a[shown]:.6g} there, {b[shown]:.6g} here"
    return ""


def changed_in(before: dict[str, Any], after: dict[str, Any], old: Run, new: Run) -> list[str]:
    """In what the code and the machine of two records differ."""
    changed = [] if old.code == new.code else ["the code or its packages changed since"]
    return changed + [f"{key}: {records.shown(a)} there, {b} here" for key, a, b in other_machine(before["host"], after["host"])]


def other_machine(there: dict[str, Any], here: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """In what two machines differ that may change a bit of a run. What an earlier version did not record is not known to differ."""
    return [(key, there[key], here.get(key)) for key in KIND if there.get(key) is not None and there[key] != here.get(key)]


def _outside(cell: Cell, scores: np.ndarray, analysis: Analysis) -> str:
    """Whether a run's final score and its mean over checkpoints are such as one more run of this cell would have: in words if not.

    One more normal draw lies within mean ± t sd √(1 + 1/n) (Hahn & Meeker 1991, §4.2); where the runs agree by chance, within the margin of equivalence.
    """
    group = next(g for g in analysis.groups if (cell.algo, cell.env) in g.cells)
    margin = analysis.statistics.margin * abs(group.scales[cell.env].span or 0.0)
    for what, recorded, new in (("final score", cell.final, scores[-1]), ("mean score over all checkpoints", cell.scores.mean(axis=1), scores.mean())):
        n = len(recorded)
        spread = distributions.t.ppf((1 + NEW_RUN) / 2, n - 1) * recorded.std(ddof=1) * np.sqrt(1 + 1 / n) if n > 1 else np.inf
        reach = max(float(spread), margin)
        if abs(new - recorded.mean()) > reach:
            return f"its {what}, {new:.4g}, lies outside {recorded.mean():.4g} ± {reach:.4g}, where one more of these {n} runs would"
    return ""
