"""The tables of a report, and its protocol in words: every number from the analysis, written as `benchmarks.report.style` writes numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks import stats
from benchmarks.evidence import judgements, sequential
from benchmarks.evidence.records import BEYOND_RANDOM, Analysis, Group, is_planner, unit_of
from benchmarks.report import exports, verdicts
from benchmarks.report.style import Table, bracket, caution, count, decimals, number, p_value, percent, signed, steps, with_interval
from benchmarks.studies.study import Study, ranges

# --------------------------------------------------------------------------------------------------------- what was asked


def protocol(analysis: Analysis) -> list[tuple[str, str]]:
    """The protocol card: what was measured, in words."""
    study, how = analysis.study, analysis.statistics
    protocol = study.protocol or {}
    points, episodes = protocol.get("eval_points"), protocol.get("eval_episodes")
    special = {e: s["eval_episodes"] for e, s in (study.envs or {}).items() if s.get("eval_episodes")}
    more = "".join(f", {n} on {e}" for e, n in special.items())
    kind = "greedy (deterministic) actions" if protocol.get("deterministic", True) else "sampled actions"
    planned, finished = len(analysis.runs), int((analysis.runs["status"] == "finished").sum())
    welch = "paired" if how.paired else "Welch's"
    card = [
        ("Score of a run", f"mean return over the evaluation episodes at the last checkpoint, after training (protocol {protocol.get('name', 'final')}); "
                           "no checkpoint is chosen for its score"),
        ("Evaluation", f"{episodes} episodes{more}, {kind}, at each of {points} checkpoints evenly spaced over the budget; rewards are the environment's own"),
        ("Seeds", f"{len(study.seeds)}: {ranges(study.seeds)}; the same evaluation episodes for every algorithm"),
        ("Runs", f"{planned} planned, {finished} finished"),
        ("Intervals", f"{percent(how.confidence)}, by a stratified bootstrap of {count(how.reps)} repetitions, seed {how.seed}, in which the "
                      "runs of a seed on all tasks are drawn together: percentile intervals of P(X > Y), Cliff's δ and ranks, and of the IQM of one task; "
                      "expanded ones, which allow for few runs, of aggregates, differences, learning curves and profiles. "
                      f"Of one task also t intervals of means, and {welch} t intervals of their differences"),
        ("Differences", f"claimed where the larger p of a studentised permutation test and {welch} t test (of IQMs: Yuen's) "
                        f"is below {percent(stats.ALPHA)} after Holm, over the pairs and tasks of a group. Skewed scores of equal mean and "
                        "unequal spread are called different more often than that, the more so the fewer runs (results/calibration)"),
        ("Failures", _failures_assumed(analysis)),
        ("Margin of equivalence", f"±{how.margin:g} of the span from random to expert, fixed in the study before running; equivalence is claimed where the "
                                  f"90\u00a0% interval of the difference lies inside it, from at least {stats.FEWEST_RUNS_FOR_EQUIVALENCE} runs; not "
                                  "corrected for the number of pairs and tasks: each errs in 5\u00a0%, so of many at the edge of the margin some will"),
        ("What n allows", _power(analysis)),
    ]
    cells = [known for group in analysis.groups for env in group.envs for known in group.evidence.of_cells(env).values()]
    if any(known.learnt is not None for known in cells):
        beyond, solved = percent(BEYOND_RANDOM), percent(how.threshold)
        card.append(("Learnt", f"an algorithm has learnt a task where the {percent(how.confidence)} t interval of its mean lies beyond {beyond} of the way "
                               f"from the random policy's score to the expert's; in part, where the mean itself is below {solved} of it; not, where the "
                               f"interval lies below {beyond}; else it is unclear"))
    over = [f"in group {group.name}, {sentence[0].lower()}{sentence[1:]}" for group in analysis.groups if (sentence := judgements.correlation_said(group))]
    if over:
        card.append(("Seeds over tasks", "a run's seed is the same on all tasks, so the runs of a seed are resampled and permuted as one unit: intervals and "
                                         f"tests over tasks hold whatever their correlation. Measured here: {'; '.join(over)}"))
    if how.paired:
        card.append(("Pairs", "runs of the same seed share their environment and are compared as pairs; Hedges' g and areas take them as independent"))
    tuned = exports.tuning(study)
    said_of_them = [exports.hyperparams_from(study), f"{tuned}. No seed of tuning is among the seeds here" if tuned else ""]
    if any(said_of_them):
        card.append(("Hyper-parameters", ". ".join(filter(None, said_of_them))))
    if analysis.sequential is not None:
        after = judgements.after_stopping(study)
        card.append(("Sequential", f"{sequential.error_per_study(study)}, of algorithms that are the same in distribution. P-values of single tests hold "
                                   "no longer after several looks and are left out. Intervals, those behind claims of equivalence too, take the number "
                                   f"of runs as fixed{f': {after}' if after else ''}"))
    said = protocol.get("words") or {}  # of runs that other programs made: what is known of them
    return [(term, said.get(term, words)) for term, words in card]


def _failures_assumed(analysis: Analysis) -> str:
    """What keeps a claim from resting on failures that were not seen."""
    known = [scale.span is not None for group in analysis.groups for scale in group.scales.values()]
    once = any(cell.scores.shape[1] < 2 for group in analysis.groups for cell in group.cells.values())
    unknown = "failures that were not seen cannot be allowed for, since one checkpoint shows no score of a run that has not learnt" if once else (
        "it may score as the lowest or highest of any run at any checkpoint")
    bounded = "a run that was not seen may score as the random policy does, or as the expert" if any(known) else unknown
    bounded += "" if all(known) or not any(known) else f"; on tasks without these scores {unknown}"
    return (f"a mean or IQM of few runs says little of how often runs fail: of n runs without a failure, up to 1 − 0.05^(1/n) may fail. A difference, and an "
            f"equivalence, is claimed only if it survives other weights of the runs seen (95\u00a0% of weighings) and failures not seen (at 95\u00a0%); "
            f"{bounded}. A task counts as solved by a run that ends at {percent(analysis.statistics.threshold)} of the span from random to expert or beyond; "
            "shares of solved runs are compared by an exact test, with Holm's correction over the pairs and tasks of a group")


def _power(analysis: Analysis) -> str:
    n = min((c.n for g in analysis.groups for c in g.cells.values()), default=0)
    return f"{stats.coverage_note(n, analysis.statistics.confidence)}. For one task, read the t interval beside it." if n else "nothing finished"


def budgets(analysis: Analysis) -> Table:
    """Budget of every algorithm and task, and the RL Zoo's own beside it: a cut is named."""
    rows = []
    is_ours = analysis.study.zoo_budget is not None
    zoo = analysis.study.zoo_budget or {}
    planned = analysis.runs.drop_duplicates(["algo", "env"]).set_index(["algo", "env"])["steps"]
    for group in analysis.study.groups:
        for env in group["envs"]:
            for algo in group["algos"]:
                mine, theirs = int(planned[algo, env]), (zoo.get(env) or {}).get(algo)
                if unit_of(algo) == "updates":
                    data = analysis.study.envs[env]["dataset"]
                    note = f"gradient steps on the data set {data['name']} ({count(data['steps'])} steps, hash {data['hash'][:12]}); no environment steps"
                elif is_planner(algo):
                    note = f"{count(mine)} state {unit_of(algo)} at most; no environment steps"
                elif theirs is None:
                    note = "the RL Zoo has no tuned entry"
                elif mine == theirs:
                    note = "the Zoo's own"
                else:
                    note = f"{'CUT' if mine < theirs else 'raised'} to {percent(mine / theirs)} of the Zoo's"
                rows.append([env, algo, steps(mine), *([steps(theirs) if theirs else "–", note] if is_ours else [])])
    return Table(["task", "algorithm", "budget", *(["RL Zoo's budget", "note"] if is_ours else [])], rows)


