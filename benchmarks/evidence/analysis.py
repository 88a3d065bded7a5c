"""From a store to every number of the report: groups, aggregates, curves, profiles, comparisons, tasks, and what is missing.

Figures and text take their numbers from here and compute none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import stats
from benchmarks.evidence import judgements, sequential
from benchmarks.evidence.records import (
    Analysis,
    BadStore,
    Cell,
    Comparison,
    Curve,
    Group,
    IncompleteStudy,
    Scale,
    Sides,
    Statistics,
    family_of,
    is_planner,
    time_of,
)
from benchmarks.studies.study import Study, unequal_tuning
from from_scratch import registry

PROFILE_POINTS = 101


# --------------------------------------------------------------------------------------------------------------- missing


def missing_cells(runs: pd.DataFrame) -> list[str]:
    """One sentence for each algorithm and task that lacks a run, in the order of the plan."""
    sentences = []
    once = runs.drop_duplicates(["algo", "env", "seed"])  # a run may belong to two groups
    for (algo, env), rows in once.groupby(["algo", "env"], sort=False):
        lost = rows[rows["status"] != "finished"]
        if len(lost):
            kinds = ", ".join(f"{n} {status}" for status, n in lost["status"].value_counts(sort=False).items())
            detail = "" if set(lost["status"]) == {"missing"} else f" ({kinds})"
            sentences.append(f"{len(lost)} of {len(rows)} seeds missing for {algo} on {env}{detail}")
    return sentences


def refusal(runs: pd.DataFrame, missing: list[str]) -> str:
    finished = runs.groupby(["algo", "env"])["status"].apply(lambda s: (s == "finished").sum())
    fewest, most = int(finished.min()), int(finished.max())
    if most == 0:
        return f"{_few(missing)}: no run has finished, there is nothing to report"
    on = str(fewest) if len(missing) == 1 else f"{fewest} to {most} runs each"
    return f"{_few(missing)}: comparison refused; --allow-partial reports on {on} and says so"


def _few(sentences: list[str], most: int = 4) -> str:
    more = f"; and {len(sentences) - most} more" if len(sentences) > most else ""
    return "; ".join(sentences[:most]) + more


# --------------------------------------------------------------------------------------------------------------- reading


def analyse(study: Study, runs: pd.DataFrame, curves: pd.DataFrame, *, allow_partial: bool = False) -> Analysis:
    """Every number of the report. Raises IncompleteStudy unless all planned runs have finished or `allow_partial`."""
    runs = runs.sort_values(["group", "algo", "env", "seed"], kind="stable")
    twice = runs[runs.duplicated(["group", "algo", "env", "seed"])]
    if len(twice):
        row = twice.iloc[0]
        raise BadStore(f"the plan holds {row.algo} on {row.env}, seed {row.seed}, twice in group {row.group}")
    missing = missing_cells(runs)
    nothing = not (runs["status"] == "finished").any()
    if missing and (nothing or not allow_partial):
        raise IncompleteStudy(refusal(runs, missing))
    statistics = Statistics.of(study)
    groups = [_group(spec, study, runs[runs["group"] == spec["name"]], curves, statistics) for spec in study.groups]
    test = sequential.decide(study, curves) if study.sequential else None
    if test is not None:
        for group in groups:
            group.comparisons = judgements.decided(group, study, test)
    for group, spec in zip(groups, study.groups, strict=True):
        known = judgements.assumptions(group, statistics, is_sequential=test is not None)
        over, by_task = judgements.can_find(group, statistics) if test is None else (None, None)
        group.evidence = replace(group.evidence, assumptions=known, unequal_tuning=unequal_tuning(study, spec), attainable=over, attainable_by_task=by_task)
    return Analysis(study, statistics, groups, runs, curves, missing, test)


def _cell(algo: str, env: str, runs: pd.DataFrame, curves: pd.DataFrame, statistics: Statistics) -> Cell | None:
    planned = runs[(runs["algo"] == algo) & (runs["env"] == env)].sort_values("seed")
    finished = planned[planned["status"] == "finished"]
    if finished.empty:
        return None
    rows = curves[(curves["algo"] == algo) & (curves["env"] == env)]
    table = {}
    for column in ("score", "seconds"):
        table[column] = rows.pivot(index="seed", columns="step", values=column).reindex(finished["seed"])
    kept = rows.pivot(index="seed", columns="step", values="algo").reindex(finished["seed"])
    absent = kept.isna()  # no row at all: a score that is NaN is another matter, below
    if absent.to_numpy().any() or absent.shape[1] == 0:
        seed = finished["seed"].iloc[int(absent.any(axis=1).to_numpy().argmax())]
        steps = list(absent.columns[absent.loc[seed]])
        raise BadStore(f"{algo} on {env}, seed {seed}: the run has finished, but has no score at step {steps[0] if steps else '–'}")
    scores = table["score"].to_numpy(dtype=np.float64)
    if not np.isfinite(scores).all():
        run, checkpoint = np.argwhere(~np.isfinite(scores))[0]
        seed, step = finished["seed"].iloc[run], table["score"].columns[checkpoint]
        raise BadStore(f"{algo} on {env}, seed {seed}: the score at step {step} is {scores[run, checkpoint]}, from which nothing can be computed")
    return Cell(
        algo,
        env,
        [int(s) for s in finished["seed"]],
        len(planned),
        table["score"].columns.to_numpy(dtype=np.int64),
        table["seconds"].to_numpy(dtype=np.float64),
        scores,
        float(np.median(speeds.astype(float))) if len(speeds := finished["steps_per_second"].dropna()) else float("nan"),
        float(finished["train_seconds"].mean()),
        float(finished["eval_seconds"].mean()),
        stats.task_summary(scores[:, -1], **statistics.options),
        stats.aggregate(scores[:, None, :], "iqm"),
        _means(scores, statistics.confidence),
        [str(value) if isinstance(value, str) else None for value in finished["weights_hash_end"]],
    )


def _means(scores: np.ndarray, confidence: float) -> stats.Interval:
    """The mean of [runs, checkpoints] with Student's t interval at each checkpoint; without one where all runs are equal."""
    each = [stats.t_interval(of_checkpoint, confidence=confidence) for of_checkpoint in scores.T]
    point, low, high = (np.array([getattr(interval, end) for interval in each]) for end in ("point", "low", "high"))
    note = "" if any(interval.is_claimed for interval in each) else each[-1].note
    return stats.Interval(point, low, high, len(scores), confidence, note)


