"""Measures of bandits, of greedy policies and of gradients: against numbers worked by hand, for one seed as for several, and without touching training."""

from functools import partial
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import IntegrityError
from benchmarks.claims.claim import Metric, Number
from benchmarks.claims.metrics import Results
from benchmarks.claims.statistics import growth, quotient
from benchmarks.measures.gradient_variance import GradientVariance, Played, moments, returns
from benchmarks.measures.greedy_policy import GreedyPolicy
from benchmarks.measures.regret import Regret
from from_scratch import EpsilonGreedyBandit, QLearning, REINFORCEBaseline, UCBBandit, ValueIteration


def job(env: str, seeds, **spec):
    """Runs as a measure sees them."""
    return SimpleNamespace(runs=[SimpleNamespace(env=env, seed=seed, spec=spec, hyperparams={}) for seed in seeds])


# -------------------------------------------------------------------------------------------------------------------- regret
ARMS = "from_scratch/BernoulliBandit-v0"
two_arms = partial(gym.make, ARMS, values=[0.9, 0.5])


def test_two_pulls_of_ucb_are_one_of_each_arm_and_cost_the_gap_once():
    measure = Regret(job(ARMS, [0]))
    UCBBandit("TabularPolicy", two_arms, seed=0).learn(2, callback=measure)
    assert measure.values() == [{"regret": pytest.approx(0.4)}]


def test_regret_counts_the_pulls_of_each_arm_by_its_gap_in_every_environment():
    measure = Regret(job(ARMS, [3, 4]))
    model = EpsilonGreedyBandit("TabularPolicy", two_arms, seeds=[3, 4], n_envs=2, epsilon=0.5).learn(100, callback=measure)
    assert [of_seed["regret"] for of_seed in measure.values()] == pytest.approx(0.4 * model.N[:, 0, 1])


def test_where_arms_drift_regret_is_of_the_means_before_the_pull():
    measure = Regret(job("from_scratch/DriftingTestbed-v0", [0]))
    EpsilonGreedyBandit("TabularPolicy", "from_scratch/DriftingTestbed-v0", seed=0).learn(1, callback=measure)
    assert measure.values() == [{"regret": 0.0}], "all means start equal"


@pytest.mark.parametrize("seed", [3, 4])
def test_regret_of_a_seed_in_a_stack_is_that_of_the_seed_alone(seed):
    together, alone = Regret(job(ARMS, [3, 4])), Regret(job(ARMS, [seed]))
    UCBBandit("TabularPolicy", two_arms, seeds=[3, 4]).learn(60, callback=together)
    UCBBandit("TabularPolicy", two_arms, seeds=[seed]).learn(60, callback=alone)
    assert together.values()[seed - 3] == alone.values()[0]


# ------------------------------------------------------------------------------------------------------------- greedy policy
SMALL = partial(gym.make, "from_scratch/ShapedGrid-v0", size=2, slip=0.0)


def small(**shaping):
    return job("from_scratch/ShapedGrid-v0", [0], kwargs={"size": 2, "slip": 0.0, **shaping})


def test_a_best_policy_loses_nothing_and_is_wrong_nowhere():
    measure = GreedyPolicy(small())
    ValueIteration("TabularPolicy", SMALL, seed=0).learn(10_000, callback=measure)
    assert measure.values() == [{"lost": pytest.approx(0, abs=1e-9), "wrong_states": 0.0}]


def test_a_policy_that_never_leaves_loses_what_all_later_steps_cost():
    measure = GreedyPolicy(small())
    model = QLearning("TabularPolicy", SMALL, seed=0, gamma=0.5)
    measure.init_callback(model)
    measure.on_training_start({}, {})
    model.Q[:] = [1.0, 0.0, 0.0, 0.0]  # up, for ever: −1/(1 − γ) = −2 from anywhere; the best is −1 − γ = −1.5 from the start
    assert measure.values() == [{"lost": pytest.approx(0.5), "wrong_states": 100.0}]


def test_the_goal_in_which_nobody_acts_is_no_wrong_state():
    measure = GreedyPolicy(small())
    model = QLearning("TabularPolicy", SMALL, seed=0)
    measure.init_callback(model)
    measure.on_training_start({}, {})
    model.Q[:] = [0.0, 1.0, 0.0, 0.0]  # down: right in the two upper cells, against the wall in the lower left one
    assert measure.values()[0]["wrong_states"] == pytest.approx(100 / 3)


def test_a_policy_under_shaped_rewards_is_judged_in_the_plain_grid():
    measure = GreedyPolicy(small(progress=4.0))
    ValueIteration("TabularPolicy", partial(SMALL, progress=4.0), seed=0, gamma=0.99).learn(100_000, callback=measure)
    assert measure.values()[0]["lost"] == pytest.approx(100 - 1.99), "back and forth for ever: −1/(1 − 0.99)"


def test_the_greedy_policies_of_a_stack_are_those_of_its_seeds_and_training_is_the_same_without_a_look():
    measure, alone = GreedyPolicy(job("from_scratch/ShapedGrid-v0", [3, 4])), GreedyPolicy(job("from_scratch/ShapedGrid-v0", [4]))
    grid = "from_scratch/ShapedGrid-v0"
    stack = QLearning("TabularPolicy", grid, seeds=[3, 4]).learn(300, callback=measure)
    unseen = QLearning("TabularPolicy", grid, seeds=[4]).learn(300)
    measured = [measure.values()[1]]
    QLearning("TabularPolicy", grid, seeds=[4]).learn(300, callback=alone)
    assert measured == alone.values()
    assert (stack.Q[1] == unseen.Q[0]).all()