def reference_scores(analysis: Analysis) -> Table:
    rows = []
    for group in analysis.groups:
        for env in group.envs:
            given = (analysis.study.normalise or {}).get(env) or {}
            known = (analysis.study.references or {}).get(env) or []
            others = "; ".join(f"{r['label']}: {number(r['score'])}" for r in known)
            source = given.get("source", "none: scores stay in the task's own unit")
            rows.append([env, number(given.get("random")), number(given.get("expert")), source, others or "–"])
    return Table(["task", "random (0)", "expert (1)", "source", "published scores"], rows)


# ----------------------------------------------------------------------------------------------------------- of one group


def per_task(group: Group) -> Table:
    rows, are_twins = [], any(pair.is_twin or same for pair in group.comparisons for same, _ in pair.same.values())
    for pair in group.comparisons:
        for env in group.envs:
            test = pair.tasks[env]
            same, shared = pair.same[env]
            digits = decimals(group.cells[pair.x, env].summary.mean, group.cells[pair.y, env].summary.mean)
            margin = f"±{number(test.margin, digits)}" if test.margin else "–"
            apart, narrow = with_interval(test.difference, digits, sign=True), bracket(test.narrow, digits)
            rows.append([env, pair.x, pair.y, apart, narrow, margin, verdicts.in_short(pair, env), *([f"{same} of {shared}"] if are_twins else [])])
    header = ["task", "X", "Y", "mean(X) − mean(Y)", "90 % interval", "margin", "verdict", *(["same run at the same seed"] if are_twins else [])]
    no_parity = f" {verdicts.NO_PARITY}" if any(row[6] == verdicts.SHORT["D"] for row in rows) else ""
    how = "the paired t interval (runs of the same seed)" if group.comparisons[0].evidence.paired else "Welch's t interval"
    warning = " ".join(filter(None, [*(f"{sentence}." for sentence in group.evidence.unequal_tuning), caution(group, "per_task")]))
    return Table(header, rows, f"Task by task, in the task's own unit: difference of means with {how}.{no_parity}", warning)


