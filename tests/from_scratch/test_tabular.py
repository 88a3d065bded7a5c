"""Tables behind SB3's API: spaces, policies, seeds side by side, files, callbacks. The algorithms themselves are tested in their families."""

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from from_scratch.core.tabular.tables import TabularPolicy, greedy, number_of_states
from from_scratch.envs import FlattenTuple
from from_scratch.temporal_difference.q_learning import QLearning
from from_scratch.temporal_difference.sarsa import SARSA

LEARNERS = (QLearning, SARSA)
LAKE = {"learning_rate": 0.1, "exploration_final_eps": 0.2, "exploration_fraction": 0.5}


class Shifted(gym.Env):
    """Two states 5 and 6, actions 3, 4 and 5; action 4 in state 5 leads to 6, where action 5 pays 1 and ends. Anything else stays and pays 0."""

    observation_space, action_space = spaces.Discrete(2, start=5), spaces.Discrete(3, start=3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.s = 5
        return self.s, {}

    def step(self, action):
        assert self.action_space.contains(action), action
        won = self.s == 6 and action == 5
        self.s = 6 if action == 4 else self.s
        return self.s, float(won), won, False, {}


class Digits(gym.Env):
    """A MultiDiscrete observation that counts: [0, 0], [0, 1], [0, 2], [1, 0], … to [1, 2], then the episode ends with reward 1."""

    observation_space, action_space = spaces.MultiDiscrete([2, 3]), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.array([0, 0]), {}

    def step(self, action):
        self.t += 1
        return np.array(divmod(self.t, 3)), float(self.t == 5), self.t == 5, False, {}


class Lines(KVWriter):
    """Keeps what was logged: (step, {key: value})."""

    def __init__(self):
        self.lines = []

    def write(self, key_values, key_excluded, step=0):
        self.lines.append((step, dict(key_values)))


# --------------------------------------------------------------------------------------------------------------------------- spaces
@pytest.mark.parametrize("learner", LEARNERS)
def test_spaces_that_do_not_start_at_zero(learner):
    model = learner("TabularPolicy", Shifted(), seed=0, gamma=0.5, exploration_final_eps=0.3).learn(3000)
    assert [int(model.predict(np.array(s), deterministic=True)[0]) for s in (5, 6)] == [4, 5]
    assert model.predict(np.array([6, 5]), deterministic=True)[0].tolist() == [5, 4]
    assert {int(a) for a in model.predict(np.full(100, 5))[0]} == {3, 4, 5}


@pytest.mark.parametrize("learner", LEARNERS)
def test_multidiscrete_observations_are_numbered(learner):
    model = learner("TabularPolicy", Digits(), seed=0, gamma=0.5, learning_rate=0.5).learn(2000)
    assert model.q_table.shape == (6, 2)
    assert model.values[:5] == pytest.approx([0.5**4, 0.5**3, 0.5**2, 0.5, 1], abs=1e-6)
    assert model.predict(np.array([0, 2]), deterministic=True)[0].shape == ()
    assert model.predict(np.array([[0, 2], [1, 1]]), deterministic=True)[0].shape == (2,)


def test_tuple_observations_are_refused_with_the_way_out_and_learnable_through_it():
    with pytest.raises(ValueError, match=r"Tables need a Discrete or MultiDiscrete .* Tuple.*FlattenTuple") as error:
        QLearning("TabularPolicy", "Blackjack-v1")
    assert "\n" not in str(error.value)
    model = QLearning("TabularPolicy", FlattenTuple(gym.make("Blackjack-v1")), seed=0).learn(200)
    assert model.q_table.shape == (32 * 11 * 2, 2) and model.q_table.any()


def test_flatten_tuple_counts_the_last_part_fastest():
    env = FlattenTuple(gym.make("Blackjack-v1"))
    assert env.observation((20, 10, 1)) == (20 * 11 + 10) * 2 + 1 and env.observation_space == spaces.Discrete(704)
    with pytest.raises(ValueError, match=r"Tuple of Discrete spaces; these are in Discrete\(16\)"):
        FlattenTuple(gym.make("FrozenLake-v1"))


@pytest.mark.parametrize(
    ("env_id", "message"),
    [("CartPole-v1", "Discrete or MultiDiscrete observation space; this one is Box"), ("Pendulum-v1", "needs a Discrete action space")],
)
def test_continuous_spaces_are_refused_in_one_line(env_id, message):
    with pytest.raises(ValueError, match=message):
        QLearning("TabularPolicy", env_id)


def test_the_number_of_states():
    assert number_of_states(spaces.Discrete(7, start=-3)) == 7 and number_of_states(spaces.MultiDiscrete([2, 3, 4])) == 24


# --------------------------------------------------------------------------------------------------------------------------- greedy
def test_greedy_takes_the_lowest_of_equals_or_with_noise_any_of_them():
    q = np.array([[0.0, 1.0, 1.0], [2.0, 0.0, 2.0]])
    assert greedy(q).tolist() == [1, 0]
    assert greedy(q, np.array([[0.9, 0.1, 0.2], [0.3, 0.9, 0.3]])).tolist() == [2, 0]
    noise = np.random.RandomState(0).random_sample((3000, 3))
    assert np.bincount(greedy(np.zeros((3000, 3)), noise)) == pytest.approx([1000] * 3, rel=0.1)


def test_a_policy_acts_on_its_table_alone_and_survives_its_own_file(tmp_path):
    policy = TabularPolicy(spaces.Discrete(2), spaces.Discrete(3))
    policy.Q[:] = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    assert policy.predict(np.array([0, 1]), deterministic=True)[0].tolist() == [1, 2]
    policy.save(tmp_path / "policy.pt")
    assert TabularPolicy.load(tmp_path / "policy.pt").predict(np.array([0, 1]), deterministic=True)[0].tolist() == [1, 2]


def test_predicting_explores_at_today_s_rate_unless_it_is_deterministic():
    model = QLearning("TabularPolicy", "FrozenLake-v1", seed=0, exploration_initial_eps=0.4)
    model.q_table[0, 2] = 1
    actions = model.predict(np.zeros(4000, dtype=int))[0]
    assert np.mean(actions == 2) == pytest.approx(0.6 + 0.4 / 4, abs=0.03)
    assert (model.predict(np.zeros(100, dtype=int), deterministic=True)[0] == 2).all()
    assert model.predict(0, deterministic=True)[0] == 2


# ---------------------------------------------------------------------------------------------------------------------------- seeds
def test_a_stack_predicts_for_every_seed_in_turn():
    stack = QLearning("TabularPolicy", "FrozenLake-v1", seeds=[1, 3], **LAKE).learn(3000)
    states = np.arange(16)
    actions = stack.predict(np.concatenate([states, states]), deterministic=True)[0]
    assert np.array_equal(actions, np.concatenate([stack.member(k).predict(states, deterministic=True)[0] for k in (0, 1)]))
    assert np.array_equal(actions, stack.act(np.stack([states, states]), deterministic=True).ravel())
    with pytest.raises(ValueError, match="3 observations for 2 seeds"):
        stack.predict(np.arange(3))


def test_lanes_of_a_seed_learn_one_after_another_from_what_those_before_them_left():
    """Two environments that pay 1 and end, α = ½: after one step of both the value is ½ + ½ (1 − ½), not ½."""
    model = QLearning("TabularPolicy", DummyVecEnv([OneStep, OneStep]), learning_rate=0.5, seed=0).learn(2)
    assert model.num_timesteps == 2 and model.q_table[0, 0] == 0.75


class OneStep(gym.Env):
    observation_space, action_space = spaces.Discrete(1), spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, 1.0, True, False, {}


# ---------------------------------------------------------------------------------------------------------------- files and parameters
def test_parameters_go_out_and_come_in_and_the_table_learns_on():
    model, other = (QLearning("TabularPolicy", "FrozenLake-v1", seed=seed, **LAKE).learn(2000) for seed in (1, 2))
    model.set_parameters(other.get_parameters())
    assert np.array_equal(model.q_table, other.q_table)
    assert model.policy.Q.numpy() is not model.q_table and np.shares_memory(model.policy.Q.numpy(), model.q_table)
    model.learn(500, reset_num_timesteps=False)
    assert not np.array_equal(model.q_table, other.q_table) and np.array_equal(model.policy.Q.numpy(), model.q_table)


@pytest.mark.parametrize("replace", [copy.deepcopy, lambda policy: policy.float()])
def test_a_policy_that_was_replaced_or_converted_is_trained_and_not_a_stale_table(replace):
    model = QLearning("TabularPolicy", "FrozenLake-v1", seed=1, **LAKE).learn(1000)
    model.policy = replace(model.policy)
    before = model.policy.Q.numpy().copy()
    model.learn(1000, reset_num_timesteps=False)
    assert np.shares_memory(model.policy.Q.numpy(), model.q_table) and model.q_table.dtype == np.float64
    assert not np.array_equal(before, model.q_table)


# --------------------------------------------------------------------------------------------------------------- SB3's surroundings
def test_callbacks_and_evaluate_policy_work(tmp_path):
    env = Monitor(gym.make("CliffWalking-v1", max_episode_steps=100))
    evaluate = EvalCallback(env, eval_freq=1000, n_eval_episodes=2, log_path=str(tmp_path), best_model_save_path=str(tmp_path), verbose=0)
    checkpoint = CheckpointCallback(save_freq=2500, save_path=str(tmp_path), name_prefix="q")
    model = QLearning("TabularPolicy", "CliffWalking-v1", learning_rate=0.5, seed=0).learn(5000, callback=[evaluate, checkpoint])
    assert isinstance(model, BaseAlgorithm)
    assert np.load(tmp_path / "evaluations.npz")["timesteps"].tolist() == [1000, 2000, 3000, 4000, 5000]
    assert evaluate_policy(QLearning.load(tmp_path / "best_model"), env, n_eval_episodes=3) == (evaluate.best_mean_reward, 0.0)
    assert QLearning.load(tmp_path / "q_2500_steps").num_timesteps == 2500


def test_logs_have_sb3_s_keys_and_a_stack_s_name_the_seed():
    lines = Lines()
    model = QLearning("TabularPolicy", "FrozenLake-v1", seed=0, learning_rate=0.25)
    model.set_logger(Logger(None, [lines]))
    model.learn(2000, log_interval=10)
    step, last = lines.lines[-1]
    assert {"rollout/ep_rew_mean", "rollout/ep_len_mean", "rollout/exploration_rate", "time/episodes", "time/fps", "time/time_elapsed",
            "time/total_timesteps", "train/learning_rate", "train/td_error"} <= set(last)  # fmt: skip
    assert last["time/total_timesteps"] == step and last["train/learning_rate"] == 0.25 and len(lines.lines) == last["time/episodes"] // 10

    lines.lines.clear()
    stack = QLearning("TabularPolicy", "FrozenLake-v1", seeds=[3, 7])
    stack.set_logger(Logger(None, [lines]))
    stack.learn(2000, log_interval=10)
    assert {"rollout/ep_rew_mean@3", "rollout/ep_rew_mean@7", "train/td_error@3", "train/td_error@7"} <= set(lines.lines[-1][1])


@pytest.mark.parametrize(("wrong", "message"), [({"gamma": 1.5}, "gamma=1.5"), ({"exploration_final_eps": -0.1}, "exploration_final_eps=-0.1")])
def test_hyperparameters_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        QLearning("TabularPolicy", "FrozenLake-v1", **wrong)


def test_exploration_and_learning_rate_follow_their_schedules():
    model = QLearning("TabularPolicy", "FrozenLake-v1", seed=0, learning_rate=lambda left: 0.5 * left, exploration_final_eps=0.1, exploration_fraction=0.5)
    seen = []
    model.learn(100, callback=lambda local, _: seen.append((model.alpha, model.exploration_rate)) is None)
    assert seen[0] == (0.5, 1.0) and seen[25] == pytest.approx((0.375, 0.55)) and seen[-1] == pytest.approx((0.005, 0.1))
    constant = QLearning("TabularPolicy", "FrozenLake-v1", exploration_fraction=0.0, exploration_final_eps=0.1).learn(1)
    assert constant.exploration_rate == 0.1
