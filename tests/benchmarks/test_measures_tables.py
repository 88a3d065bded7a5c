"""Measures of what tables and small networks learnt, against numbers worked by hand, and that training does not notice them."""

import functools
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch

from benchmarks import UserError
from benchmarks.measures.expected_gap import ExpectedGap
from benchmarks.measures.objective import Objective
from benchmarks.measures.q_error import QError
from benchmarks.measures.q_gap import QGap
from benchmarks.measures.return_distribution import ReturnDistribution, w1
from from_scratch.registry import load
from tests.benchmarks.test_measures_value import _is_the_same_alone, _is_unnoticed
from tests.some import some

WALK = "from_scratch/RandomWalk5-v0"
LAKE = {"exploration_initial_eps": 1.0, "exploration_final_eps": 1.0}
CORRIDOR = {"learning_starts": 20, "batch_size": 8, "buffer_size": 300, "policy_kwargs": {"net_arch": [8]}}


def measuring(kind, env, model):
    measure = kind(SimpleNamespace(runs=[SimpleNamespace(algo="x", env=env, spec={}, hyperparams={})] * model.n_seeds))
    measure.model = model
    measure._on_training_start()
    return measure


# ------------------------------------------------------------------------------------------------------ Wasserstein distance
@pytest.mark.parametrize(
    "x, p, y, q, wanted",
    [([0.0], [1.0], [3.0], [1.0], 3.0), ([0.0, 1.0], [0.5, 0.5], [0.5], [1.0], 0.5), ([0.0, 2.0], [0.5, 0.5], [0.0, 2.0], [0.75, 0.25], 0.5)],
    ids=["a shift", "two atoms against their middle", "a quarter of the mass moved by 2"],
)
def test_w1_is_the_mass_times_the_way_that_it_is_moved(x, p, y, q, wanted):
    assert w1(*map(np.array, (x, p, y, q))) == pytest.approx(wanted)


def test_before_learning_the_distance_is_the_mean_size_of_returns():
    """All mass at 0, returns of 0 or γ^(T−1): W₁ is their mean, which is V. With γ = 1 V(s) = s/6, their mean ½."""
    model = load("categorical_td")("TabularPolicy", WALK, seed=0, gamma=1.0, n_atoms=3, v_min=-1.0, v_max=1.0).learn(1)
    model.P[0], model.V[0] = [0, 1, 0], 0
    assert measuring(ReturnDistribution, WALK, model).values()[0] == pytest.approx({"w1": 0.5, "mean_error": 0.5}, abs=1e-6)


def test_a_true_distribution_is_at_distance_0():
    """With γ = 1 the return from state s of the walk of five is 1 with probability s/6, else 0."""
    model = load("categorical_td")("TabularPolicy", WALK, seed=0, gamma=1.0, n_atoms=2, v_min=0.0, v_max=1.0).learn(1)
    right = np.arange(7) / 6
    model.P[0], model.V[0] = np.stack([1 - right, right], axis=-1), right
    assert measuring(ReturnDistribution, WALK, model).values()[0] == pytest.approx({"w1": 0, "mean_error": 0}, abs=1e-6)


def test_rewards_on_the_way_have_no_exact_distribution_here():
    model = load("td0")("TabularPolicy", "from_scratch/CliffWalk-v0", seed=0)
    with pytest.raises(UserError, match="rewards that come at the end alone"):
        measuring(ReturnDistribution, "from_scratch/CliffWalk-v0", model)


# ---------------------------------------------------------------------------------------------- what a policy's gradient climbs
def test_the_objective_of_a_table_is_its_average_reward_where_no_episode_ends():
    """Four steps of five are in the first state: 0.8 · 0.8 · 1 + 0.2 · 0.2 · 2, and a fifth of the time in the last state."""
    kwargs = {"gamma": 1.0, "initial_policy": [[0.8, 0.2], [0.2, 0.8]]}
    model = load("exact_policy_gradient")("TabularPolicy", "from_scratch/TwoLoops-v0", seed=0, **kwargs)
    assert measuring(Objective, "from_scratch/TwoLoops-v0", model).values() == [pytest.approx({"objective": 0.72, "last_share": 20})]


def test_a_table_of_values_has_no_objective():
    with pytest.raises(UserError, match="objective needs a policy that is a table of probabilities; x has none"):
        measuring(Objective, WALK, load("td0")("TabularPolicy", WALK, seed=0))


def test_training_does_not_notice_that_its_objective_is_measured(tmp_path):
    _is_unnoticed(tmp_path, "exact_policy_gradient", "from_scratch/TwoLoops-v0", "objective", gamma=1.0)


