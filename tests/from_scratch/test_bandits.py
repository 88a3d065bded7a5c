"""Bandits: the testbeds, and updates, bonuses and gradient steps by hand."""

import math

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from from_scratch.bandits.epsilon_greedy import EpsilonGreedyBandit
from from_scratch.bandits.gradient import GradientBandit
from from_scratch.bandits.optimistic import OptimisticBandit
from from_scratch.bandits.thompson_sampling import GaussianThompsonSampling, ThompsonSampling
from from_scratch.bandits.ucb import UCBBandit
from from_scratch.envs.bandits import BernoulliBandit, KArmedTestbed
from from_scratch.envs.vector import make_vector_env, vectorised
from from_scratch.temporal_difference.q_learning import QLearning

BANDITS = (EpsilonGreedyBandit, OptimisticBandit, UCBBandit, GradientBandit, ThompsonSampling, GaussianThompsonSampling)
TESTBEDS = ("KArmedTestbed", "DriftingTestbed", "BernoulliBandit")


def bandit(cls, k=2, **kwargs):
    return cls("TabularPolicy", BernoulliBandit(k), seed=0, **kwargs).learn(0)


def of(*numbers):
    return np.array(numbers)


# ------------------------------------------------------------------------------------------------------------------------- environments
@pytest.mark.parametrize("name", TESTBEDS)
def test_every_lane_has_the_bits_of_the_scalar_bandit_through_many_problems(name):
    env_id, n = f"from_scratch/{name}-v0", 3
    scalar = DummyVecEnv([lambda: Monitor(gym.make(env_id, max_episode_steps=70)) for _ in range(n)])
    lanes = make_vector_env(env_id, n, max_episode_steps=70)
    for venv in (scalar, lanes):
        venv.seed(3)
        venv.reset()
    actions = np.random.default_rng(0).integers(10, size=(400, n))
    for a in actions:
        (_, r, done, infos), (_, r_lanes, done_lanes, infos_lanes) = scalar.step(a), lanes.step(a)
        assert np.array_equal(r, r_lanes) and np.array_equal(done, done_lanes)
        assert [info["TimeLimit.truncated"] for info in infos] == [info["TimeLimit.truncated"] for info in infos_lanes]
        assert scalar.get_attr("optimal") == lanes.get_attr("optimal")
        assert np.array_equal(scalar.get_attr("values"), lanes.get_attr("values"))
    apart = lanes.select([2])
    for a in actions:
        assert apart.step(a[2:])[1] == lanes.step(a)[1][2]


def test_a_reset_draws_a_new_problem_unless_one_is_given():
    env = gym.make("from_scratch/KArmedTestbed-v0", mean=4.0)
    env.reset(seed=0)
    first = env.unwrapped.values
    env.reset()
    assert not np.array_equal(env.unwrapped.values, first)
    drawn = [env.reset() and env.unwrapped.values for _ in range(500)]
    assert np.mean(drawn) == pytest.approx(4, abs=0.06) and np.std(drawn) == pytest.approx(1, abs=0.05)
    given = gym.make("from_scratch/BernoulliBandit-v0", values=[0.2, 0.7, 0.1])
    for _ in range(2):
        given.reset()
        assert given.unwrapped.values.tolist() == [0.2, 0.7, 0.1] and given.get_wrapper_attr("optimal") == 1
    with pytest.raises(ValueError, match=r"values=\[2.0\]: the arms of a BernoulliBandit have probabilities"):
        BernoulliBandit(values=[2.0])


@pytest.mark.parametrize("cls", [KArmedTestbed, BernoulliBandit])
def test_a_task_seed_fixes_the_arms_through_all_resets_and_in_all_lanes(cls):
    one, other = cls(task_seed=3), cls(task_seed=4)
    first = one.reset(seed=0) and one.values.copy()
    one.reset(seed=1)
    assert np.array_equal(one.values, first) and not np.array_equal(other.reset(seed=0) and other.values, first)
    venv = make_vector_env(lambda: cls(task_seed=3), 2)
    venv.seed(5)
    venv.reset()
    assert np.array_equal(venv.get_attr("values"), [first, first])
    with pytest.raises(ValueError, match="each says what the arms are"):
        cls(values=[0.1, 0.2], task_seed=0)


def test_rewards_have_the_means_that_values_says():
    normal, coins = KArmedTestbed(values=[3.0], noise=0.5), BernoulliBandit(values=[0.3])
    for env in (normal, coins):
        env.reset(seed=0)
    rewards = np.array([[env.step(0)[1] for env in (normal, coins)] for _ in range(4000)])
    assert rewards.mean(0) == pytest.approx([3, 0.3], abs=0.03) and rewards.std(0) == pytest.approx([0.5, math.sqrt(0.21)], abs=0.02)


