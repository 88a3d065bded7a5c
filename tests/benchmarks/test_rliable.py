"""benchmarks.stats.rliable answers under rliable's names: beside rliable itself, on the same scores, and on the same resamples."""

import inspect
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import rliable.library
import rliable.metrics
import rliable.plot_utils

from benchmarks import stats
from benchmarks.stats import bootstrap
from benchmarks.stats.bootstrap import BadScores
from benchmarks.stats.rliable import library, metrics, plot_utils

ROOT = Path(__file__).parents[2]
AGGREGATES = ("aggregate_mean", "aggregate_median", "aggregate_iqm", "aggregate_optimality_gap")


def scores(runs=7, tasks=4, frames=(), seed=0, ties=False):
    x = np.random.default_rng(seed).normal(0.7, 0.3, (runs, tasks, *frames))
    return np.round(x, 1) if ties else x


def stacked(of):
    """The function of rliable's README."""
    return lambda x: np.array([of.aggregate_median(x), of.aggregate_iqm(x), of.aggregate_mean(x), of.aggregate_optimality_gap(x)])


def curve(of):
    """The sample-efficiency function of rliable's README."""
    return lambda x: np.array([of.aggregate_iqm(x[..., frame]) for frame in range(x.shape[-1])])


@pytest.fixture
def same_resamples(monkeypatch):
    """rliable draws what we draw, resample by resample; call it with the scores, `reps` and whether tasks are drawn."""

    def draw(*args, reps, is_independent=False, task_bootstrap=False):
        sides = args if is_independent else args[:1]
        runs = [np.concatenate([np.stack(block, axis=1) for block in bootstrap.draws(np.full(x.shape[1], len(x)), reps, 0, side)], axis=2)
                for side, x in enumerate(sides)]  # fmt: skip
        rng, n_tasks = bootstrap.stream(0, library.TASKS), args[0].shape[1]
        tasks = iter(rng.integers(0, n_tasks, size=(reps, n_tasks))) if task_bootstrap else None
        each = iter(range(reps))

        def indices(self):
            r = next(each)
            columns = np.arange(n_tasks) if tasks is None else next(tasks)
            found = [(rows[..., r], columns[None]) for rows in runs]
            return (found, {}) if is_independent else found[0]

        name = "StratifiedIndependentBootstrap" if is_independent else "StratifiedBootstrap"
        monkeypatch.setattr(getattr(rliable.library, name), "update_indices", indices)

    return draw


# ------------------------------------------------------------------------------------------------------------ names and arguments

MODULES = ((rliable.library, library), (rliable.metrics, metrics), (rliable.plot_utils, plot_utils))
PAIRS = [(theirs, ours, name) for theirs, ours in MODULES for name, thing in vars(theirs).items()
         if inspect.isfunction(thing) and thing.__module__ == theirs.__name__ and name != "_non_linear_scaling"]  # fmt: skip


@pytest.mark.parametrize("theirs, ours, name", PAIRS, ids=[name for *_, name in PAIRS])
def test_every_function_of_rliable_is_there_with_its_arguments_in_their_order(theirs, ours, name):
    expected, found = (list(inspect.signature(getattr(module, name)).parameters) for module in (theirs, ours))
    assert found[: len(expected)] == expected


@pytest.mark.parametrize("name", ["get_interval_estimates", "create_performance_profile"])
def test_defaults_are_rliables(name):
    of = lambda module: {key: p.default for key, p in inspect.signature(getattr(module, name)).parameters.items() if key != "seed"}
    assert of(library) == of(rliable.library)


