"""What the numbers allow to say: the evidence of a group and of its comparisons, corrections for many of them, and what to be warned of.

The evidence itself is described where its records are, in benchmarks.evidence.records.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks import stats
from benchmarks.evidence import sequential
from benchmarks.evidence.records import (
    BEYOND_RANDOM,
    Account,
    Attainable,
    Caution,
    Cell,
    CellEvidence,
    Comparison,
    Group,
    GroupEvidence,
    Learnt,
    PairEvidence,
    Scale,
    Sides,
    Solved,
    Statistics,
    TaskEvidence,
    is_planner,
)
from benchmarks.stats import attainable, coverage
from benchmarks.stats.sequential import SequentialTest
from benchmarks.studies.study import Study

FEWER = 5
PRINTED = {  # what a report prints of a group -> the intervals in it: over all tasks, and task by task (names of stats.coverage.KINDS)
    "aggregates": (("aggregate", "aggregate_mean", "aggregate_median", "aggregate_gap"), ()),
    "curves": (("band",), ()),
    "profiles": (("profile",), ()),
    "comparisons": (("improvement", "cliffs", "difference", "difference_90"), ()),
    "verdict": (("improvement", "difference", "difference_90"), ("welch", "welch_90")),
    "per_task": ((), ("welch", "welch_90")),
    "effects": ((), ("hedges", "cliffs")),
    "areas": (("area", "area_difference"), ("task_area",)),
    "ranks": (("rank",), ()),
    "leave_one_out": (("aggregate",), ()),
    "thresholds": ((), ("threshold",)),
}
OF_A_CELL = {"t": "task_t", "bootstrap": "task_bootstrap", "tolerance": "task_tolerance"}  # the intervals of one algorithm on one task
PAIRED = {"welch": "paired", "welch_90": "paired_90", "difference_90": "difference_paired_90"}  # where it is not "_paired" at the end
NOT_PAIRED = ("hedges", "area_difference")  # which pairing does not touch


def of_group(group: Group, runs: pd.DataFrame, statistics: Statistics) -> GroupEvidence:
    """All but the assumptions, which need the group's comparisons."""
    tasks: dict[str, dict[str, Account]] = {}
    for env in group.envs:
        tasks[env] = {}
        for algo in dict.fromkeys(runs["algo"]):
            rows = runs[(runs["algo"] == algo) & (runs["env"] == env)]
            cell = group.cells.get((algo, env))
            tasks[env][algo] = _of_cell(cell, group, _account(rows), statistics) if cell else _account(rows)
    area, ranks, without = {}, {}, {}
    if group.algos and group.is_aggregated:
        final, areas = ({a: _by_seed(group, a, of_cell) for a in group.algos} for of_cell in (lambda cell: cell.final, _areas))
        area = stats.interval_estimates(areas, "iqm", kind="expanded", **statistics.options)
        without = stats.leave_one_task_out(final, group.envs)
        if len(final) > 1:
            ranks = stats.ranks(final, **statistics.options)
    own = {a: _by_seed(group, a, lambda cell: cell.final) for a in group.algos}  # in any unit
    known = _cautions(group, statistics)
    warnings = {what: said for what, parts in known.items() if (said := _in_words(parts))}
    return GroupEvidence(tasks, area, ranks, without, warnings, known, stats.correlation_over_seeds(own))


def _by_seed(group: Group, algo: str, of_cell: Callable[[Cell], np.ndarray]) -> stats.BySeed:
    cells = [group.cells[algo, env] for env in group.envs]
    return stats.BySeed([group.scales[cell.env](of_cell(cell)) for cell in cells], [cell.seeds for cell in cells])


def _account(rows: pd.DataFrame) -> Account:
    status = rows["status"]
    failed = rows[status == "failed"]
    diverged = rows[rows["diverged"].isin([True])] if "diverged" in rows else rows[:0]
    return Account(
        planned=len(rows),
        finished=int((status == "finished").sum()),
        failed=len(failed),
        missing=int((~status.isin(["finished", "failed"])).sum()),
        diverged=[int(seed) for seed in diverged["seed"]],
        errors=dict(Counter(str(error) for error in failed["error"])),
    )


def _areas(cell: Cell) -> np.ndarray:
    return stats.area_under_curve(cell.scores, cell.steps)


