"""What is small enough to learn from in every test: environments that only show something, and a model's parameters as one vector."""

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

IMAGES, DICTS = spaces.Box(0, 255, (3, 36, 36), np.uint8), spaces.Dict(a=spaces.Box(-1, 1, (3,)), b=spaces.Discrete(4))


class Seen(gym.Env):
    """Observations of any space at random; the reward is the action, and one step in ten is the last."""

    action_space = spaces.Discrete(3)

    def __init__(self, space):
        self.observation_space = space
        space.seed(0)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), float(action), bool(self.np_random.random() < 0.1), False, {}


def of_parameters(model):
    """θ of a model's policy, [D]."""
    return torch.cat([p.detach().flatten() for p in model.policy.parameters()])