def effects(group: Group) -> Table:
    """Tests and effect sizes task by task, and what this n can find."""
    rows = []
    for pair in group.comparisons:
        for env in group.envs:
            known, digits = pair.evidence.tasks[env], decimals(group.cells[pair.x, env].summary.mean, group.cells[pair.y, env].summary.mean)
            detectable = number(known.detectable, digits) if known.detectable else "–"
            seeds = " / ".join(str(n or "–") for n in (known.runs_to_detect, known.runs_for_equivalence))
            tests = [p_value(np.nan if p is None else p) for p in (known.test_holm, known.welch_holm, known.equivalence_p)]
            effects = [with_interval(effect, 2, sign=True) for effect in (known.hedges_g, known.cliffs_delta)]
            rows.append([env, pair.x, pair.y, *tests, *effects, detectable, seeds])
    paired = group.comparisons[0].evidence.paired
    header = ["task", "X", "Y", "p of the difference (Holm)", f"p, {'paired t' if paired else 'Welch'} (Holm)", "p, TOST", "Hedges' g", "Cliff's δ"]
    header += ["detectable at this n", "runs to detect / for equivalence"]
    caption = (f"Tests corrected by Holm over this table, TOST not; the first p is the larger of the permutation test's and the {'paired ' if paired else ''}"
               "t test's. Effect sizes with intervals; the smallest difference that this n finds with 80\u00a0% power, "
               "in the task's unit; and how many runs a side would find the difference seen, or show equivalence if there is none.")  # fmt: skip
    return Table(header, rows, caption, caution(group, "effects"))


def solved(group: Group) -> Table | None:
    """How many runs solved each task, with its own test."""
    rows, exact = [], "Boschloo's exact test"
    for pair in group.comparisons:
        for env in group.envs:
            known = pair.evidence.tasks[env].solved
            if known:
                exact = f"{known.test.method} test"
                rows.append([env, pair.x, pair.y, *(f"{k} of {n}" for k, n in (known.x, known.y)), p_value(known.test.p), p_value(known.p_holm)])
    if not rows:
        return None
    caption = (f"Runs whose final score reaches the study's threshold, which was fixed before the runs; p of equal shares by {exact}, and after Holm over this "
               "table. It assumes nothing of the shape of the scores.")  # fmt: skip
    return Table(["task", "X", "Y", "solved by X", "solved by Y", "p", "p (Holm)"], rows, caption)


