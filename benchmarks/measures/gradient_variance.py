"""How much the gradient of a fixed policy differs between episodes, with a baseline and without (Greensmith, Bartlett & Baxter 2004)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.measures.measure import Measure
from benchmarks.running.evaluation import Lanes
from benchmarks.studies import environments

EPISODES = 2000  # of each policy at a checkpoint, each of which gives both gradients


class Played(NamedTuple):
    """One episode: observations [T, ...], actions [T], rewards [T]."""

    obs: np.ndarray
    action: np.ndarray
    reward: np.ndarray


class GradientVariance(Measure):
    """Of REINFORCE's gradient Σ_t w_t ∇ln π(A_t|S_t) of an episode, once with w_t = G_t and once with w_t = G_t − v̂(S_t), from the same fresh episodes:

    variance_without, variance_with     summed over the parameters (the trace of the covariance)
    variance_ratio                      the one over the other
    along_without, along_with           how far the mean gradient reaches along the mean gradient without a baseline, from halves of the episodes that share
                                        none: both estimate its squared length, without bias, if the baseline adds none

    For REINFORCEBaseline with Discrete actions. v̂ was fitted to the episodes of training, so it has not seen these.
    """

    model: Any

    def __init__(self, job: Any, episodes: int = EPISODES):
        super().__init__(job)
        run = job.runs[0]
        self.episodes, self.n_checkpoints = episodes, 0
        self.lanes = Lanes([lambda: environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False)] * episodes)

    def values(self) -> Sequence[dict[str, float]]:
        self.n_checkpoints += 1
        return [self._of(self.model.member(k).policy if self.n_seeds > 1 else self.model.policy, run.seed) for k, run in enumerate(self.job.runs)]

    def _of(self, policy: Any, seed: int) -> dict[str, float]:
        g, h = zip(*(self.gradients(policy, episode) for episode in self.play(policy, seed)), strict=True)
        return moments(np.array(g), np.array(h))

    def play(self, policy: Any, seed: int) -> list[Played]:
        """Fresh episodes of a policy, by random numbers that depend on the run's seed and the checkpoint alone."""
        words = np.random.SeedSequence(seed, spawn_key=(2, self.n_checkpoints))
        stream = np.random.default_rng(words.spawn(1)[0])
        self.lanes.play([int(word >> 1) for word in words.generate_state(self.episodes)])
        obs, steps = self.lanes.reset(), []
        while self.lanes.alive.any():
            alive = self.lanes.alive.copy()
            with torch.no_grad():
                pi = torch.softmax(policy.actor(torch.as_tensor(obs)), dim=1).double().numpy()
            action = np.minimum((stream.random((self.episodes, 1)) >= pi.cumsum(axis=1)).sum(axis=1), pi.shape[1] - 1)
            before = np.array(obs)
            obs, reward, _, _ = self.lanes.step(action)
            steps.append((alive, before, action, np.array(reward)))
        alive, before, actions, rewards = (np.array(column) for column in zip(*steps, strict=True))
        return [Played(before[alive[:, i], i], actions[alive[:, i], i], rewards[alive[:, i], i]) for i in range(self.episodes)]

    def gradients(self, policy: Any, episode: Played) -> tuple[np.ndarray, np.ndarray]:
        """The gradient of one episode, all parameters in one row, without and with the baseline."""
        obs = torch.as_tensor(episode.obs)
        with torch.no_grad():
            v = policy.baseline(obs).squeeze(-1)
        g = torch.as_tensor(returns(episode.reward, self.model.gamma), dtype=v.dtype)
        log_prob = torch.log_softmax(policy.actor(obs), dim=1).gather(1, torch.as_tensor(episode.action)[:, None]).squeeze(1)
        parameters = list(policy.actor.parameters())
        rows = [torch.autograd.grad((weight * log_prob).sum(), parameters, retain_graph=True) for weight in (g, g - v)]
        without, with_baseline = (torch.cat([part.flatten() for part in row]).double().numpy() for row in rows)
        return without, with_baseline


def returns(reward: np.ndarray, gamma: float) -> np.ndarray:
    """G_t [T] = R_t+1 + γ G_t+1."""
    g, following = np.zeros(len(reward)), 0.0
    for t in range(len(reward) - 1, -1, -1):
        g[t] = following = float(reward[t]) + gamma * following
    return g


def moments(g: np.ndarray, h: np.ndarray) -> dict[str, float]:
    """What the measure says, from the gradients of N episodes without (g) and with (h) a baseline, both [N, n_parameters]."""
    g_a, g_b, h_a, h_b = g[::2].mean(axis=0), g[1::2].mean(axis=0), h[::2].mean(axis=0), h[1::2].mean(axis=0)
    without, with_baseline = float(g.var(axis=0, ddof=1).sum()), float(h.var(axis=0, ddof=1).sum())
    return {
        "variance_without": without,
        "variance_with": with_baseline,
        "variance_ratio": without / with_baseline if with_baseline else float("inf"),
        "along_without": float(g_a @ g_b),
        "along_with": float(h_a @ g_b + h_b @ g_a) / 2,
    }