# ------------------------------------------------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize("name", AGGREGATES)
@pytest.mark.parametrize("shape", [(7, 4), (2, 3), (1, 1), (10, 10), (5, 3, 6)])
@pytest.mark.parametrize("ties", [False, True])
def test_each_aggregate_is_rliables(name, shape, ties):
    x = scores(*shape[:2], shape[2:], ties=ties)
    np.testing.assert_allclose(getattr(metrics, name)(x), getattr(rliable.metrics, name)(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_the_probability_of_improvement_is_rliables(ties):
    x, y = scores(7, 4, seed=1, ties=ties), scores(5, 4, seed=2, ties=ties)
    assert metrics.probability_of_improvement(x, y) == pytest.approx(rliable.metrics.probability_of_improvement(x, y), abs=1e-12)
    assert metrics.probability_of_improvement(x, x) == pytest.approx(0.5, abs=1e-12)


def test_a_gap_has_the_threshold_that_is_asked_for():
    assert metrics.aggregate_optimality_gap(np.array([[1.0, 3.0]]), gamma=2) == 2 - (1 + 2) / 2


# ---------------------------------------------------------------------------------------------------------------------- intervals


@pytest.mark.parametrize("method", library.METHODS)
@pytest.mark.parametrize("name", AGGREGATES)
def test_on_the_same_resamples_every_method_gives_rliables_interval(method, name, same_resamples):
    x = scores(7, 4)
    ours = library.get_interval_estimates({"a": x}, getattr(metrics, name), method, reps=300)
    same_resamples(x, reps=300)
    theirs = rliable.library.get_interval_estimates({"a": x}, getattr(rliable.metrics, name), method, reps=300)
    assert ours[1]["a"].shape == theirs[1]["a"].shape == (2, 1)
    np.testing.assert_allclose(ours[1]["a"], theirs[1]["a"], rtol=0, atol=1e-12)
    assert ours[0]["a"] == pytest.approx(theirs[0]["a"], abs=1e-12) and type(ours[0]["a"]) is type(theirs[0]["a"])


def test_on_the_same_resamples_the_stacked_metrics_of_the_readme_have_rliables_intervals(same_resamples):
    x = scores(10, 6)
    ours = library.get_interval_estimates({"a": x}, stacked(metrics), reps=1500)  # more than one block of draws
    same_resamples(x, reps=1500)
    theirs = rliable.library.get_interval_estimates({"a": x}, stacked(rliable.metrics), reps=1500)
    np.testing.assert_allclose(ours[0]["a"], theirs[0]["a"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours[1]["a"], theirs[1]["a"], rtol=0, atol=1e-12)


def test_on_the_same_resamples_the_probability_of_improvement_has_rliables_interval(same_resamples):
    x, y = scores(7, 4, seed=1), scores(5, 4, seed=2)
    ours = library.get_interval_estimates({"x,y": (x, y)}, metrics.probability_of_improvement, reps=200)
    same_resamples(x, y, reps=200, is_independent=True)
    theirs = rliable.library.get_interval_estimates({"x,y": (x, y)}, rliable.metrics.probability_of_improvement, reps=200)
    np.testing.assert_allclose(ours[1]["x,y"], theirs[1]["x,y"], rtol=0, atol=1e-12)


def test_on_the_same_resamples_of_tasks_too_the_interval_is_rliables(same_resamples):
    x = scores(7, 4)
    ours = library.get_interval_estimates({"a": x}, stacked(metrics), task_bootstrap=True, reps=200)
    same_resamples(x, reps=200, task_bootstrap=True)
    theirs = rliable.library.get_interval_estimates({"a": x}, stacked(rliable.metrics), task_bootstrap=True, reps=200)
    np.testing.assert_allclose(ours[1]["a"], theirs[1]["a"], rtol=0, atol=1e-12)


CASES = {
    "stacked": ({"a": scores(10, 6)}, stacked),
    "improvement": ({"x,y": (scores(7, 4, seed=1), scores(5, 4, seed=2))}, lambda of: of.probability_of_improvement),
    "curve": ({"a": scores(6, 3, (4,))}, curve),
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_agree_with_rliables_own_resamples_within_their_monte_carlo_error(case):
    """A bound of R resamples is the quantile p of their distribution but for a share of ± sqrt(p (1 − p) / R): so far may two bounds lie apart in rank."""
    score_dict, make = CASES[case]
    [(name, data)] = score_dict.items()
    np.random.seed(0)  # what rliable draws from
    reps = {"ours": 20_000, "theirs": 400}
    _, theirs = rliable.library.get_interval_estimates(score_dict, make(rliable.metrics), reps=reps["theirs"])
    engine = library.StratifiedIndependentBootstrap(*data) if isinstance(data, tuple) else library.StratifiedBootstrap(data)
    values = engine.apply(make(metrics), reps["ours"])
    for bound, p in zip(theirs[name], (0.025, 0.975), strict=True):
        error = np.sqrt(p * (1 - p) * (1 / reps["ours"] + 1 / reps["theirs"]))
        assert ((values < bound).mean(axis=0) <= p + 4 * error).all()
        assert ((values <= bound).mean(axis=0) >= p - 4 * error).all()


# ------------------------------------------------------------------------------------------------------------------- known functions


class Counted:
    """A function, and how often it was called with numbers."""

    def __init__(self, func):
        self.func, self.calls = func, 0

    def __call__(self, *args):
        self.calls += all(isinstance(a, np.ndarray) for a in args)
        return self.func(*args)


KNOWN = {
    "a metric": (scores(), metrics.aggregate_iqm),
    "the README's stack": (scores(), stacked(metrics)),
    "the README's curve": (scores(5, 3, (6,)), curve(metrics)),
    "a list": (scores(), lambda x: [metrics.aggregate_iqm(x), metrics.aggregate_optimality_gap(x, gamma=0.5)]),
    "the last frame": (scores(5, 3, (6,)), lambda x: metrics.aggregate_median(x[:, :, -1])),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_stack_of_known_metrics_is_not_called_for_every_resample_and_its_interval_is_as_if_it_were(case):
    x, func = KNOWN[case]
    counted = Counted(func)
    _, fast = library.get_interval_estimates({"a": x}, counted, reps=1200)
    assert counted.calls <= 2
    values = np.array([np.ravel(func(*data)) for data, _ in library.StratifiedBootstrap(x).bootstrap(1200)])
    np.testing.assert_allclose(fast["a"], np.quantile(values, [0.025, 0.975], axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [*AGGREGATES, "probability_of_improvement"])
def test_rliables_own_function_is_known_too(name):
    data = (scores(), scores(seed=1)) if name == "probability_of_improvement" else scores()
    ours, theirs = (library.get_interval_estimates({"a": data}, getattr(of, name), reps=2000) for of in (metrics, rliable.metrics))
    engine = library.StratifiedIndependentBootstrap(*data) if isinstance(data, tuple) else library.StratifiedBootstrap(data)
    assert engine._asked(getattr(rliable.metrics, name)) is not None
    np.testing.assert_array_equal(ours[1]["a"], theirs[1]["a"])


UNKNOWN = {
    "arithmetic": lambda x: 1 - metrics.aggregate_optimality_gap(x[..., 0]),
    "numpy": lambda x: np.quantile(x, 0.1),
    "a choice": lambda x: metrics.aggregate_iqm(x[..., 0]) if x.mean() > 0 else metrics.aggregate_mean(x[..., 0]),
    "some tasks": lambda x: metrics.aggregate_iqm(x[:, :2, 0]),
    "all frames": lambda x: metrics.aggregate_mean(x),
    "another answer to what is no array": lambda x: metrics.aggregate_iqm(x[..., 0 if isinstance(x, np.ndarray) else 1]),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_any_other_function_is_called_for_every_resample(case):
    counted = Counted(UNKNOWN[case])
    x = scores(5, 3, (2,))
    _, found = library.get_interval_estimates({"a": x}, counted, reps=50)
    assert counted.calls >= 50
    values = np.array([np.ravel(UNKNOWN[case](*data)) for data, _ in library.StratifiedBootstrap(x).bootstrap(50)])
    np.testing.assert_allclose(found["a"], np.quantile(values, [0.025, 0.975], axis=0), rtol=0, atol=1e-12)


def test_a_run_is_drawn_with_all_of_its_frames():
    x = scores(6, 3)
    over_frames = lambda s: s.mean()
    flat, repeated = (library.get_interval_estimates({"a": s}, over_frames, reps=200)[1]["a"] for s in (x, x[:, :, None].repeat(9, axis=2)))
    np.testing.assert_allclose(flat, repeated, rtol=0, atol=1e-12)


def test_rliable_itself_draws_another_run_at_every_frame():
    """What the page says of it: the mean over nine equal frames is as uncertain as one frame, and its interval is a third as wide."""
    x = scores(6, 3)
    np.random.seed(0)
    of = lambda s: np.ptp(rliable.library.get_interval_estimates({"a": s}, lambda s: np.array([s.mean()]), reps=300)[1]["a"])
    assert of(x[:, :, None].repeat(9, axis=2)) < 0.6 * of(x)


def test_bca_of_several_numbers_is_that_of_each_alone():
    """Not so in arch, which centres the jackknife values of all on one common mean, as the page says."""
    x = scores()
    numbers = {"high": lambda x: 10 + metrics.aggregate_mean(x), "iqm": metrics.aggregate_iqm}
    of = lambda func: library.get_interval_estimates({"a": x}, func, "bca", reps=200)[1]["a"]
    together = of(lambda x: np.array([func(x) for func in numbers.values()]))
    np.testing.assert_allclose(together, np.hstack([of(func) for func in numbers.values()]), rtol=0, atol=1e-12)


# --------------------------------------------------------------------------------------------------------------------------- profiles

TAUS = np.linspace(0, 1.5, 16)


@pytest.mark.parametrize("use_score_distribution", [True, False])
@pytest.mark.parametrize("task_bootstrap", [False, True])
def test_on_the_same_resamples_profiles_are_rliables_where_resamples_differ(use_score_distribution, task_bootstrap, same_resamples):
    x = scores()
    options = {"use_score_distribution": use_score_distribution, "task_bootstrap": task_bootstrap, "reps": 300}
    ours = library.create_performance_profile({"a": x}, TAUS, **options)
    same_resamples(x, reps=300, task_bootstrap=task_bootstrap)
    theirs = rliable.library.create_performance_profile({"a": x}, TAUS, **options)
    np.testing.assert_array_equal(ours[0]["a"], theirs[0]["a"])
    varied = theirs[1]["a"][0] < theirs[1]["a"][1]
    assert varied.sum() >= 5
    np.testing.assert_allclose(ours[1]["a"][:, varied], theirs[1]["a"][:, varied], rtol=0, atol=1e-12)
    assert np.isnan(ours[1]["a"][:, ~varied]).all()


def test_a_profile_of_ones_own_takes_the_place_of_both():
    x = scores()
    at_least = lambda s, taus: np.array([(s >= tau).mean() for tau in taus])
    profiles, intervals = library.create_performance_profile({"a": x}, list(TAUS), custom_profile_func=at_least, reps=100)
    np.testing.assert_array_equal(profiles["a"], at_least(x, TAUS))
    assert intervals["a"].shape == (2, 16)


@pytest.mark.parametrize("name", ["score_distributions", "average_score_distributions"])
def test_the_profiles_themselves_are_rliables(name):
    x = scores(ties=True)
    np.testing.assert_array_equal(getattr(library, name)(x, TAUS), getattr(rliable.library, name)(x, TAUS))


# ------------------------------------------------------------------------------------------------------------------------------ seeds


def test_the_seed_says_the_resamples():
    of = lambda **options: library.get_interval_estimates({"a": scores()}, metrics.aggregate_iqm, reps=200, **options)[1]["a"].tolist()
    assert of() == of(seed=0) != of(seed=1)


def test_another_algorithm_changes_nobodys_interval():
    of = lambda *names: library.get_interval_estimates({n: scores(seed=ord(n)) for n in names}, metrics.aggregate_iqm, reps=200)[1]["b"].tolist()
    assert of("b") == of("a", "b") == of("b", "c")


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_random_state_is_heeded_and_goes_on_from_call_to_call(make):
    state, again = make(5), make(5)
    of = lambda rs: library.get_interval_estimates({"a": scores()}, metrics.aggregate_iqm, reps=200, random_state=rs)[1]["a"].tolist()
    first, second = of(state), of(state)
    assert first != second and [of(again), of(again)] == [first, second]
    assert of(3) == library.get_interval_estimates({"a": scores()}, metrics.aggregate_iqm, reps=200, seed=3)[1]["a"].tolist()


def test_random_state_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="random_state='x': give a whole number"):
        library.get_interval_estimates({"a": scores()}, metrics.aggregate_iqm, random_state="x")


@pytest.mark.filterwarnings("ignore:random_state is deprecated")
def test_rliable_itself_does_not_heed_random_state():
    """What the page says of it."""
    of = lambda: rliable.library.get_interval_estimates({"a": scores()}, rliable.metrics.aggregate_iqm, reps=20, random_state=np.random.RandomState(0))[1]["a"]
    assert not np.array_equal(of(), of())


# --------------------------------------------------------------------------------------------------------------- no interval, bad scores


def test_one_run_has_a_point_and_no_interval_and_it_is_said():
    x = scores(1, 4)
    with pytest.warns(library.NoInterval, match="'a': one run, hence no interval"):
        points, intervals = library.get_interval_estimates({"a": x}, stacked(metrics), reps=50)
    assert np.isfinite(points["a"]).all() and np.isnan(intervals["a"]).all() and intervals["a"].shape == (2, 4)


def test_resamples_that_do_not_differ_have_no_interval_and_it_is_said_where():
    x = scores(5, 3, (2,))
    x[:, :, 1] = 1.0
    with pytest.warns(library.NoInterval, match=r"'a': the resamples do not differ.*for 1 of 2 estimates \(first: number 1\)"):
        _, intervals = library.get_interval_estimates({"a": x}, curve(metrics), reps=50)
    assert np.isfinite(intervals["a"][:, 0]).all() and np.isnan(intervals["a"][:, 1]).all()


def test_a_warning_points_at_the_callers_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        library.get_interval_estimates({"a": scores(1, 4)}, metrics.aggregate_iqm, reps=50)
    assert [w.filename for w in caught] == [__file__]


BAD = scores()
BAD[2, 3] = np.nan


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: library.get_interval_estimates({"ppo": BAD}, metrics.aggregate_iqm), "scores of 'ppo' hold 1 value.*run 2, task 3"),
        (lambda: library.get_interval_estimates({"x,y": (scores(), BAD)}, metrics.probability_of_improvement), r"scores of 'x,y' \(Y\) hold.*run 2, task 3"),
        (lambda: library.create_performance_profile({"ppo": BAD}, TAUS), "scores of 'ppo' hold 1 value.*run 2, task 3"),
        (lambda: metrics.aggregate_iqm(BAD), "run 2, task 3"),
        (lambda: library.get_interval_estimates({"ppo": [[1, 2], [3, 4], [5]]}, metrics.aggregate_iqm), r"scores of 'ppo': run 2 has 1 task\(s\), run 0 has 2"),
        (lambda: library.get_interval_estimates({"ppo": 3}, metrics.aggregate_iqm), "scores of 'ppo' are a int"),
        (lambda: library.get_interval_estimates({"ppo": np.ones(4)}, metrics.aggregate_iqm), r"scores of 'ppo' have shape \(4,\)"),
        (lambda: library.create_performance_profile({"ppo": (scores(), scores())}, TAUS), "'ppo' has 2 score arrays"),
        (lambda: metrics.probability_of_improvement(scores(5, 3), scores(5, 4)), r"X has scores \(5, 3\), Y \(5, 4\)"),
        (lambda: library.StratifiedBootstrap(scores(5, 3), scores(4, 3)), "StratifiedIndependentBootstrap draws each by itself"),
    ],
)
def test_bad_scores_are_refused_with_the_algorithm_the_run_and_the_task(call, said):
    with pytest.raises(BadScores, match=said):
        call()


@pytest.mark.parametrize(
    "options, said",
    [
        ({"method": "studentized"}, "method='studentized': one of percentile"),
        ({"confidence_interval_size": 95}, "confidence=95"),
        ({"reps": 0}, "reps=0"),
        ({"method": "bc", "func": np.min}, "method='percentile'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        library.get_interval_estimates({"a": scores()}, **{"func": metrics.aggregate_iqm, "reps": 50, **options})


def test_tasks_of_a_pair_are_not_drawn():
    with pytest.raises(ValueError, match="task_bootstrap is for one"):
        library.get_interval_estimates({"x,y": (scores(), scores())}, metrics.probability_of_improvement, task_bootstrap=True)


def test_nested_lists_are_scores():
    x = scores()
    of = lambda s: library.get_interval_estimates({"a": s}, metrics.aggregate_iqm, reps=50)[1]["a"].tolist()
    assert of(x.tolist()) == of(x)


# ------------------------------------------------------------------------------------------------------------------- beside the harness


def test_the_door_and_the_harness_give_the_same_interval():
    x = scores()
    found = stats.interval_estimates({"a": x}, "iqm", reps=2000, seed=4)["a"]
    _, door = library.get_interval_estimates({"a": x}, metrics.aggregate_iqm, reps=2000, seed=4)
    assert door["a"][:, 0].tolist() == [found.low, found.high]


def test_a_bootstrap_of_its_own_has_the_same_interval():
    x, y = scores(), scores(5, 4, seed=1)
    for bs, data, func in ((library.StratifiedBootstrap(x), x, metrics.aggregate_iqm), (library.StratifiedIndependentBootstrap(x, y), (x, y),
                           metrics.probability_of_improvement)):  # fmt: skip
        _, expected = library.get_interval_estimates({"a": data}, func, reps=300)
        np.testing.assert_array_equal(bs.conf_int(func, 300, "percentile", 0.95), expected["a"])
        assert bs.apply(func, 300).shape == (300, 1)


def test_arguments_of_one_bootstrap_are_drawn_together():
    x = scores(6, 2)
    for (a, b), _ in library.StratifiedBootstrap(x, 2 * x).bootstrap(20):
        np.testing.assert_array_equal(2 * a, b)


FORBIDDEN = """
import sys
class Forbids:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rliable", "arch", "pandas", "seaborn", "absl"):
            raise ImportError(name)
sys.meta_path.insert(0, Forbids())
import numpy as np
from benchmarks.stats.rliable import library, metrics
print([name for name in ("torch", "pandas", "gymnasium", "stable_baselines3", "matplotlib") if name in sys.modules])
import matplotlib
matplotlib.use("Agg")
from benchmarks.stats.rliable import plot_utils
points, intervals = library.get_interval_estimates({"a": np.arange(12.0).reshape(4, 3)}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=20)
plot_utils.plot_interval_estimates(points, intervals, ["IQM"])
print(intervals["a"].shape)
"""


def test_it_needs_no_rliable_no_arch_and_no_pandas_and_imports_neither_torch_nor_the_harness():
    done = subprocess.run([sys.executable, "-c", FORBIDDEN], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "(2, 1)"]


@pytest.mark.parametrize("metric, shape", list(product(AGGREGATES, [(4, 3), (4, 3, 2)])))
def test_a_metric_changes_nothing_in_what_it_is_given(metric, shape):
    x = scores(*shape[:2], shape[2:])
    before = x.copy()
    getattr(metrics, metric)(x)
    np.testing.assert_array_equal(x, before)