# ------------------------------------------------------------------------------------------------------- errors of action values
def test_the_error_of_a_network_that_says_0_is_the_mean_square_of_the_best_values():
    """γ = ½. Below the goal, up pays 1, against a wall and doing nothing leave a way of 1 and so ½, down makes it 2 and so ¼."""
    model = load("dqn")("MlpPolicy", "from_scratch/Corridor-v0", seed=0, gamma=0.5, policy_kwargs={"net_arch": [4]})
    for weight in model.policy.q_net.parameters():
        torch.nn.init.zeros_(weight)
    measure = measuring(QError, "from_scratch/Corridor-v0", model)
    goal_side = measure.best[1]
    assert sorted(goal_side) == pytest.approx([0.25, 0.5, 0.5, 0.5, 1.0])
    assert measure.values()[0]["q_error"] == pytest.approx((measure.best[measure.acting] ** 2).mean())
    assert measure.values()[0]["log2_q_error"] == pytest.approx(np.log2(measure.values()[0]["q_error"]))


def test_the_gap_of_a_table_of_zeros_is_the_largest_best_value_of_a_state_in_which_something_is_left_to_do():
    """γ = ½, a goal that pays 1 and two cells before it: 1 in front of it, ½ one step before. Behind the end nothing is asked for, whatever stands there."""
    env = functools.partial(gym.make, "from_scratch/GridWorld-v0", desc=["S.G"])
    model = load("q_learning")("TabularPolicy", env, seeds=[0, 1], gamma=0.5)
    model.Q[:, 2] = 7.0
    model.Q[1, :2] = [[1.0], [0.75]]
    job = SimpleNamespace(runs=[SimpleNamespace(algo="x", env="from_scratch/GridWorld-v0", spec={"kwargs": {"desc": ["S.G"]}}, hyperparams={})] * 2)
    measure = QGap(job)
    measure.model = model
    measure._on_training_start()
    of_zeros, of_others = measure.values()
    assert of_zeros == pytest.approx({"q_gap": 1.0, "log10_q_gap": 0.0})
    assert of_others["q_gap"] == pytest.approx(0.75), "in the first cell, what leads nowhere is worth ¼, and Q says 1"


def test_a_network_has_no_gap_of_tables():
    with pytest.raises(UserError, match="q_gap needs a table of action values; x has none"):
        measuring(QGap, "from_scratch/Corridor-v0", load("dqn")("MlpPolicy", "from_scratch/Corridor-v0", seed=0, policy_kwargs={"net_arch": [4]}))


# -------------------------------------------------------------------------------------------------- the same steps, two learners
def test_the_gap_is_found_where_atoms_are_too_narrow(tmp_path):
    """Of the lake's returns, at most 1, atoms up to 0.1 hold few: values of Q-learning pass 0.1, those of the atoms cannot."""
    gaps = {}
    for v_max in (0.1, 1.0):
        model = load("categorical_q_learning")("TabularPolicy", "from_scratch/GridWorld-v0", seeds=[0, 1], v_min=-1.0, v_max=v_max, learning_rate=1.0, **LAKE)
        measure = ExpectedGap(SimpleNamespace(runs=[SimpleNamespace(algo="x", env="x")] * 2))
        model.learn(400, callback=measure)
        gaps[v_max] = max(each["expected_gap"] for each in measure.values())
    assert gaps[0.1] > 0.3
    assert gaps[1.0] < 1e-9


# ---------------------------------------------------------------------------------------------------------- unnoticed, and alone
CASES = {
    "return_distribution": ("quantile_td", WALK, {"n_quantiles": 5}),
    "expected_gap": ("categorical_q_learning", "from_scratch/GridWorld-v0", {**LAKE, "v_max": 0.1}),
    "q_error": ("dqn", "from_scratch/Corridor-v0", CORRIDOR),
    "q_gap": ("q_learning", "from_scratch/RandomMDP-v0", {**LAKE, "learning_rate_decay": 0.8, "learning_rate": 1.0}),
}


@pytest.mark.parametrize("measure", some(CASES, every=2))
def test_it_is_not_noticed_by_training(measure, tmp_path):
    algo, env, settings = CASES[measure]
    _is_unnoticed(tmp_path, algo, env, measure, **settings)


@pytest.mark.parametrize("measure", some(CASES, every=2))
def test_a_stack_is_measured_as_its_seeds_alone(measure, tmp_path):
    algo, env, settings = CASES[measure]
    _is_the_same_alone(tmp_path, algo, env, measure, **settings)
