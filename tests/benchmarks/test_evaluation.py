"""How models are scored."""

import random

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

from benchmarks.running.evaluation import Evaluator, episode_seeds, model_seed


class Constant:
    """Plays one action, and remembers what it saw."""

    def __init__(self, action):
        self.action, self.seen = action, []

    def predict(self, obs, deterministic):
        self.seen.append(obs)
        return np.full(len(obs), self.action), None


def _play_by_hand(env_id, seed, action):
    env = gym.make(env_id)
    env.reset(seed=seed)
    total, length, over = 0.0, 0, False
    while not over:
        _, reward, terminated, truncated, _ = env.step(action)
        total, length, over = total + reward, length + 1, terminated or truncated
    return total, length


def test_each_lane_plays_the_one_episode_of_its_seed():
    seeds = [11, 12, 13, 14]
    (episodes,) = Evaluator("CartPole-v1", {}, {}, [seeds])(Constant(1), [None])
    by_hand = [_play_by_hand("CartPole-v1", seed, 1) for seed in seeds]
    assert list(zip(episodes.returns, episodes.lengths, strict=True)) == by_hand
    assert len(set(episodes.lengths)) > 1, "episodes of different length: a lane that ended first must wait"
    assert episodes.score == np.mean([total for total, _ in by_hand])


class Counts:
    """Remembers for each lane how many steps it has played since an episode started, in SB3-Contrib's form, and goes the other way at every step."""

    def predict(self, obs, state=None, episode_start=None, deterministic=True):
        n = np.zeros((1, len(obs), 1)) if state is None else state[0]
        assert (state is None) == (episode_start is None)
        n = n if episode_start is None else n * ~episode_start[None, :, None]
        return n[0, :, 0].astype(int) % 2, (n + 1, n)


def test_a_model_that_remembers_is_handed_back_what_it_returned():
    (episodes,) = Evaluator("CartPole-v1", {}, {}, [[11, 12]])(Counts(), [None])
    env, by_hand = gym.make("CartPole-v1"), []
    for seed in (11, 12):
        env.reset(seed=seed)
        length, over = 0, False
        while not over:
            _, _, terminated, truncated, _ = env.step(length % 2)
            length, over = length + 1, terminated or truncated
        by_hand.append(length)
    assert episodes.lengths.tolist() == by_hand


def test_a_second_evaluation_repeats_the_first():
    evaluator = Evaluator("FrozenLake-v1", {}, {}, [list(range(10))])
    first, second = evaluator(Constant(2), [None])[0], evaluator(Constant(2), [None])[0]
    assert (first.returns == second.returns).all() and (first.lengths == second.lengths).all()


def test_the_seeds_of_a_stack_are_scored_as_each_alone():
    """The model sees the lanes of the first seed first."""
    together = Evaluator("CartPole-v1", {}, {}, [[1, 2], [3, 4]])
    model = Constant(0)
    results = together(model, [None, None])
    assert model.seen[0].shape == (4, 4)
    alone = [Evaluator("CartPole-v1", {}, {}, [seeds])(Constant(0), [None])[0] for seeds in ([1, 2], [3, 4])]
    assert [list(r.returns) for r in results] == [list(r.returns) for r in alone]


def test_observations_are_normalised_with_the_training_statistics_and_rewards_are_raw():
    training = VecNormalize(make_vec_env("CartPole-v1"))
    training.obs_rms.mean, training.obs_rms.var = np.full(4, 5.0), np.full(4, 4.0)
    normalised, raw = Constant(1), Constant(1)
    setup = {"normalize": {}}
    (episodes,) = Evaluator("CartPole-v1", {}, setup, [[1, 2]])(normalised, [training])
    (plain,) = Evaluator("CartPole-v1", {}, {}, [[1, 2]])(raw, [None])
    assert normalised.seen[0] == pytest.approx((raw.seen[0] - 5.0) / 2.0, abs=1e-6)
    assert list(episodes.returns) == list(plain.returns)
    assert (training.obs_rms.mean == 5.0).all(), "scoring teaches the statistics nothing"


def test_scoring_in_the_middle_of_training_changes_nothing_about_it():
    def weights(score: bool):
        model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, batch_size=32, seed=5)
        evaluator = Evaluator("CartPole-v1", {}, {}, [[1, 2, 3]], deterministic=False)
        model.learn(256, callback=lambda *_: (evaluator(model, [None]) if score else None) or True)
        return torch.cat([p.detach().flatten() for p in model.policy.parameters()])

    assert torch.equal(weights(score=False), weights(score=True))


def test_the_processes_random_streams_stand_where_they_stood():
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8)
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    Evaluator("CartPole-v1", {}, {}, [[1]], deterministic=False)(model, [None])
    assert states[0] == random.getstate() and (states[1] == np.random.get_state()[1]).all() and torch.equal(states[2], torch.get_rng_state())


def test_a_policy_that_walks_into_a_wall_for_ever_is_stopped_by_the_studys_time_limit():
    (episodes,) = Evaluator("CliffWalking-v1", {"max_episode_steps": 50}, {}, [[0, 1]])(Constant(3), [None])
    assert list(episodes.lengths) == [50, 50]


def test_evaluation_seeds_depend_on_the_run_and_the_protocol_and_never_meet_the_training_seeds():
    assert episode_seeds(7, 3, 5) == episode_seeds(7, 3, 5)
    assert episode_seeds(7, 3, 5)[:3] == episode_seeds(7, 3, 3), "more episodes keep the first ones"
    assert episode_seeds(7, 3, 5) != episode_seeds(8, 3, 5)
    training = {model_seed(seed) + i for seed in range(100) for i in range(32)}
    scoring = [word for seed in range(100) for word in episode_seeds(20240521, seed, 100)]
    assert len(training) == 3200 and len(set(scoring)) == len(scoring)
    assert not training & set(scoring)
    assert max(training) < 2**31


class Counting:
    """A model that wants to know rewards: it writes down those that it is told, and takes action 1."""

    def __init__(self):
        self.told = []

    def predict(self, obs, state=None, episode_start=None, deterministic=False, reward=None):
        self.told.append(reward.tolist())
        return np.ones(len(obs), int), None


def test_who_asks_for_the_last_reward_is_told_it():
    """CartPole pays 1 for each step, and pushed to one side it falls after some: the first reward is none, and that of a lane that stands still is 0."""
    model = Counting()
    evaluator = Evaluator("CartPole-v1", {}, {}, [[0, 1]])
    lengths = evaluator(model, [None])[0].lengths
    evaluator.close()
    assert model.told[0] == [0, 0] and model.told[1] == [1, 1]
    assert np.sum(model.told) == sum(n - (n == max(lengths)) for n in lengths)