def fewer(group: Group) -> list[str]:
    """Whether five seeds would have told the same story, a sentence for each comparison."""
    said = []
    for pair in group.comparisons:
        story = pair.evidence.fewer_seeds
        if story is not None and pair.overall is not None and pair.overall.difference.point:
            ahead, low, high, whole = percent(round(story.same_sign, 3)), signed(story.low), signed(story.high), signed(pair.overall.difference.point)
            said.append(f"{pair.x} against {pair.y}: of random choices of {story.n} runs a task, {ahead} put the same side ahead as all runs do; "
                        f"95\u00a0% of them find a difference between {low} and {high}, where all runs find {whole}.")
    return said


def areas(group: Group) -> Table | None:
    """The mean score during training: over the tasks, and task by task."""
    rows = [[env, algo, with_interval(known.area)] for env in group.envs for algo, known in group.evidence.of_cells(env).items()]
    rows += [["all tasks (IQM, normalised)", algo, with_interval(area)] for algo, area in group.evidence.area.items() if len(group.envs) > 1]
    over_all = "all tasks (IQM, normalised)" if len(group.envs) > 1 else group.envs[0]
    rows += [[over_all, f"{p.x} − {p.y}", with_interval(p.evidence.area, sign=True)] for p in group.comparisons if p.evidence.area is not None]
    how = "Area under the learning curve as the mean score between the first and the last checkpoint: task by task with its t interval"
    over = ", over all tasks with an expanded-bootstrap interval" if len(group.envs) > 1 else ""
    apart = "; differences of IQMs, in the group's unit, with expanded ones" if any(pair.evidence.area is not None for pair in group.comparisons) else ""
    return Table(["task", "algorithm", "mean score during training"], rows, f"{how}{over}{apart}.", caution(group, "areas"))


# -------------------------------------------------------------------------------------------------------- training health


def accounts(analysis: Analysis) -> Table:
    """What became of every planned run."""
    rows = []
    for group in analysis.groups:
        for env, of_algo in group.evidence.tasks.items():
            for algo, known in of_algo.items():
                diverged = ", ".join(map(str, known.diverged)) or "–"
                errors = "; ".join(f"{n} × {error}" for error, n in known.errors.items()) or "–"
                rows.append([algo, env, *map(str, (known.planned, known.finished, known.failed, known.missing)), diverged, errors])
    header = ["algorithm", "task", "planned", "finished", "failed", "missing", "diverged (seeds)", "errors"]
    return Table(header, rows, "Every planned run is in one of finished, failed, missing. A run that diverged has finished: its score counts.")


def speeds(analysis: Analysis) -> Table:
    rows = []
    for group in analysis.groups:
        for (algo, env), cell in group.cells.items():
            unit = "steps/s" if unit_of(algo) == "steps" else f"{unit_of(algo)}/s"
            runs = analysis.runs[(analysis.runs["algo"] == algo) & (analysis.runs["env"] == env) & (analysis.runs["group"] == group.name)]
            together = sorted({int(k) for k in runs["lockstep"].dropna()}) if "lockstep" in runs else []
            width = ", ".join(map(str, together)) or "–"
            known = ((cell.steps_per_second, 0, unit), (cell.train_seconds, 1, "s"), (cell.eval_seconds, 1, "s"))
            speed, train, evaluate = (f"{number(value, digits)} {of}" if np.isfinite(value) else "not known" for value, digits, of in known)
            rows.append([algo, env, speed, width, train, evaluate])
    return Table(["algorithm", "task", "speed (median run)", "seeds in one process", "training per run", "evaluation per run"], rows)