def _of_cell(cell: Cell, group: Group, account: Account, statistics: Statistics) -> CellEvidence:
    scale = group.scales[cell.env]
    threshold = None
    if scale.span is not None and scale.random is not None:
        sign = np.sign(scale.span)  # a scale may fall, where less is better
        level = scale.random + statistics.threshold * scale.span
        threshold = stats.steps_to_threshold(sign * cell.scores, cell.steps, sign * level, confidence=statistics.confidence)
        threshold = replace(threshold, threshold=level)
    claimed = {"t": cell.summary.t, "bootstrap": cell.summary.bootstrap, "tolerance": cell.summary.tolerance}
    of_intervals = {name: w for name, kind in OF_A_CELL.items() if claimed[name].is_claimed
                    and (w := stats.coverage_warning(kind, cell.n, 1, statistics.confidence))}
    same = _same_runs(cell)
    return CellEvidence(
        **vars(account),
        tolerance=cell.summary.tolerance,
        area=stats.t_interval(_areas(cell), confidence=statistics.confidence),
        threshold=threshold,
        warnings=[*(f"{name} interval: {w}" for name, w in of_intervals.items()), *same],
        cautions=[*(Caution([coverage.KINDS[OF_A_CELL[name]]], cell.n, w.partition(": ")[2]) for name, w in of_intervals.items()),
                  *(Caution([], None, sentence) for sentence in same)],
        learnt=learnt(cell, scale, statistics),
    )


def learnt(cell: Cell, scale: Scale, statistics: Statistics) -> Learnt | None:
    """By the t interval of the mean; of one run none is known, and of runs that are all equal it is their score."""
    if scale.span is None or scale.random is None or is_planner(cell.algo):
        return None
    mean = cell.summary.t
    point, *ends = (float((value - scale.random) / scale.span) for value in (mean.point, mean.low, mean.high))
    low, high = sorted(ends) if mean.is_claimed else (float("nan"), float("nan"))  # a scale may fall
    solved = int((scale(cell.final) >= statistics.threshold).sum())
    share = replace(mean, point=point, low=low, high=high)
    if cell.n == 1:
        return Learnt("unclear", share, solved)
    low, high = (low, high) if mean.is_claimed else (point, point)
    tier = "no" if high <= BEYOND_RANDOM else "unclear" if low <= BEYOND_RANDOM else "in part" if point < statistics.threshold else "yes"
    return Learnt(tier, share, solved)


def _same_runs(cell: Cell) -> list[str]:
    """Runs of different seeds that moved, yet end with the same weights: likely one run, counted more than once."""
    seeds: dict[str, list[int]] = {}
    for seed, weights, curve in zip(cell.seeds, cell.weights, cell.scores, strict=True):
        if weights is not None and np.ptp(curve) > 0:
            seeds.setdefault(weights, []).append(seed)
    return [f"seeds {', '.join(map(str, same))} of {cell.algo} on {cell.env} end with the same weights: one run counted {len(same)} times?"
            for same in seeds.values() if len(same) > 1]


def cautions(kinds: list[tuple[str, int]], n: int, confidence: float) -> str:
    """What to know of these kinds of interval, each over a number of tasks, at n runs: one sentence, empty where they hold."""
    return _in_words(_in_parts(kinds, n, confidence))


def _in_parts(kinds: list[tuple[str, int]], n: int, confidence: float) -> list[Caution]:
    """The kinds of which the same is to be said stand together."""
    found: dict[str, list[str]] = {}
    for kind, tasks in kinds:
        if warning := stats.coverage_warning(kind, n, tasks, confidence):
            found.setdefault(warning.partition(": ")[2], []).append(coverage.KINDS[kind])
    return [Caution(names, n, warning) for warning, names in found.items()]


def _in_words(parts: list[Caution]) -> str:
    return f"n = {parts[0].n}: " + "; ".join(f"{', '.join(part.intervals)}: {part.text}" for part in parts) if parts else ""


def kinds_of(what: str, tasks: int, paired: bool) -> list[tuple[str, int]]:
    """The intervals in a part of the report, with their numbers of tasks."""
    found = [(kind, number) for side, number in zip(PRINTED[what], (tasks, 1), strict=True) for kind in side]
    pairs = what in ("comparisons", "verdict", "per_task", "effects")
    return [(PAIRED.get(kind, f"{kind}_paired") if paired and pairs and kind not in NOT_PAIRED else kind, number) for kind, number in found]


def _cautions(group: Group, statistics: Statistics) -> dict[str, list[Caution]]:
    n, tasks = min((cell.n for cell in group.cells.values()), default=0), len(group.envs)
    found = {}
    for what in PRINTED:
        kinds = kinds_of(what, tasks, statistics.paired)
        if not group.is_aggregated:  # P(X > Y) and Cliff's δ need no common unit
            kinds = [(kind, m) for kind, m in kinds if m == 1 or kind.startswith(("improvement", "cliffs"))]
        if parts := _in_parts(kinds, n, statistics.confidence):
            found[what] = parts
    return found


