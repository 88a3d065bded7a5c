"""Evaluation: the mean return of whole episodes, each played once from its own seed.

Episodes run side by side in lanes. A lane plays one episode and then stands still: if lanes went on to further
episodes until enough had ended, short episodes would be counted more often than long ones. Observations are normalised
with the training statistics where training was, rewards are the environment's own, and neither the training's
environments nor the process's random streams are touched.

Seeds: from a run's seed s, NumPy's SeedSequence derives two independent streams. Spawn key (0,) gives the model's seed
(weights, exploration, minibatches; the i-th training environment has model seed + i, as in Stable-Baselines3). Spawn key
(1, s) of the protocol's `eval_seed` gives the seeds of the evaluation episodes: they depend on s and on the protocol
alone, so every algorithm is scored on the same episodes, at every checkpoint.
"""

from __future__ import annotations

import inspect
import random
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, unwrap_vec_normalize

from benchmarks.studies.environments import make_env, wrap


def model_seed(seed: int) -> int:
    """The seed handed to the algorithm for a run's seed: 31 bits, so that seed + i is still a seed for every library."""
    return int(np.random.SeedSequence(seed, spawn_key=(0,)).generate_state(1)[0] >> 1)


def episode_seeds(eval_seed: int, seed: int, n: int) -> list[int]:
    """The seeds of the n evaluation episodes of a run's seed, the same for every algorithm."""
    return [int(word >> 1) for word in np.random.SeedSequence(eval_seed, spawn_key=(1, seed)).generate_state(n)]


class Lanes(DummyVecEnv):
    """A vector environment in which every lane plays one episode. `play(seeds)` starts them; `returns` and `lengths` [n] are the result."""

    def play(self, seeds: list[int]) -> None:
        self._seeds = list(seeds)
        self._masks: list[Any] = [None] * self.num_envs
        self.alive = np.ones(self.num_envs, dtype=bool)
        self.returns = np.zeros(self.num_envs)
        self.lengths = np.zeros(self.num_envs, dtype=int)

    def step_wait(self):
        self.buf_rews[:] = 0.0
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for lane in np.flatnonzero(self.alive).tolist():
            obs, reward, terminated, truncated, _ = self.envs[lane].step(self.actions[lane])
            self._save_obs(lane, obs)
            self.buf_rews[lane] = reward
            self.returns[lane] += reward
            self.lengths[lane] += 1
            self.alive[lane] = not (terminated or truncated)
        return self._obs_from_buf(), self.buf_rews.copy(), np.zeros(self.num_envs, dtype=bool), infos

    def action_masks(self) -> np.ndarray:
        """Which actions are valid in each lane, [n, ...]; where one stands still, as in the last state from which it was left."""
        self._masks = [env.get_wrapper_attr("action_masks")() if alive else last for env, alive, last in zip(self.envs, self.alive, self._masks, strict=True)]
        return np.stack(self._masks)


@dataclass(frozen=True)
class Episodes:
    """Evaluation episodes of one run at one checkpoint: returns and lengths, both [n]."""

    returns: np.ndarray
    lengths: np.ndarray

    @property
    def score(self) -> float:
        return float(self.returns.mean())


@contextmanager
def untouched_randomness():
    """The process's random streams are afterwards where they were before."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


class Evaluator:
    """Scores the models of one job: one or several seeds of an algorithm on one environment.

    env, spec, setup: the environment's id, its settings and the Zoo's wrappers (env_wrapper, normalize, frame_stack).
    seeds: one list of episode seeds for each model, all of one length.
    """

    def __init__(self, env: str, spec: dict[str, Any], setup: dict[str, Any], seeds: list[list[int]], deterministic: bool = True):
        self.seeds, self.deterministic = seeds, deterministic
        self.lanes = [Lanes([lambda: make_env(env, spec, setup.get("env_wrapper"), monitor=False)] * len(s)) for s in seeds]
        self.venvs: list[VecEnv] = [wrap(lanes, setup.get("normalize"), setup.get("frame_stack"), training=False) for lanes in self.lanes]

    def __call__(self, model, normalizers: list) -> list[Episodes]:
        """Play all episodes. model.predict takes the observations of all models' lanes, [S*n, ...] seed-major, what it remembers of them, and their action
        masks and last rewards where it knows of these.

        normalizers: for each seed the VecNormalize that it trains with, or None.
        """
        with untouched_randomness():
            for venv, training in zip(self.venvs, normalizers, strict=True):
                if training is not None:
                    own = unwrap_vec_normalize(venv)
                    assert own is not None, "a run that trains with VecNormalize is scored with it"
                    own.obs_rms = training.obs_rms
            for lanes, seeds in zip(self.lanes, self.seeds, strict=True):
                lanes.play(seeds)
            obs = [venv.reset() for venv in self.venvs]
            state, going_on = None, np.zeros(sum(lanes.num_envs for lanes in self.lanes), dtype=bool)
            masked = takes_masks(model) and self.lanes[0].has_attr("action_masks")
            rewards, rewarded = [np.zeros(lanes.num_envs, np.float32) for lanes in self.lanes], takes(model, "reward")
            while any(lanes.alive.any() for lanes in self.lanes):
                more = {"action_masks": np.concatenate([lanes.action_masks() for lanes in self.lanes])} if masked else {}
                more |= {"reward": np.concatenate(rewards)} if rewarded else {}
                actions, state = model.predict(_joined(obs), deterministic=self.deterministic, **remembered(state, going_on), **more)
                n = len(actions) // len(self.venvs)  # an array, or a list of Tuple or Dict actions
                shares = [actions[i * n : (i + 1) * n] for i in range(len(self.venvs))]
                steps = [venv.step(share)[:2] if lanes.alive.any() else last
                         for venv, share, lanes, *last in zip(self.venvs, shares, self.lanes, obs, rewards, strict=True)]  # fmt: skip
                obs, rewards = map(list, zip(*steps, strict=True))
            return [Episodes(lanes.returns.copy(), lanes.lengths.copy()) for lanes in self.lanes]

    def close(self) -> None:
        for venv in self.venvs:
            venv.close()


def remembered(state: Any, starts: np.ndarray) -> dict[str, Any]:
    """What predict() is given beside observations, if it handed back a state the last time: that, and in which lanes an episode starts."""
    return {} if state is None else {"state": state, "episode_start": starts}


def takes(model, name: str) -> bool:
    """Does its predict() take an argument of this name beside SB3's: `reward`, of the last step, or `action_masks`?"""
    return name in inspect.signature(model.predict).parameters


def takes_masks(model) -> bool:
    """Does its predict() want to know which actions are valid?"""
    return takes(model, "action_masks")


def masks_for(model, venv: VecEnv) -> dict[str, np.ndarray]:
    """What predict() is told beside the observations of a vector environment that is being played."""
    return {"action_masks": np.stack(venv.env_method("action_masks"))} if takes_masks(model) and venv.has_attr("action_masks") else {}


def _joined(obs: list):
    """Observations of several vector environments as one batch; dictionaries key by key."""
    if len(obs) == 1:
        return obs[0]
    if isinstance(obs[0], dict):
        return {key: np.concatenate([o[key] for o in obs]) for key in obs[0]}
    return np.concatenate(obs)
