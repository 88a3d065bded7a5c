"""Exploration: what `predict` does unless it is deterministic, and how ε falls."""

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3
import torch
from gymnasium import spaces
from stable_baselines3.dqn.policies import DQNPolicy

from from_scratch.bandits.epsilon_greedy import EpsilonGreedyBandit
from from_scratch.envs import KArmedTestbed
from from_scratch.linear.semi_gradient_sarsa import SemiGradientSARSA
from from_scratch.temporal_difference.q_learning import QLearning
from from_scratch.value_based.dqn import DQN

CONTROL = [pytest.param(QLearning, "TabularPolicy", id="table"), pytest.param(SemiGradientSARSA, "LinearPolicy", id="linear")]


class Halls(gym.Env):
    """Two states, of which the second has two actions only; actions are numbered from 3."""

    observation_space, action_space = spaces.Discrete(2), spaces.Discrete(3, start=3)
    legal_actions = np.array([[True, True, True], [True, False, True]])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, 0.0, False, False, {}


@pytest.mark.parametrize(("learner", "policy"), CONTROL)
def test_epsilon_falls_linearly_over_its_fraction_of_training(learner, policy):
    model = learner(policy, Halls(), seed=0, exploration_initial_eps=0.8, exploration_final_eps=0.2, exploration_fraction=0.5)
    assert model.exploration_rate == 0.8
    assert model.learn(5).exploration_rate == pytest.approx(0.2)
    model.num_timesteps, model._total_timesteps = 25, 100
    model._update_current_progress_remaining(25, 100)
    model._follow_schedules()
    assert model.exploration_rate == pytest.approx(0.5)


@pytest.mark.parametrize(("learner", "policy"), CONTROL)
@pytest.mark.parametrize("name", ["exploration_initial_eps", "exploration_final_eps", "exploration_fraction"])
def test_what_is_no_probability_is_refused(learner, policy, name):
    with pytest.raises(ValueError, match=rf"{name}=1.5: a probability or a fraction lies between 0 and 1\."):
        learner(policy, Halls(), **{name: 1.5})


def test_a_bandit_s_epsilon_is_a_probability():
    with pytest.raises(ValueError, match=r"epsilon=-0\.1: a probability or a fraction lies between 0 and 1\."):
        EpsilonGreedyBandit("TabularPolicy", KArmedTestbed(), epsilon=-0.1)


@pytest.mark.parametrize(("learner", "policy"), CONTROL)
def test_at_epsilon_one_predicting_takes_every_action_of_the_environment(learner, policy):
    torch.manual_seed(0)
    model = learner(policy, Halls(), exploration_initial_eps=1.0)
    assert set(model.predict(np.zeros(100, int))[0].tolist()) == {3, 4, 5}


def test_what_cannot_be_chosen_is_not_explored():
    torch.manual_seed(0)
    model = QLearning("TabularPolicy", Halls(), exploration_initial_eps=1.0)
    assert set(model.predict(np.ones(100, int))[0].tolist()) == {3, 5}


@pytest.mark.parametrize("learner", [QLearning, EpsilonGreedyBandit])
def test_what_is_deterministic_draws_nothing_from_the_process(learner):
    model = learner("TabularPolicy", KArmedTestbed(), seed=0)
    before = torch.get_rng_state()
    model.predict(np.zeros(10, int), deterministic=True)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("learner", "policy"), CONTROL)
def test_predicting_leaves_the_training_s_own_draws_alone(learner, policy):
    disturbed, quiet = (learner(policy, Halls, seeds=[1]).learn(5) for _ in range(2))
    disturbed.predict(np.zeros(10, int))
    assert np.array_equal(disturbed._rng.uniform(3), quiet._rng.uniform(3))


class Draws(DQNPolicy):
    """A user's policy that draws whenever it is asked."""

    def _predict(self, obs, deterministic=True):
        return (super()._predict(obs, deterministic) + torch.randint(2, (len(obs),))) % 2


def test_where_dqn_explores_a_user_s_policy_is_not_asked_so_that_its_draws_are_sb3_s():
    predicted = []
    for cls in (DQN, stable_baselines3.DQN):
        model, obs = cls(Draws, "CartPole-v1", seed=3), np.zeros((6, 4), np.float32)
        model.exploration_rate = 0.5
        np.random.seed(0)
        torch.manual_seed(0)
        model.action_space.seed(0)
        predicted.append([model.predict(obs)[0].tolist() for _ in range(20)])
    assert predicted[0] == predicted[1]


def test_dqn_tosses_one_coin_for_a_call_as_sb3_does():
    ours, theirs = (cls("MlpPolicy", "CartPole-v1", seed=3) for cls in (DQN, stable_baselines3.DQN))
    obs, predicted = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), []
    for model in (ours, theirs):
        model.exploration_rate = 0.5
        np.random.seed(0)
        model.action_space.seed(0)
        predicted.append([model.predict(x)[0].tolist() for _ in range(20) for x in (obs, obs[0])])
    assert predicted[0] == predicted[1]
