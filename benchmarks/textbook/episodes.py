"""What figures of temporal-difference learning record: something of each of the first n episodes of every run, all runs in one block of lanes.

Runs end their episodes at different steps. Each goes on until the last has had its n; what it does after its own n is not looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from benchmarks.textbook.changes import load
from from_scratch.envs.vector import vectorised

FOR_EVER = 10**12


class FirstEpisodes(BaseCallback):
    """Stops when every run has had n episodes. `values` is [runs, n]."""

    model: Any

    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def _on_training_start(self) -> None:
        lanes = self.training_env.num_envs
        self.values, self.count = np.full((lanes, self.n), np.nan), np.zeros(lanes, int)  # of each run, the episodes that are over

    def _on_step(self) -> bool:
        self.watch()
        ended = self.locals["dones"].nonzero()[0]
        ended = ended[self.count[ended] < self.n]
        if len(ended):
            self.of_episode(ended, self.count[ended])
            self.count[ended] += 1
        return bool((self.count < self.n).any())

    def watch(self) -> None:
        """Called at every step, before what it brought is learnt."""

    def of_episode(self, lanes: np.ndarray, k: np.ndarray) -> None:
        """Called where the k-th episode of these lanes has ended, before its last step is learnt."""


class Returns(FirstEpisodes):
    """The sum of rewards of each episode."""

    def of_episode(self, lanes: np.ndarray, k: np.ndarray) -> None:
        infos = self.locals["infos"]
        self.values[lanes, k] = [infos[lane]["episode"]["r"] for lane in lanes]


class Errors(FirstEpisodes):
    """The root mean squared error of V after each episode, over the states that `truth` [n_states] has a number for; NaN are left out."""

    def __init__(self, n: int, truth: np.ndarray):
        super().__init__(n)
        self.states = np.flatnonzero(~np.isnan(truth))
        self.truth = truth[self.states]

    def _on_training_start(self) -> None:
        super()._on_training_start()
        self.learnt = np.zeros(0, int), np.zeros(0, int)  # the lanes whose episode the last step ended, and its number: V has learnt from it by now

    def _on_step(self) -> bool:
        lanes, k = self.learnt
        if len(lanes):
            self.values[lanes, k] = np.sqrt(((self.model.V[np.ix_(lanes, self.states)] - self.truth) ** 2).mean(-1))
        self.learnt = np.zeros(0, int), np.zeros(0, int)
        return super()._on_step() or len(self.learnt[0]) > 0

    def of_episode(self, lanes: np.ndarray, k: np.ndarray) -> None:
        self.learnt = lanes, k


def play(recorder: FirstEpisodes, id: str, env: str, seeds: range, **hyperparameters: Any) -> Any:
    """Runs of an algorithm in an environment, one for each seed, until the recorder has what it wants; the model, and the record in `recorder.values`."""
    model = load(id)("TabularPolicy", vectorised(env), seeds=seeds, **hyperparameters)
    with np.errstate(over="ignore", invalid="ignore"):  # step sizes that are too large diverge: a figure may show that
        return model.learn(FOR_EVER, callback=recorder, log_interval=None)


def sweep(recorder: FirstEpisodes, id: str, env: str, alphas: Any, runs: int, **hyperparameters: Any) -> np.ndarray:
    """The record of `runs` runs for each step size, [step sizes, runs, n]: all of them at once, with a seed for each run and step size."""
    alphas = np.asarray(alphas, float)
    play(recorder, id, env, range(len(alphas) * runs), learning_rate=np.repeat(alphas, runs), **hyperparameters)
    return recorder.values.reshape(len(alphas), runs, recorder.n)
