"""Numbers of claims that are no contrast of arms, against counting every case."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from benchmarks import IntegrityError, UserError, stats
from benchmarks.claims import statistics
from benchmarks.claims.claim import Metric, Number
from benchmarks.claims.estimates import Cells, contrast
from benchmarks.claims.metrics import Results

ENVS = ("CartPole-v1", "Acrobot-v1", "FrozenLake-v1")


def a_number(statistic="splits_that_differ", nothing=5.0, enough=10.0, **settings):
    return Number("n", "says", Metric(), nothing, enough, statistic=statistic, settings=settings)


def of_scores(scores, envs=("CartPole-v1",)):
    """Results and a claim of one arm with these scores, [tasks, runs]."""
    rows = [("dqn", env, seed, 100, score) for env, of_task in zip(envs, scores, strict=True) for seed, score in enumerate(of_task)]
    results = Results(list(range(len(scores[0]))), pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "score"]), pd.DataFrame())
    study = SimpleNamespace(normalise={env: {"random": 10.0, "expert": 30.0} for env in envs})
    claim = SimpleNamespace(name="c", study_settings={"groups": [{"algos": ["dqn"], "envs": list(envs)}]}, study=lambda: study)
    return results, claim


# ------------------------------------------------------------------------------------------------ two groups of one algorithm


def pairs(n, k):
    """Every pair of groups of k of n runs, each once."""
    groups = list(itertools.combinations(range(n), k))
    return [(one, other) for one in groups for other in groups if not set(one) & set(other) and one < other]


@pytest.mark.parametrize(("n", "k"), [(5, 2), (7, 3), (6, 2)])
def test_every_split_is_drawn_once_where_all_are_drawn(n, k):
    drawn = [tuple(sorted((tuple(sorted(row[:k])), tuple(sorted(row[k:]))))) for row in statistics._splits(n, k, 10**6).tolist()]
    assert sorted(drawn) == sorted(pairs(n, k))


def test_random_splits_have_no_run_twice_and_every_run_as_often():
    drawn = statistics._splits(40, 5, 20_000)
    assert drawn.shape == (20_000, 10) and all(len(set(row)) == 10 for row in drawn[:100].tolist())
    assert np.bincount(drawn.ravel()) / 20_000 == pytest.approx(np.full(40, 0.25), abs=0.02)


@pytest.mark.parametrize("rule", ["standard errors", "standard deviations"])
def test_the_share_of_splits_and_its_jackknife_error_are_counted(rule):
    scores = np.array([1.0, 2, 4, 8, 9, 15, 16])
    per = 3**0.5 if rule == "standard errors" else 1

    def share(runs):
        sides = [(runs[list(a)], runs[list(b)]) for a, b in pairs(len(runs), 3)]
        return 100 * np.mean([abs(x.mean() - y.mean()) > (x.std(ddof=1) + y.std(ddof=1)) / per for x, y in sides])

    found = statistics.splits_that_differ(*of_scores([scores]), a_number(cell="dqn", runs=3, rule=rule))
    without = np.array([share(np.delete(scores, run)) for run in range(7)])
    error = np.sqrt(6 / 7 * ((without - without.mean()) ** 2).sum())
    assert found.point == pytest.approx(share(scores)) and 0 < found.point < 100
    assert found.high - found.point == pytest.approx(scipy.stats.t.ppf(0.975, 6) * error)
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(abs(found.point - 5) / error, 6))


def test_the_rule_called_test_is_that_of_every_claim():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (60, 5)), rng.normal(1.5, 2, (60, 5))
    x[0], y[0] = 1.0, 2.0  # runs that do not vary
    each = [contrast(Cells((one, other), (1.0, -1.0), paired=False)).p <= 0.05 for one, other in zip(x, y, strict=True)]
    assert statistics._tested(x, y).tolist() == each and 0 < sum(each) < 60 and each[0]


def test_of_normal_runs_standard_errors_differ_far_more_often_than_a_test_at_5_percent():
    scores = np.random.default_rng(3).normal(0, 1, 40)
    naive, ours = (statistics.splits_that_differ(*of_scores([scores]), a_number(cell="dqn", rule=rule, splits=2000)) for rule in ("standard errors", "test"))
    assert naive.low > 10 and ours.high90 < 6


def test_the_interval_holds_the_true_share_of_normal_runs():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (2, 100_000, 5))
    truth, held = 100 * statistics.RULES["standard errors"](x, y).mean(), 0
    for _ in range(40):
        found = statistics.splits_that_differ(*of_scores([rng.normal(0, 1, 30)]), a_number(cell="dqn", rule="standard errors", splits=3000))
        held += found.low <= truth <= found.high
    assert held >= 34


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"rule": "test"}, "number n: its settings need cell"),
        ({"cell": "dqn", "rule": "test", "rnus": 5}, "number n: its settings have no 'rnus': there are cell, runs, rule, splits"),
        ({"cell": "dqn", "rule": "sem"}, "number n: rule=sem: one of standard errors, standard deviations, test"),
    ],
)
def test_wrong_settings_of_a_statistic_are_named(settings, line):
    with pytest.raises(UserError) as caught:
        statistics.splits_that_differ(*of_scores([np.arange(8.0)]), a_number(**settings))
    assert str(caught.value) == line


def test_two_groups_that_leave_no_run_out_have_no_share():
    with pytest.raises(IntegrityError, match="n: two groups of 4 need more than 8 runs"):
        statistics.splits_that_differ(*of_scores([np.arange(8.0)]), a_number(cell="dqn", rule="test", runs=4))


# ------------------------------------------------------------------------------------------------------ few runs of a suite

SUITE = np.random.default_rng(1).normal([[10.0], [20.0], [24.0]], 6.0, (3, 12))


def test_medians_and_iqms_of_many_samples_are_those_of_the_statistics():
    drawn = np.random.default_rng(0).normal(0, 1, (20, 3, 7))
    assert statistics.medians(drawn) == pytest.approx([stats.aggregate(list(one), "median") for one in drawn])
    assert statistics.iqms(drawn) == pytest.approx([stats.aggregate(list(one), "iqm") for one in drawn])


def test_the_error_of_a_few_runs_is_that_of_all_samples_that_can_be_drawn():
    suite = np.array([[0.0, 1.0, 5.0], [2.0, 3.0, 9.0]])
    every = np.array([[suite[0, list(a)], suite[1, list(b)]] for a in itertools.product(range(3), repeat=2) for b in itertools.product(range(3), repeat=2)])
    errors = [np.mean((aggregate(every) - aggregate(suite[None])) ** 2) for aggregate in (statistics.medians, statistics.iqms)]
    found = statistics._log_ratio([suite], [2], 200_000, np.random.default_rng(0))
    assert found == pytest.approx(0.5 * np.log(errors[0] / errors[1]), abs=0.01)


def test_the_ratio_does_not_depend_on_the_scale_that_all_tasks_share():
    number = a_number("median_over_iqm", 1.0, 1.1, arms=["dqn"], runs=[3], resamples=300, outer=20)
    results, claim = of_scores(SUITE, ENVS)
    moved = of_scores(10 * SUITE, ENVS)[0]
    assert statistics.median_over_iqm(results, claim, number).point == pytest.approx(statistics.median_over_iqm(moved, claim, number).point)


def test_of_five_tasks_that_lie_apart_the_median_is_one_tasks_mean_and_the_iqm_that_of_half_of_them():
    """The error of the median is that of four runs of one task, 0.01/√4; that of the IQM is simulated with SciPy's trimmed mean."""
    rng = np.random.default_rng(0)
    suite = 0.01 * rng.normal(0, 1, (5, 200)) + np.arange(5.0)[:, None]
    middle = scipy.stats.trim_mean((0.01 * rng.normal(0, 1, (20_000, 5, 4)) + np.arange(5.0)[:, None]).reshape(20_000, -1), 0.25, axis=1)
    assert np.exp(statistics._log_ratio([suite], [4], 20_000, rng)) == pytest.approx(0.01 / 4**0.5 / middle.std(), rel=0.1)
    envs = [f"task-{k}" for k in range(5)]
    found = statistics.median_over_iqm(*of_scores(suite, envs), a_number("median_over_iqm", 1.0, 1.1, arms=["dqn"], runs=[4, 6], resamples=500, outer=60))
    assert found.low > 1.1 and found.p < 0.05 and found.low < found.low90 < found.point < found.high90 < found.high


def test_scores_are_put_on_the_scale_from_random_to_expert():
    assert statistics._on_scale(np.array([10.0, 20.0, 30.0]), {"task": {"random": 10.0, "expert": 30.0}}, "task").tolist() == [0, 0.5, 1]


def test_a_task_without_a_scale_is_refused():
    with pytest.raises(UserError, match="task has no normalise, so its scores cannot stand beside those of other tasks"):
        statistics._on_scale(np.array([10.0]), {}, "task")


def test_the_same_runs_give_the_same_number_every_time():
    number = a_number("median_over_iqm", 1.0, 1.1, arms=["dqn"], runs=[3], resamples=100, outer=10)
    assert statistics.median_over_iqm(*of_scores(SUITE, ENVS), number) == statistics.median_over_iqm(*of_scores(SUITE, ENVS), number)


def test_a_median_over_one_task_is_refused():
    with pytest.raises(UserError, match="number n: 'dqn' has 1 tasks: a median over tasks needs more"):
        statistics.median_over_iqm(*of_scores(SUITE[:1]), a_number("median_over_iqm", 1.0, 1.1, arms=["dqn"], runs=[3]))
