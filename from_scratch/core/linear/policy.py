"""The policy of a linear method: weights on features, and how it acts by them, or by probabilities that it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.addresses import saved
from from_scratch.core.linear.features import Features, make_features
from from_scratch.core.tabular.tables import NamedTables, greedy


@saved
class LinearPolicy(NamedTables):
    """One seed's weights, by name, and the features they belong to.

    With `acts_on` the action is greedy on q̂ with the weights of that name; without it it is drawn from `pi`: probabilities [n_actions] or
    [n_states, n_actions], or a function of observations [M, ...] that gives [M, n_actions]; None: all actions alike.
    """

    arguments = (*NamedTables.arguments, "features", "features_kwargs", "pi")

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Callable[[float], float] | None = None,
        tables: dict[str, tuple[int, ...]] | None = None,
        acts_on: str | None = "w",
        features: str | Callable[..., Features] = "auto",
        features_kwargs: dict[str, Any] | None = None,
        pi: Any = None,
    ):
        x = make_features(observation_space, features, features_kwargs)
        super().__init__(observation_space, action_space, tables or {"w": (x.n * (int(action_space.n) if acts_on else 1),)}, acts_on)
        self.x, self.features, self.features_kwargs, self.pi = x, features, features_kwargs, pi

    def values(self, obs: Any, name: str = "w") -> np.ndarray:
        """q̂(s, ·) [M, n_actions] of observations [M, ...], or v̂(s) [M] where the weights are not of actions."""
        w = getattr(self, name).numpy().reshape(-1, self.x.n)
        values = self.x(obs) @ w.T
        return values if self.acts_on else values[:, 0]

    def probabilities(self, obs: np.ndarray) -> np.ndarray:
        """π(·|s) [M, n_actions] for observations [M, ...]."""
        return action_probabilities(self.pi, self.observation_space, int(self.action_space.n), obs)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        obs = observation.numpy()
        q = self.values(obs, self.acts_on) if self.acts_on else self.probabilities(obs)
        noise = torch.rand(q.shape, dtype=torch.float64).numpy()  # from the process, as SB3's policies draw
        if deterministic or self.acts_on:
            return torch.from_numpy(greedy(q, None if deterministic else noise) + self.action_space.start)
        return torch.from_numpy(drawn(q.cumsum(-1), noise[:, 0]) + self.action_space.start)


def action_probabilities(policy: Any, space: spaces.Space, n_actions: int, obs: np.ndarray) -> np.ndarray:
    """The probabilities [M, n_actions] of a policy as `LinearPolicy.pi` may be given."""
    if callable(policy):
        return np.asarray(policy(obs), dtype=float)
    if policy is None:
        return np.full((len(obs), n_actions), 1 / n_actions)
    table = np.asarray(policy)
    if table.ndim == 1 and table.dtype.kind in "iu":
        table = np.eye(n_actions)[table]
    return np.broadcast_to(table, (len(obs), n_actions)) if table.ndim == 1 else table[obs - space.start]  # type: ignore[attr-defined]


def drawn(cumulated: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The first action whose cumulated probability [..., n_actions] exceeds u [...]; the last one where rounding leaves none."""
    return np.minimum((cumulated <= u[..., None]).sum(-1), cumulated.shape[-1] - 1)