def can_find(group: Group, statistics: Statistics) -> tuple[Attainable | None, Attainable | None]:
    """What the tests of a difference over all tasks can find at all, and those task by task: the permutation test alone has a least p-value."""
    pairs = group.comparisons
    sides = [(pair.x, env) for pair in pairs for env in group.envs] + [(pair.y, env) for pair in pairs for env in group.envs]
    if not sides or any(len({tuple(group.cells[algo, env].seeds) for env in group.envs}) > 1 for algo, _ in sides):
        return None, None  # tasks with other seeds have other divisions
    whole = [(pair.evidence.runs[0], pair.overall.test) for pair in pairs if pair.overall is not None]
    single = [(runs, pair.tasks[env].test) for pair in pairs for env, runs in zip(group.envs, pair.evidence.runs, strict=True)]
    over, by_task = (_attainable([(n_x, n_y) for (n_x, n_y), test in table if np.isfinite(test.p)], statistics.paired) for table in (whole, single))
    return over, by_task


def _attainable(sizes: list[tuple[int, int]], paired: bool) -> Attainable | None:
    """Of a table of tests, each of so many runs of either side. None without tests."""
    if not sizes:
        return None
    best = min(sizes, key=lambda n: attainable.smallest_p(*n, paired=paired))
    least = min(1.0, attainable.smallest_p(*best, paired=paired) * len(sizes))
    said = attainable.said(*best, len(sizes), paired=paired)
    return Attainable(len(sizes), least, attainable.fewest_runs(len(sizes), paired=paired), said)


SPREAD_APART = 3.0  # one side's standard deviation over the other's: beyond, what is known of unequal spreads is said


def correlation_said(group: Group) -> str:
    """What was measured of the correlation over seeds, in a sentence; empty where there is nothing to measure."""
    seen = group.evidence.correlation
    if not seen.pairs:
        return ""
    how = "more than independent tasks would show" if seen.is_found else "no more than independent tasks would show"
    mean = f"{seen.mean:+.2f}".replace("-", "−")
    return f"The scores of a seed on two tasks correlate by {mean} on average over {seen.pairs} pairs of tasks, {how} (±{2 * seen.by_chance:.2f})"


def assumptions(group: Group, statistics: Statistics, *, is_sequential: bool = False) -> list[str]:
    """What is known against the claims of this group: tasks that share their luck, and how often such claims are false where runs fail or spread apart."""
    found = [correlation_said(group)] if group.evidence.correlation.is_found and len(group.envs) > 1 else []
    claims: dict[tuple[str, int, int, bool, str], list[str]] = {}

    def claim(what: str, n: int, tasks: int, known: bool, case: str, where: str) -> None:
        claims.setdefault((what, n, tasks, known, case), []).append(where)

    for pair in group.comparisons:
        for env, test in [("", pair.overall), *pair.tasks.items()]:
            if test is None or test.tier not in ("different", "C") or test.shape is None:
                continue
            what = f"{'different' if test.tier == 'different' else 'equivalent'} {test.shape.name}"
            where, known, tasks = f"{pair.x} against {pair.y}{f' on {env}' if env else ''}", test.shape.unseen is not None, 1 if env else len(group.envs)
            if test.tier == "different" and is_sequential:
                claim("different, sequential", test.difference.n, tasks, known, "tasks correlated over seeds", where)
            for case, kinds in coverage.FALSE.items():
                if what not in kinds or (tasks > 1) != (case == "tasks correlated over seeds"):
                    continue
                if case != coverage.UNEQUAL:
                    claim(what, test.difference.n, tasks, known, case, where)
                elif _spread_apart(group, pair, env):  # one of the group's tasks is called so by chance
                    claim(what, test.difference.n, len(group.envs), known, case, where)
    for (what, n, tasks, known, case), places in claims.items():
        if warning := stats.rate_warning(what, n, tasks, known=known, cases=(case,)):
            more = f" and {len(places) - 2} more" if len(places) > 2 else ""
            found.append(f"{', '.join(places[:2])}{more}: {warning}")
    return found


def _spread_apart(group: Group, pair: Comparison, env: str) -> bool:
    sds = [group.cells[algo, env].summary.sd for algo in (pair.x, pair.y)]
    return bool(max(sds) > SPREAD_APART * min(sds))