def _group(spec: Mapping, study: Study, runs: pd.DataFrame, curves: pd.DataFrame, statistics: Statistics) -> Group:
    envs = list(spec["envs"])
    cells = {(a, e): cell for a in spec["algos"] for e in envs if (cell := _cell(a, e, runs, curves, statistics))}
    left_out = {}
    for algo in spec["algos"]:
        lost = [e for e in envs if (algo, e) not in cells]
        if lost:
            left_out[algo] = f"no finished run on {', '.join(lost)}: left out of this group"
    algos = [a for a in spec["algos"] if a not in left_out]
    scales = {env: Scale.of(study, env) for env in envs}
    no_scale = [e for e in envs if scales[e].span is None]
    if not no_scale:
        unit = "normalised score (0 = random, 1 = expert)"
    else:
        unit = f"mean return on {envs[0]}"
        scales = {e: Scale(s.random, None, s.label, s.source) for e, s in scales.items()}  # all in their own unit
    group = Group(spec["name"], algos, envs, unit, not no_scale or len(envs) == 1, scales, cells, left_out)
    if not group.is_aggregated:
        left_out["aggregates"] = f"no reference scores for {', '.join(no_scale)}: tasks share no unit, so nothing is aggregated over them"
    if algos and group.is_aggregated:
        _aggregate(group, statistics)
    _compare(group, spec, statistics)
    group.evidence = judgements.of_group(group, runs, statistics)
    return group


def _aggregate(group: Group, statistics: Statistics) -> None:
    options = statistics.options
    final = {a: _scores(group, a) for a in group.algos}
    metrics = [m for m in stats.METRICS if m != "optimality_gap" or group.scales[group.envs[0]].span is not None]
    group.aggregates = {metric: stats.interval_estimates(final, metric, kind="expanded", **options) for metric in metrics}

    every = np.concatenate([np.concatenate(list(s)) for s in final.values()])
    pad = 0.05 * (np.ptp(every) or 1.0)
    group.taus = np.linspace(every.min() - pad, every.max() + pad, PROFILE_POINTS)
    group.profiles = stats.performance_profile(final, group.taus, kind="expanded", **options)

    learners = [a for a in group.algos if not is_planner(a)]
    steps = {a: [group.cells[a, e].steps for e in group.envs] for a in learners}
    same_steps = all(np.array_equal(s, mine[0]) for mine in steps.values() for s in mine)
    group.steps_label = time_of(learners) if same_steps else "share of each task's budget [%]"
    for algo in learners:
        if len({len(s) for s in steps[algo]}) > 1:
            group.left_out[f"{algo}, learning curve over tasks"] = "its tasks have different numbers of checkpoints"
            continue
        cells = [group.cells[algo, e] for e in group.envs]
        x = steps[algo][0] if same_steps else 100 * np.mean([s / s[-1] for s in steps[algo]], axis=0)
        seconds = np.mean([c.seconds.mean(axis=0) for c in cells], axis=0)
        scores = stats.BySeed([group.scales[c.env](c.scores) for c in cells], [c.seeds for c in cells])
        iqm = stats.interval_estimates({algo: scores}, "iqm", simultaneous=True, kind="expanded", **options)[algo]
        group.curves[algo] = Curve(x, seconds, iqm)