# --------------------------------------------------------------------------------------------------------- gradient variance
def test_returns_are_discounted_from_the_end():
    assert returns(np.array([1.0, 2.0, 4.0]), 0.5).tolist() == [3.0, 4.0, 4.0]


def test_moments_are_those_worked_by_hand():
    without = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 2.0], [2.0, -2.0]])  # mean (2, 0); 4 + 4 and 4 + 4 of squares over 3
    with_baseline = np.array([[1.0, 0.0], [3.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
    found = moments(without, with_baseline)
    assert found == {
        "variance_without": pytest.approx(16 / 3), "variance_with": pytest.approx(2 / 3), "variance_ratio": pytest.approx(8),
        "along_without": pytest.approx(1 * 3 + 1 * -1), "along_with": pytest.approx((1.5 * 3 + 0 + 2.5 * 1 + 0) / 2),
    }  # fmt: skip


@pytest.fixture(scope="module")
def cartpole():
    return REINFORCEBaseline("MlpPolicy", "CartPole-v1", seed=1, policy_kwargs={"net_arch": [4]}).learn(200)


def test_the_gradient_of_an_episode_is_the_sum_of_its_steps_weighted_scores(cartpole):
    policy = cartpole.policy
    measure = GradientVariance(job("CartPole-v1", [0]), episodes=1)
    measure.model = cartpole
    obs = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]], dtype=np.float32)
    without, with_baseline = measure.gradients(policy, Played(obs, np.array([0, 1]), np.array([1.0, 1.0])))
    pi, v = torch.softmax(policy.actor(torch.as_tensor(obs)), 1).detach().numpy(), policy.baseline(torch.as_tensor(obs)).detach().numpy()[:, 0]
    scores = np.eye(2)[[0, 1]] - pi  # of the last layer's biases: ∂ ln π(a)/∂ b = 1[a] − π
    g = np.array([1.99, 1.0])
    assert without[-2:] == pytest.approx(g @ scores, rel=1e-5)
    assert with_baseline[-2:] == pytest.approx((g - v) @ scores, rel=1e-5)


def test_a_run_s_seed_decides_which_episodes_are_played_also_in_a_stack(cartpole):
    together, alone = GradientVariance(job("CartPole-v1", [1, 2]), episodes=4), GradientVariance(job("CartPole-v1", [2]), episodes=4)
    together.model, alone.model = SimpleNamespace(member=lambda k: cartpole, gamma=cartpole.gamma), cartpole
    first, second = together.values()
    assert second == alone.values()[0] != first


def test_every_checkpoint_plays_other_episodes(cartpole):
    measure = GradientVariance(job("CartPole-v1", [1]), episodes=4)
    measure.model = cartpole
    assert measure.values() != measure.values()


def test_drawing_gradients_leaves_training_as_it_is():
    def learnt(callback):
        model = REINFORCEBaseline("MlpPolicy", "CartPole-v1", seed=0, policy_kwargs={"net_arch": [4]})
        model.learn(100, callback=callback)
        if callback is not None:
            callback.values()
        return model.learn(100, reset_num_timesteps=False).policy.state_dict()

    unseen, seen = learnt(None), learnt(GradientVariance(job("CartPole-v1", [0]), episodes=4))
    assert all((unseen[name] == seen[name]).all() for name in unseen)


# ---------------------------------------------------------------------------------------------------- statistics of one arm's runs
def of_runs(key, steps, *runs):
    """Results of one arm on one task: a key's values at steps, for each run."""
    rows = [("a2c", "CartPole-v1", seed, step, key, value) for seed, run in enumerate(runs) for step, value in zip(steps, run, strict=True)]
    return pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "key", "value"])


def asked(key, **settings):
    claim = SimpleNamespace(study_settings={"groups": [{"algos": ["a2c"], "envs": ["CartPole-v1"]}]})
    return claim, Number(name="n", says="", metric=Metric(key), nothing=1.0, settings={"cell": "a2c", **settings})


def test_growth_is_the_later_increment_over_the_earlier_one():
    results = Results([0, 1], pd.DataFrame(), of_runs("x", [10, 100, 1000], [1.0, 3.0, 9.0], [2.0, 4.0, 8.0]))
    assert growth(results, *asked("x", steps=[10, 100, 1000])).point == (6 + 4) / (2 + 2)


def test_growth_of_a_logarithm_is_1_and_of_a_line_10():
    at = [10, 100, 1000]
    line, log = ([Results([0, 1], pd.DataFrame(), of_runs("x", at, f(at), 2 * f(at)))] for f in (np.array, np.log))
    assert growth(*line, *asked("x", steps=at)).point == pytest.approx(10)
    assert growth(*log, *asked("x", steps=at)).point == pytest.approx(1)


def test_growth_names_the_step_at_which_nothing_was_measured():
    results = Results([0], pd.DataFrame(), of_runs("x", [10, 1000], [1.0, 2.0]))
    with pytest.raises(IntegrityError, match="n: no x of a2c at step 100"):
        growth(results, *asked("x", steps=[10, 100, 1000]))


def test_a_quotient_is_of_the_means_of_two_keys_of_the_same_runs():
    frame = pd.concat([of_runs("x", [10], [6.0], [2.0]), of_runs("y", [10], [1.0], [3.0])])
    assert quotient(Results([0, 1], pd.DataFrame(), frame), *asked("x", over="y")).point == 2
