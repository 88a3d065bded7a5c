"""Random actions: right in distribution, in every action space, seed by seed."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

from from_scratch.baselines.random_agent import RandomAgent


def played(action_space):
    """An environment of four steps an episode that keeps the actions it was given, and refuses those outside its space."""

    class Kept(gym.Env):
        observation_space = spaces.Box(-1, 1, (2,))

        def __init__(self):
            self.action_space, self.kept = action_space, []

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.zeros(2, np.float32), {}

        def step(self, action):
            assert self.action_space.contains(action), action
            self.kept.append(np.array(action))
            return np.zeros(2, np.float32), 0.0, len(self.kept) % 4 == 0, False, {}

    return Kept()


def test_random_play_of_cartpole_lasts_22_steps():
    model = RandomAgent("RandomPolicy", "CartPole-v1", seed=0, stats_window_size=10_000).learn(40_000)
    assert np.mean([episode["r"] for episode in model.ep_info_buffer]) == pytest.approx(22.1, abs=1)
    mean, _ = evaluate_policy(model, Monitor(gym.make("CartPole-v1")), n_eval_episodes=400)
    assert mean == pytest.approx(22.1, abs=2)


SPACES = (spaces.Discrete(3), spaces.Discrete(3, start=-1), spaces.Box(-2, 3, (2,)), spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(3))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_every_action_space_is_sampled_uniformly(space):
    env = played(space)
    model = RandomAgent("RandomPolicy", env, seed=0).learn(2000)
    predicted = model.predict(np.zeros((2000, 2), np.float32), deterministic=True)[0]
    assert predicted.shape == (2000, *space.shape) and model.predict(np.zeros(2, np.float32))[0].shape == space.shape
    middle = {"Discrete": 1 + (space.start if isinstance(space, spaces.Discrete) else 0), "Box": 0.5, "MultiDiscrete": [0.5, 1], "MultiBinary": 0.5}
    for actions in (np.array(env.kept), predicted):
        assert np.abs(actions.mean(0) - middle[type(space).__name__]).max() < 0.12 and actions.std() > 0.4


@pytest.mark.parametrize("n_envs", [1, 2])
def test_a_seed_in_a_stack_plays_as_it_does_alone(n_envs):
    def actions(k=0, **kwargs):
        made = []
        RandomAgent("RandomPolicy", lambda: made.append(played(spaces.Discrete(5))) or made[-1], n_envs=n_envs, **kwargs).learn(60)
        return [env.kept for env in made[k * n_envs : (k + 1) * n_envs]]

    assert actions(seeds=[3]) == actions(seeds=[1, 3], k=1) == actions(seed=3)
    assert actions(seeds=[3]) != actions(seeds=[1, 3], k=0)
