"""What a given policy is worth, learnt from a data set that another one recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.data import Transition, tree_map
from from_scratch.core.datasets import Dataset
from from_scratch.core.loops.weighted import OfPairs
from from_scratch.core.networks.weighted import VALUES_ALIASES
from from_scratch.core.replay.recorded import Recorded


@dataclass
class Evaluated(Transition):
    """Steps with what the evaluated policy does after them."""

    next_action: torch.Tensor  # π(s'), as networks are given it, [S, M, ...]


class Estimate(NamedTuple):
    """What a policy is worth in the states in which episodes begin, for each seed, [S]."""

    value: np.ndarray  # the mean over episodes
    low: np.ndarray  # the ends of its interval, by the bootstrap over episodes
    high: np.ndarray
    n_episodes: int


class WithActions(Recorded):
    """The steps of a data set, with what a policy does after them."""

    def __init__(self, model: Any, data: Dataset, *args: Any):
        super().__init__(data, *args)
        self.model, self.raw = model, data.next_observations
        self.next_action = model.scaled_actions(self.raw, np.zeros(len(data), int)) if model.asks_once else None

    def at(self, i: np.ndarray, gamma: float) -> Evaluated:
        a = self.drawn(i) if self.next_action is None else self.read("next_action", i)
        return Evaluated(**vars(super().at(i, gamma)), next_action=self.tensor(a))

    def drawn(self, i: np.ndarray) -> np.ndarray:
        """Actions in the states after the steps i [S, M], drawn anew by each seed."""
        seeds = np.repeat(np.arange(len(i)), i.shape[1])
        return (lambda a: a.reshape(*i.shape, *a.shape[1:]))(self.model.scaled_actions(tree_map(lambda x: x[i.ravel()], self.raw), seeds))


class Evaluates(OfPairs):
    """Q(s, a) of a policy that is given, and the value of the states in which episodes begin. It predicts what that policy does."""

    policy_to_evaluate: Any
    deterministic: bool

    policy_aliases = VALUES_ALIASES

    def check(self) -> None:
        super().check()
        π = self.policy_to_evaluate
        if π is not None and not callable(getattr(π, "predict", π)):
            kind = type(π).__name__
            raise ValueError(f"policy_to_evaluate is of type {kind}: give a model, a policy with `predict`, or a function from observations to actions.")
        if getattr(π, "n_seeds", 1) > 1:
            raise ValueError(f"policy_to_evaluate holds the models of {π.n_seeds} seeds: give one of them, as in policy_to_evaluate=model[0].")
        for kind in ("observation_space", "action_space"):
            theirs, ours = getattr(π, kind, None), getattr(self, kind, None)
            if isinstance(theirs, spaces.Space) and ours is not None and theirs != ours:
                raise ValueError(f"policy_to_evaluate has the {kind} {theirs}, and the data set {ours}.")

    def _setup_buffers(self) -> None:
        if self.policy_to_evaluate is not None:
            self.evaluates = type(self.policy_to_evaluate).__name__
        super()._setup_buffers()

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), *([] if self.policy_to_evaluate is None else ["policy_to_evaluate"])]

    # ------------------------------------------------------------------------------------------------------------ what the policy does
    @property
    def asks_once(self) -> bool:
        """Is what the policy does the same at each step?"""
        return self.deterministic and self.policy_to_evaluate is not None

    def actions(self, obs: Any, seeds: np.ndarray | None = None, deterministic: bool | None = None) -> np.ndarray:
        """What the policy does at observations [n, ...], as the environment takes it.

        seeds [n], in blocks: from whose streams it is drawn; None: from the process's.
        """
        π, deterministic = self.policy_to_evaluate, self.deterministic if deterministic is None else deterministic
        n = len(next(iter(obs.values())) if isinstance(obs, dict) else obs)
        if π is None and getattr(self, "evaluates", None) is not None:
            name = type(self).__name__
            raise ValueError(f"This {name} says what a {self.evaluates} is worth, which no file of it holds: {name}.load(path, policy_to_evaluate=…).")
        if π is None and seeds is None:
            return np.stack([self.action_space.sample() for _ in range(n)])
        if π is None:
            return self._rng.sample_actions(n // self.n_seeds).reshape(n, *self.action_space.shape)  # type: ignore[misc]
        ask = (lambda obs: π.predict(obs, deterministic=deterministic)[0]) if hasattr(π, "predict") else lambda obs: np.asarray(π(obs))
        if seeds is None or self.asks_once:
            return ask(obs)
        parts = []
        for k, stream in enumerate(self._rng.streams):
            with stream.as_process():
                parts.append(ask(tree_map(lambda x, k=k: x[seeds == k], obs)))
        return np.concatenate(parts)

    def scaled_actions(self, obs: Any, seeds: np.ndarray) -> np.ndarray:
        """The same, as networks are given them, [n, ...]."""
        a = self.actions(obs, seeds)
        a = self.scale_actions(a) if isinstance(self.action_space, spaces.Box) else a
        return Recorded.wide(a.reshape(len(a), -1))

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """What the evaluated policy predicts."""
        if hasattr(self.policy_to_evaluate, "predict"):
            return self.policy_to_evaluate.predict(observation, state, episode_start, deterministic)
        policy: Any = self._policies[0]
        several = policy.is_vectorized_observation(observation)
        a = self.actions(observation if several else tree_map(lambda x: np.asarray(x)[None], observation), None, deterministic)
        return (a if several else a[0]), state

    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        seeds = np.repeat(np.arange(self.n_seeds), self.n_envs)
        a = self.actions(tree_map(lambda x: x.reshape(-1, *x.shape[2:]), obs), seeds)
        a = self.scale_actions(a) if isinstance(self.action_space, spaces.Box) else a
        return a.reshape(self.n_seeds, -1, *self.action_space.shape)  # type: ignore[misc]

    def new_memory(self, data: Dataset) -> WithActions:
        return WithActions(self, *self.as_networks_see(data))

    # -------------------------------------------------------------------------------------------------------------- what it is worth
    def values(self, observations: Any, n_draws: int = 32) -> np.ndarray:
        """V(s) = Q(s, π(s)) of observations [n, ...], [S, n]; of a policy that draws its actions the mean over n_draws of them."""
        S, n = self.n_seeds, len(next(iter(observations.values())) if isinstance(observations, dict) else observations)
        again, seeds = tree_map(lambda x: np.concatenate([x] * S), observations), np.repeat(np.arange(S), n)
        see = lambda x: torch.as_tensor(np.stack([Recorded.wide(x)] * S), device=self.device)
        obs, draws = tree_map(see, self.seen(observations)), 1 if self.asks_once else n_draws
        with torch.no_grad():
            actions = [torch.as_tensor(self.scaled_actions(again, seeds).reshape(S, n, -1), device=self.device) for _ in range(draws)]
            return np.mean([self.of_pairs(self.q, obs, a)[:, 0].cpu().numpy() for a in actions], 0)

    def estimate(self, observations: Any = None, confidence: float = 0.95, n_resamples: int = 2000, seed: int = 0) -> Estimate:
        """The policy's value where episodes begin: in `observations`, or in the first ones of the data set's episodes.

        The interval is of the bootstrap over these episodes. It says how much the mean depends on where they began, and nothing of errors of Q.
        """
        if not 0 < confidence < 1:
            raise ValueError(f"confidence={confidence}: give a number between 0 and 1.")
        if observations is None and self.data is None:
            raise ValueError(f"This {type(self).__name__} has no data set whose episodes begin somewhere: estimate(observations), or set_dataset(…) before.")
        starts = self.data.starts if self.data is not None else None
        v = self.values(tree_map(lambda x: x[starts], self.data.observations) if observations is None else observations)  # type: ignore[union-attr]
        drawn = np.random.default_rng(seed).integers(v.shape[1], size=(n_resamples, v.shape[1]))
        low, high = np.quantile(v[:, drawn].mean(-1), [(1 - confidence) / 2, (1 + confidence) / 2], axis=1)
        return Estimate(v.mean(-1), low, high, v.shape[1])