def failures(analysis: Analysis) -> list[dict[str, Any]]:
    lost = analysis.runs[analysis.runs["status"] != "finished"].drop_duplicates("run_id")
    columns = ("run_id", "algo", "env", "seed", "status", "error", "traceback")
    return [{c: None if pd.isna(row[c]) else row[c] for c in columns} for row in lost.to_dict("records")]


def diagnostics(training: pd.DataFrame) -> Table | None:
    """The last logged value of each training metric: median and range over all runs of an algorithm on a task."""
    if training.empty:
        return None
    last = training.sort_values("step", kind="stable").groupby(["algo", "env", "key", "seed"], sort=True)["value"].last()
    rows = []
    for (algo, env, key), values in last.groupby(level=["algo", "env", "key"]):
        known = values.dropna()
        found = [f"{f(known):.4g}".replace("-", "−") for f in (np.median, np.min, np.max)] if len(known) else ["–"] * 3
        rows.append([algo, env, key, str(len(values)), *found, "" if len(known) == len(values) else f"{len(values) - len(known)} NaN"])
    return Table(["algorithm", "task", "metric", "runs", "median", "min", "max", "note"], rows)


# ---------------------------------------------------------------------------------------------------- where it comes from


def hosts(facts: dict) -> Table:
    keys = list(dict.fromkeys(key for host in facts["hosts"] for key in host))
    rows = [[key.replace("_", " "), *(str(host.get(key, "–")) for host in facts["hosts"])] for key in keys]
    return Table(["", *(f"machine {k + 1}" for k in range(len(facts["hosts"])))], rows)


def environments(facts: dict) -> Table:
    rows = []
    for env, known in facts["rendering"]["environments"].items():
        files = ", ".join(f"{name} {digest[:16]}" for name, digest in known.get("files", {}).items())
        rows.append([env, known.get("entry_point", known.get("source", "–")), files or known.get("note", "–")])
    return Table(["environment", "entry point", "source and assets, first 16 digits of sha256"], rows)


def own_parts(study: Study) -> Table | None:
    """The modules of a study that are its author's own, and the packages that they stand on."""
    own = study.own
    if not own:
        return None
    users = {**own["algorithms"], **own["environments"]}
    rows = [[module, known["file"], known["sha256"][:16], ", ".join(id for id, modules in users.items() if module in modules)]
            for module, known in own["modules"].items()]  # fmt: skip
    rows += [[package, "–", version, "–"] for package, version in own["packages"].items()]
    return Table(["module or package", "file", "first 16 digits of sha256, or version", "part of"], rows)


def checklist(facts: dict) -> Table:
    return Table(["", "point", "answer", "where"], [[c["part"], c["point"], c["answer"], c["where"]] for c in facts["checklist"]])


def runs(facts: dict) -> Table:
    short = lambda text: text[:16] if text else "–"
    rows = [
        [r["run_id"], str(r["seed"]), str(r["model_seed"] or "–"), r["status"], short(r["weights_hash_start"]), short(r["weights_hash_end"]), short(r["seal"])]
        for r in facts["runs"]
    ]
    return Table(["run", "seed", "model seed", "status", "weights at start", "weights at end", "files"], rows)


def scores(scores: pd.DataFrame) -> Table:
    rows = [
        [r.group, r.algo, r.env, str(r.seed), repr(float(r.score)).replace("-", "−"), "–" if pd.isna(r.normalised_score) else number(r.normalised_score, 4)]
        for r in scores.itertuples()
    ]
    return Table(["group", "algorithm", "task", "seed", "final score", "normalised"], rows)


def final_scores(analysis: Analysis) -> pd.DataFrame:
    """The final score of every finished run."""
    rows = []
    for group in analysis.groups:
        for (algo, env), cell in group.cells.items():
            scale = group.scales[env]
            for seed, score in zip(cell.seeds, cell.final, strict=True):
                rows.append((group.name, algo, env, seed, int(cell.steps[-1]), unit_of(algo), score, float(scale(score)) if scale.span else None))
    return pd.DataFrame(rows, columns=["group", "algo", "env", "seed", "budget", "unit", "score", "normalised_score"])