def test_the_means_of_the_drifting_testbed_start_equal_and_take_random_walks():
    lanes = make_vector_env("from_scratch/DriftingTestbed-v0", 200)
    lanes.seed(0)
    lanes.reset()
    assert not lanes.values.any()
    for _ in range(100):
        lanes.step(np.zeros(200, int))
    assert lanes.values.std() == pytest.approx(0.01 * math.sqrt(100), rel=0.05)


def test_a_run_of_the_testbed_is_cut_short_after_a_thousand_steps():
    env = gym.make("from_scratch/KArmedTestbed-v0")
    env.reset(seed=0)
    ends = [env.step(0)[2:4] for _ in range(1000)]
    assert ends[:-1] == [(False, False)] * 999 and ends[-1] == (False, True)


# ------------------------------------------------------------------------------------------------------------------------------ by hand
def test_the_sample_average_and_a_constant_step_size():
    """Rewards 1 and 3: the mean is 2. With α = ½ from 0: ½, then ½ + ½ (3 − ½) = 1.75. Optimism: 5 + 0.1 (0 − 5) = 4.5."""
    average, constant, hopeful = bandit(EpsilonGreedyBandit), bandit(EpsilonGreedyBandit, learning_rate=0.5, learning_rate_decay=0.0), bandit(OptimisticBandit)
    for model in (average, constant):
        model.update(of(1), of(1.0))
        model.update(of(1), of(3.0))
    hopeful.update(of(0), of(0.0))
    assert average.q_table.tolist() == [[0, 2]] and average.N.tolist() == [[[0, 2]]]
    assert constant.q_table.tolist() == [[0, 1.75]] and hopeful.q_table.tolist() == [[4.5, 5]]


def test_epsilon_greedy_takes_the_best_arm_with_one_minus_epsilon_and_its_share_of_the_rest():
    model = bandit(EpsilonGreedyBandit, k=4, epsilon=0.4)
    model.Q[0, 0] = [0, 1, 0, 1]
    arms = model.choose(np.random.default_rng(0).random((1, 20_000, 6)))
    assert np.bincount(arms[0]) / 20_000 == pytest.approx([0.1, 0.1 + 0.3, 0.1, 0.1 + 0.3], abs=0.012)  # equals are drawn among


def test_the_bonus_of_ucb():
    """After 1 and 4 pulls it is step 6: Q + c √(ln 6 / N). An arm that was never pulled is before all others, whatever its value."""
    model = bandit(UCBBandit, c=2.0)
    model.Q[0, 0], model.N[0, 0] = [0.0, 1.5], [1, 4]
    assert model.upper_bound()[0, 0] == pytest.approx([2 * math.sqrt(math.log(6)), 1.5 + 2 * math.sqrt(math.log(6) / 4)])
    assert model.upper_bound()[0, 0] == pytest.approx([2.6771, 2.8385], abs=1e-4) and model.choose(np.zeros((1, 1, 2))) == 1
    model.Q[0, 0], model.N[0, 0] = [-100.0, 100.0], [0, 9]
    assert model.choose(np.zeros((1, 1, 2))) == 0


def test_ucb_tries_every_arm_before_any_twice():
    pulled = []
    model = UCBBandit("TabularPolicy", vectorised("from_scratch/KArmedTestbed-v0"), seeds=range(20))
    model.learn(10, callback=lambda local, _: pulled.append(local["actions"].ravel()) is None)
    assert (np.sort(pulled, axis=0) == np.arange(10)[:, None]).all() and len({tuple(order) for order in np.transpose(pulled)}) > 10


def test_a_gradient_step_by_hand():
    """Two arms, H = 0, π = ½ each, α = 0.1. The first reward is its own baseline. The second, 3, is 1 above the mean 2: H ± 0.1 · 1 · ½."""
    model, bare = bandit(GradientBandit), bandit(GradientBandit, baseline=False)
    model.update(of(0), of(1.0))
    assert model.H.tolist() == [[[0, 0]]] and model.mean_reward.tolist() == [[1]]
    model.update(of(0), of(3.0))
    assert model.H[0, 0] == pytest.approx([0.05, -0.05])
    bare.update(of(0), of(3.0))
    assert bare.H[0, 0] == pytest.approx([0.15, -0.15])


def test_the_gradient_bandit_ascends_the_expected_reward():
    """E[(R − B)(1{a = A} − π(a))] = ∂E[R]/∂H(a) = π(a) (q(a) − Σ_b π(b) q(b)) for any baseline: here without one, summed over both arms."""
    q, expected = np.array([1.0, 3.0]), np.zeros(2)
    model = bandit(GradientBandit, baseline=False, learning_rate=1.0)
    for a in (0, 1):
        model.H[0, 0] = [0.2, 0.5]
        pi = model.pi[0, 0].copy()
        model.update(of(a), of(q[a]))
        expected += pi[a] * (model.H[0, 0] - [0.2, 0.5])
    assert expected == pytest.approx(pi * (q - pi @ q))


