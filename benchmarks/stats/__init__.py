"""Aggregate scores of reinforcement-learning runs, and what they are worth: estimates, intervals, tests, and how far to trust them.

    from benchmarks import stats
    stats.interval_estimates({"ppo": scores}, metric="iqm", reps=50_000, seed=0, confidence=0.95)     # point, low, high (per checkpoint)
    stats.probability_of_improvement(x, y)      stats.difference(x, y)      stats.performance_profile({"ppo": scores}, taus)
    stats.equivalence(x, y, margin=0.05)        stats.difference_test(x, y)

Scores are `[runs, tasks]` or `[runs, tasks, checkpoints]`; a task with another number of runs is allowed when scores are given as a
sequence with one array, `[runs_m]` or `[runs_m, checkpoints]`, per task, and `BySeed(scores, seeds)` is such a sequence where the runs of one
seed belong together. One resample of the runs serves all checkpoints, since the checkpoints of one run belong together. Everything random is
drawn from `seed`; no global state is used.

    bootstrap.py     the resampling engine            intervals.py    estimates with intervals, ranks, one task
    comparisons.py   X against Y, parity, power       curves.py       area under the curve, steps to a threshold
    sequential.py    stop when there is enough        coverage.py     how often the intervals hold, as measured
    power.py         how many seeds to run            speed.py        time beside rliable's
    assumptions.py   luck shared over tasks           marl_eval.py    score dictionaries from and to marl-eval's JSON
    colours.py       of all pictures                  rliable/        the same under rliable's names (docs/rliable.md)
"""

from benchmarks.stats.assumptions import Correlation, correlation_over_seeds, solved_test
from benchmarks.stats.bootstrap import (
    METRICS,
    BadScores,
    BySeed,
    Scores,
    aggregate,
    improvement_replicates,
    replicates,
    subset_replicates,
)
from benchmarks.stats.comparisons import (
    ALPHA,
    FEWEST_RUNS_FOR_EQUIVALENCE,
    PARITY,
    POWER,
    Equivalence,
    FewerSeeds,
    Reweighted,
    Test,
    cliffs_delta,
    difference_test,
    equivalence,
    equivalence_p,
    equivalence_power,
    fewer_seeds,
    hedges_g,
    holm,
    leave_one_task_out,
    minimal_detectable_effect,
    paired_difference,
    paired_test,
    permutation_test,
    reweighted,
    run_sd,
    runs_for_equivalence,
    runs_to_detect,
    t_power,
    t_test,
    welch_difference,
    welch_test,
)
from benchmarks.stats.coverage import coverage_note, coverage_warning, rate_warning
from benchmarks.stats.curves import TimeToThreshold, area_under_curve, kaplan_meier, steps_to_threshold
from benchmarks.stats.intervals import (
    Interval,
    Ranks,
    TaskSummary,
    difference,
    interval_estimates,
    performance_profile,
    probability_of_improvement,
    ranks,
    runs_for_tolerance,
    t_interval,
    task_summary,
    tolerance_interval,
)

__all__ = [
    "ALPHA", "FEWEST_RUNS_FOR_EQUIVALENCE", "METRICS", "PARITY", "POWER",
    "BadScores", "BySeed", "Correlation", "Equivalence", "FewerSeeds", "Interval", "Ranks", "Reweighted", "Scores", "TaskSummary", "Test", "TimeToThreshold",
    "aggregate", "area_under_curve", "cliffs_delta", "correlation_over_seeds", "coverage_note", "coverage_warning", "difference", "difference_test",
    "equivalence", "equivalence_p", "equivalence_power", "fewer_seeds", "hedges_g", "holm", "improvement_replicates", "interval_estimates",
    "kaplan_meier", "leave_one_task_out", "minimal_detectable_effect", "paired_difference", "paired_test", "performance_profile", "permutation_test",
    "probability_of_improvement", "ranks", "rate_warning", "replicates", "reweighted", "run_sd", "runs_for_equivalence", "runs_for_tolerance", "runs_to_detect",
    "solved_test", "steps_to_threshold", "subset_replicates", "t_interval", "t_power", "t_test", "task_summary", "tolerance_interval",
    "welch_difference", "welch_test",
]  # fmt: skip