def after_stopping(study: Study) -> str:
    """How often intervals held in calibration where a sequential test had stopped, at the worst; empty where that was not measured."""
    batch = len(sequential.batches(study)[0])
    worst: dict[float, tuple[float, str]] = {}
    for kind in sorted({row["kind"] for row in coverage.measured() if row["kind"].endswith("_sequential")}):
        plain = kind.removesuffix("_sequential")
        for tasks in (1, 5):
            for population, share in coverage.covered(kind, batch, tasks).items():
                nominal = coverage.nominal_of(plain, coverage.CALIBRATED)
                worst[nominal] = min(worst.get(nominal, (2.0, "")), (share, f"{coverage.KINDS[plain]}, {population} scores"))
    said = [f"nominal {100 * nominal:.0f} % intervals {100 * share:.0f} % ({where})" for nominal, (share, where) in sorted(worst.items(), reverse=True)]
    return f"in calibration, where such a test had stopped, {' and '.join(said)} at the worst" if said else ""


# ----------------------------------------------------------------------------------------------------------------- comparisons


def of_pair(overall: stats.Equivalence | None, tasks: Mapping[str, stats.Equivalence], sides: Sides, group: Group, statistics: Statistics) -> PairEvidence:
    """What there is beside the verdicts over all tasks and of each. P-values are corrected by `corrected`, which sees the whole table."""
    paired = statistics.paired
    n = min(len(s) for s in (*sides.x, *sides.y))
    area, fewer, allowed = None, None, _Allowed(None, None, None)
    if overall is not None:
        sd = stats.run_sd(sides.x, sides.y, reps=statistics.reps, seed=statistics.seed, paired=paired)
        allowed = _what_n_allows(sd, n, n, overall, len(group.envs))
        if n > FEWER:
            fewer = stats.fewer_seeds(sides.x, sides.y, FEWER, seed=statistics.seed, paired=paired)
        if not paired:
            one, other = (_by_seed(group, algo, _areas) for algo in sides.algos)
            area = stats.difference(one, other, **statistics.options)
    return PairEvidence(
        paired=paired,
        runs=[[len(one), len(other)] for one, other in zip(sides.x, sides.y, strict=True)],
        cliffs_delta=stats.cliffs_delta(sides.x, sides.y, **statistics.options, paired=paired),
        area=area,
        fewer_seeds=fewer,
        **allowed._asdict(),
        tasks={env: _of_task(one, other, tasks[env], group.scales[env], statistics)
               for env, one, other in zip(group.envs, sides.raw_x, sides.raw_y, strict=True)},
    )  # fmt: skip


class _Allowed(NamedTuple):
    """What this number of runs can find, and how many runs would find what there is."""

    detectable: float | None
    runs_to_detect: int | None
    runs_for_equivalence: int | None


def _what_n_allows(sd: float, n_x: int, n_y: int, verdict: stats.Equivalence, tasks: int = 1) -> _Allowed:
    if not np.isfinite(sd) or sd == 0:
        return _Allowed(None, None, None)
    seen = abs(verdict.difference.point) / sd
    detectable = stats.minimal_detectable_effect(n_x, n_y) * sd
    return _Allowed(detectable, stats.runs_to_detect(seen) if seen > 0 else None, _runs_for_equivalence(verdict, sd, tasks))


def _runs_for_equivalence(verdict: stats.Equivalence, sd: float, tasks: int) -> int | None:
    """A side: enough for TOST, and for failures that are not seen to stay within the margin, even of runs at the other end of the scale."""
    needed = None if verdict.margin is None else stats.runs_for_equivalence(verdict.margin / sd)
    if needed is None or verdict.shape is None or verdict.shape.bounds is None or verdict.margin is None:
        return needed
    return max(needed, math.ceil(verdict.shape.runs_to_show(verdict.margin) / tasks))


def _of_task(x: np.ndarray, y: np.ndarray, verdict: stats.Equivalence, scale: Scale, statistics: Statistics) -> TaskEvidence:
    paired = statistics.paired
    if min(len(x), len(y)) < 2:
        sd = float("nan")
    elif paired:
        sd = float(np.std(x - y, ddof=1) / np.sqrt(2))  # so that √(2/n) of it is the error of the mean difference
    else:
        sd = float(np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2))
    return TaskEvidence(
        welch=stats.paired_test(x, y) if paired else stats.welch_test(x, y),
        test=verdict.test,
        solved=_solved(x, y, scale, statistics),
        iqm=_of_iqms(x, y, verdict, statistics),
        hedges_g=stats.hedges_g(x, y, confidence=statistics.confidence),
        cliffs_delta=stats.cliffs_delta([x], [y], **statistics.options, paired=paired),
        equivalence_p=None if verdict.margin is None else stats.equivalence_p(x, y, verdict.margin, paired=paired),
        **_what_n_allows(sd, len(x), len(y), verdict)._asdict(),
    )