def test_arms_are_drawn_from_the_softmax():
    model = bandit(GradientBandit, k=3)
    model.H[0, 0] = np.log([1, 2, 5]) + 700  # large preferences overflow nothing
    assert model.choose(np.array([[[0.0], [0.124], [0.126], [0.374], [0.376], [0.999]]])).tolist() == [[0, 0, 1, 1, 2, 2]]


def test_beliefs_of_thompson_sampling_by_hand():
    """Beta(1, 1) and a success: Beta(2, 1), whose distribution function is x². N(0, 1) and a reward 2 with noise 1: N(1, ½)."""
    coins, normal = bandit(ThompsonSampling), bandit(GaussianThompsonSampling)
    coins.update(of(1), of(1.0))
    assert coins.q_table[0] == pytest.approx([1 / 2, 2 / 3])
    assert coins.quantile(np.array([[[0.25, 0.25]]]))[0, 0] == pytest.approx([0.25, 0.5])
    normal.update(of(0), of(2.0))
    assert normal.q_table[0] == pytest.approx([1, 0]) and normal.precision[0, 0] == pytest.approx([2, 1])
    assert normal.quantile(np.full((1, 1, 2), 0.841344746))[0, 0] == pytest.approx([1 + math.sqrt(0.5), 1])


def test_thompson_sampling_takes_an_arm_as_often_as_it_is_believed_to_be_the_best():
    """P(θ₁ > θ₀) = ⅔ for Beta(2, 1) against the uniform Beta(1, 1)."""
    model = bandit(ThompsonSampling)
    model.update(of(1), of(1.0))
    assert model.choose(np.random.default_rng(0).random((1, 20_000, 2))).mean() == pytest.approx(2 / 3, abs=0.012)


# ---------------------------------------------------------------------------------------------------------------------------- learning
@pytest.mark.parametrize("cls", BANDITS)
def test_the_best_arm_of_a_problem_is_found(cls):
    env = vectorised("from_scratch/BernoulliBandit-v0", values=[0.1, 0.9, 0.3])
    model = cls("TabularPolicy", env, seeds=range(20)).learn(600)
    assert (model.predict(np.zeros(20, int), deterministic=True)[0] == 1).mean() >= 0.95
    mostly = model.predict(np.zeros(20 * 50, int))[0]
    assert (mostly == 1).mean() > 0.6 and (cls in (OptimisticBandit, UCBBandit) or (mostly != 1).any())


def test_exercise_2_5_a_constant_step_size_follows_what_drifts():
    def rewards(**kwargs):
        model = EpsilonGreedyBandit("TabularPolicy", vectorised("from_scratch/DriftingTestbed-v0", drift=0.05), seeds=range(100), **kwargs)
        seen = []
        model.learn(1500, callback=lambda local, _: seen.append(local["rewards"].mean()) is None, log_interval=None)
        return np.mean(seen[-300:])

    assert rewards(learning_rate=0.1, learning_rate_decay=0.0) > rewards() + 0.2


def test_one_state_is_enough_for_tabular_control():
    model = QLearning("TabularPolicy", gym.make("from_scratch/BernoulliBandit-v0", values=[0.1, 0.9]), seed=0, gamma=0.0).learn(2000)
    assert model.q_table[0] == pytest.approx([0.1, 0.9], abs=0.2) and model.predict(0, deterministic=True)[0] == 1


# ------------------------------------------------------------------------------------------------------------------------------- refused
@pytest.mark.parametrize("cls", BANDITS)
def test_more_than_one_state_is_refused_in_one_line(cls):
    with pytest.raises(ValueError, match=rf"{cls.__name__} chooses among the arms of a single state, but this environment has 16 states") as error:
        cls("TabularPolicy", "FrozenLake-v1")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cls", "wrong", "message"),
    [
        (EpsilonGreedyBandit, {"epsilon": 1.5}, "epsilon=1.5"),
        (UCBBandit, {"c": -1.0}, "c=-1.0"),
        (ThompsonSampling, {"prior_failures": 0.0}, "prior_failures=0.0"),
        (GaussianThompsonSampling, {"noise_std": 0.0}, "noise_std=0.0"),
    ],
)
def test_hyperparameters_that_mean_nothing_are_refused(cls, wrong, message):
    with pytest.raises(ValueError, match=message):
        bandit(cls, **wrong)


def test_thompson_sampling_of_coins_refuses_other_rewards():
    with pytest.raises(ValueError, match=r"needs rewards between 0 and 1, but got .* GaussianThompsonSampling"):
        ThompsonSampling("TabularPolicy", "from_scratch/KArmedTestbed-v0", seed=0).learn(50)