def _scores(group: Group, algo: str) -> stats.BySeed:
    """Final scores: the runs of a seed on all tasks are one unit, since its model seed is the same there."""
    cells = [group.cells[algo, e] for e in group.envs]
    return stats.BySeed([group.scales[c.env](c.final) for c in cells], [c.seeds for c in cells])


def _pairs(group: Group, spec: Mapping) -> list[tuple[str, str]]:
    """The comparisons of the study's text; without any, each algorithm with its twin, else each with the first."""
    if spec.get("comparisons"):
        return [(x, y) for x, y in spec["comparisons"]]
    algos = list(spec["algos"])
    twins = [(a, twin) for a in algos if a in registry.ENTRIES and (twin := registry.ENTRIES[a].twin) in algos and twin]
    return twins or [(algos[0], other) for other in algos[1:]]


def _same_runs(one: Cell, other: Cell) -> tuple[int, int]:
    """Of the seeds that both have: how many made the same run, and how many there are.

    Scores decide: a hash of weights is a word of the record, and may only excuse evaluations that round otherwise.
    """
    a, b = ({seed: (w, s) for seed, w, s in zip(cell.seeds, cell.weights, cell.scores, strict=True)} for cell in (one, other))
    shared = a.keys() & b.keys()
    same = 0
    for k in shared:
        (weights, scores), (others_weights, others_scores) = a[k], b[k]
        rounding = 1e-6 if weights is not None and weights == others_weights else 0.0
        same += scores.shape == others_scores.shape and np.allclose(scores, others_scores, rtol=rounding, atol=0.0)
    return int(same), len(shared)


def _compare(group: Group, spec: Mapping, statistics: Statistics) -> None:
    """Every pair, over all tasks and task by task. The p-values of the group's tasks are one table, those over all tasks another: Holm in each."""
    found: list[Comparison] = []
    for x, y in _pairs(group, spec):
        lost = [a for a in (x, y) if a not in group.algos]
        if lost:
            group.left_out[f"{x} against {y}"] = f"{', '.join(lost)} is not complete enough to compare"
            continue
        sides = Sides.of(group, x, y, statistics.paired)
        if isinstance(sides, str):
            group.left_out[f"{x} against {y}"] = sides
            continue
        margin = statistics.margin if all(group.scales[e].span for e in group.envs) else None
        how: dict[str, Any] = {**statistics.options, "paired": statistics.paired}
        overall = stats.equivalence(sides.x, sides.y, margin, **how, bounds=bounds_of(group, "")) if group.is_aggregated else None
        tasks, same = {}, {}
        for env, one, other in zip(group.envs, sides.raw_x, sides.raw_y, strict=True):
            span = group.scales[env].span
            own = None if span is None else statistics.margin * abs(span)
            tasks[env] = stats.equivalence(one, other, own, method="welch", **how, bounds=bounds_of(group, env))
            same[env] = _same_runs(group.cells[x, env], group.cells[y, env])
        improvement = stats.probability_of_improvement(sides.x, sides.y, **how)
        known = judgements.of_pair(overall, tasks, sides, group, statistics)
        found.append(Comparison(x, y, overall, improvement, tasks, same, family_of(x) == family_of(y), known))
    group.comparisons = judgements.corrected(found)


def bounds_of(group: Group, env: str) -> tuple[float, float] | None:
    """What a run on the task may score, in its unit: as the random policy and as the expert; without these scores, as any run at any checkpoint.

    Without an env, in the unit of a group that is aggregated. None where there is one checkpoint only, which shows no run that has not learnt.
    """
    if not env and group.scales[group.envs[0]].span is not None:
        return 0.0, 1.0
    env = env or group.envs[0]
    seen = [cell.scores for (_, e), cell in group.cells.items() if e == env]
    if group.scales[env].bounds is not None or max(scores.shape[1] for scores in seen) < 2:
        return group.scales[env].bounds
    return float(min(scores.min() for scores in seen)), float(max(scores.max() for scores in seen))