def _solved(x: np.ndarray, y: np.ndarray, scale: Scale, statistics: Statistics) -> Solved | None:
    if scale.span is None:
        return None
    is_solved = [scale(side) >= statistics.threshold for side in (x, y)]
    of_x, of_y = ([int(side.sum()), len(side)] for side in is_solved)
    return Solved(of_x, of_y, stats.solved_test(*is_solved, paired=statistics.paired))


def _of_iqms(x: np.ndarray, y: np.ndarray, verdict: stats.Equivalence, statistics: Statistics) -> stats.Equivalence | None:
    """What can be said of the IQMs where what was found of the means may be undone by runs that were not seen."""
    shape = verdict.shape
    if shape is None or shape.unseen is None or verdict.difference.n < 2:
        return None
    margin, narrow = verdict.margin, verdict.narrow
    is_inside = margin is not None and narrow.is_claimed and narrow.low > -margin and narrow.high < margin
    if verdict.tier != "unlike" and not (is_inside and margin is not None and shape.undoes_equivalence(margin)):
        return None
    return stats.equivalence([x], [y], verdict.margin, **statistics.options, paired=statistics.paired, bounds=shape.bounds)


def corrected(comparisons: list[Comparison]) -> list[Comparison]:
    """The comparisons of one group with Holm's correction: over all its pairs and tasks, and over its pairs where tasks are aggregated."""
    cells = [(k, env) for k, pair in enumerate(comparisons) for env in pair.tasks]

    def over_cells(p_of: Callable[[Comparison, str], float]) -> dict[tuple[int, str], float]:
        return dict(zip(cells, stats.holm([p_of(comparisons[k], env) for k, env in cells]), strict=True))

    tested = over_cells(lambda pair, env: pair.tasks[env].test.p)
    welch = over_cells(lambda pair, env: pair.evidence.tasks[env].welch.p)
    share = over_cells(lambda pair, env: float("nan") if (known := pair.evidence.tasks[env].solved) is None else known.test.p)
    middle = over_cells(lambda pair, env: float("nan") if (known := pair.evidence.tasks[env].iqm) is None else known.test.p)
    whole = [k for k, pair in enumerate(comparisons) if pair.overall is not None]
    overall = dict(zip(whole, stats.holm([pair.overall.test.p for pair in comparisons if pair.overall is not None]), strict=True))
    found = []
    for k, pair in enumerate(comparisons):
        tasks = {env: verdict.adjusted(tested[k, env]) for env, verdict in pair.tasks.items()}
        known = {}
        for env, task in pair.evidence.tasks.items():
            solved = task.solved and replace(task.solved, p_holm=share[k, env])
            iqm = task.iqm and task.iqm.adjusted(max(middle[k, env], tested[k, env]))
            known[env] = replace(task, test_holm=tested[k, env], welch_holm=welch[k, env], solved=solved, iqm=iqm)
        found.append(replace(pair, tasks=tasks, overall=pair.overall.adjusted(overall[k]) if pair.overall is not None else None,
                             evidence=replace(pair.evidence, tasks=known)))  # fmt: skip
    return found


def decided(group: Group, study: Study, test: SequentialTest) -> list[Comparison]:
    """The comparisons of a sequential study: its test decides what is different, since p-values after several looks would not hold."""
    found = []
    for pair in group.comparisons:
        prefix = f"{group.name}: {pair.x} against {pair.y}"
        whole = {name: d for name, d in test.decisions.items() if name == prefix}
        by_task = {name.removeprefix(f"{prefix} on "): d for name, d in test.decisions.items() if name.startswith(f"{prefix} on ")}
        said = {what: sequential.described(what, d, test, study) for what, d in {**whole, **by_task}.items()}
        note = "left to the sequential test over all tasks"
        tasks = {}
        for env, verdict in pair.tasks.items():
            d = by_task.get(env) or (whole.get(prefix) if len(pair.tasks) == 1 else None)
            how = said.get(env, said.get(prefix, note)) if d else note
            tasks[env] = verdict.decided(how, is_different=bool(d and d.look))
        overall = pair.overall.decided(said[prefix], is_different=bool(whole[prefix].look)) if pair.overall is not None and whole else pair.overall
        nan = float("nan")
        known = {env: replace(task, test_holm=nan, welch_holm=nan, iqm=None, solved=task.solved and replace(task.solved, p_holm=nan))
                 for env, task in pair.evidence.tasks.items()}
        found.append(replace(pair, tasks=tasks, overall=overall, evidence=replace(pair.evidence, tasks=known)))
    return found
