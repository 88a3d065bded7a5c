"""Uniformly random actions: the baseline that every algorithm has to beat. It learns nothing; `learn` plays."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.loops.stepwise import Stepwise


class RandomPolicy(BasePolicy):
    """Draws from the action space, whatever it sees and whether or not asked to be deterministic."""

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space, lr_schedule: Callable[[float], float] | None = None):
        super().__init__(observation_space, action_space)
        self.draws_from = copy.deepcopy(action_space)  # its own generator: predicting does not disturb playing
        self.draws_from.seed(int(torch.randint(2**31, ())))

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        n = len(next(iter(observation.values())) if isinstance(observation, dict) else observation)
        return torch.from_numpy(np.array([self.draws_from.sample() for _ in range(n)]))

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {"observation_space": self.observation_space, "action_space": self.action_space}


class RandomAgent(Stepwise):
    policy_aliases = {"RandomPolicy": RandomPolicy}

    def iterate(self) -> None:
        self.take(self._rng.sample_actions(self.n_envs))

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        parts = [obs] if not isinstance(obs, dict) else list(obs.values())
        return np.stack([[policy.draws_from.sample() for _ in range(parts[0].shape[1])] for policy in self._policies])
