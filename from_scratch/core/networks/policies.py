"""The policies of a stack of seeds as one object: what `model.policy` is where SB3 has one policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.product import Product


class Policies(nn.ModuleList):
    """A stack's `policy`, which is its `policies`: one for each seed; `[k]` is the k-th seed's, with SB3's methods.

    It predicts for all seeds as the model does, and its parameters and state_dict are those of all. What is the same for every seed can be asked here: spaces,
    what is computed from them alone, and settings. Anything else is one seed's: AttributeError, or TypeError where it is called.
    """

    OF_SPACES = ("obs_to_tensor", "is_vectorized_observation", "scale_action", "unscale_action", "index", "x")
    SETTINGS = (bool, int, float, str, tuple, list, dict, type, type(None), np.generic, np.ndarray, torch.Tensor, torch.device, spaces.Space)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False, action_masks: np.ndarray | None = None
    ) -> tuple[np.ndarray, Any]:
        """Actions [S·n, ...] for observations [S·n, ...], the first n of them for the first seed; ValueError if they are no multiple of S.

        What recurrent policies remember, arrays [layers, S·n, H], is parted in the same way, and handed back. action_masks [S·n, ...]: of maskable
        policies, which actions are valid.
        """
        S = len(self)
        n = len(next(iter(observation.values())) if isinstance(observation, dict) else observation) if self.is_vectorized_observation(observation) else 1
        if n % S:
            raise ValueError(f"{n} observation{'s' * (n > 1)} for {S} seeds: give a multiple, seed after seed, or ask each, as in for each in model: …")
        parts, actions, after = tree_map(lambda x: x.reshape(S, -1, *x.shape[1:]), observation), [], []
        states = [state] * S if state is None else list(zip(*(np.split(np.asarray(part), S, 1) for part in state), strict=True))
        starts = [episode_start] * S if episode_start is None else np.split(np.asarray(episode_start), S)
        for k, policy in enumerate(self):  # each by its own policy, as member(k) would: the same bits
            masks = {} if action_masks is None else {"action_masks": np.asarray(action_masks).reshape(S, n // S, -1)[k]}
            action, then = policy.predict(tree_map(lambda x, k=k: x[k], parts), states[k], starts[k], deterministic, **masks)
            actions.append(action)
            after.append(then)
        state = state if after[0] is None else tuple(np.concatenate(part, 1) for part in zip(*after, strict=True))
        if isinstance(self[0].action_space, Product):  # as the environments say them
            return [action for part in actions for action in (part if isinstance(part, list) else [part])], state  # type: ignore[return-value]
        return np.concatenate(actions), state

    def set_training_mode(self, mode: bool) -> None:
        """Training or evaluation mode of every seed's networks."""
        for policy in self:
            policy.set_training_mode(mode)

    def reset_noise(self, n_envs: int = 1) -> None:
        """Draw every seed's noise of gSDE anew."""
        for policy in self:
            policy.reset_noise(n_envs)

    def forward(self, *data: Any, **more: Any) -> Any:
        raise TypeError(self._ask_one("(…)"))

    def _ask_one(self, what: str) -> str:
        return f"A stack has a policy for each of its {len(self)} seeds: take one, as in model.policies[k]{what}, or model[k].policy{what} of a copy."

    def __getattr__(self, name: str) -> Any:
        first = self.__dict__.get("_modules", {}).get("0")
        if first is None or name.isdigit() or not hasattr(first, name):
            return super().__getattr__(name)
        value = getattr(first, name)
        if name in self.OF_SPACES or (self._is_setting(name, value) and all(_equal(value, getattr(policy, name)) for policy in self)):
            return value
        raise AttributeError(self._ask_one(f".{name}"))

    def _is_setting(self, name: str, value: Any) -> bool:
        return isinstance(value, self.SETTINGS) and not isinstance(value, nn.Parameter) and name not in self[0]._buffers

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name.isdigit() or name.startswith("_") or name == "training"):
            raise AttributeError(self._ask_one(f".{name} = …"))
        super().__setattr__(name, value)


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
