"""How far the critic of a deterministic actor lies above what that actor achieves (Fujimoto et al. 2018, arXiv:1802.09477, section 4 and Figure 1).

At a checkpoint the actor plays, without noise, in environments of the measure's own. For every state s_t before the time limit

    Q₁(s_t, μ(s_t)) − G_t,    G_t = Σ_k γ^k r_{t+k},

where the sum runs on past the time limit: the critic bootstraps there, so that it estimates a return without one. Play is cut where γ^k is below 1 %, and
what lies beyond then counts for less than 1 % of itself; no critic enters G_t. Where the episode terminates, the sum ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.running.evaluation import episode_seeds, remembered
from benchmarks.studies import environments

EPISODES = 5  # of each seed at each checkpoint
REST = 0.01  # what the discount has fallen to where play is cut


def discounted_returns(rewards: np.ndarray, gamma: float) -> np.ndarray:
    """G_t = r_t + γ G_{t+1} of an episode's rewards [T], nothing after the last: [T]."""
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        returns[t] = following = rewards[t] + gamma * following
    return returns


class Overestimation(Measure):
    """overestimation: the mean of Q₁ − G over the states, in units of return; overestimation_percent: in % of the mean |G|.

    estimated_value and true_value are the means of Q₁ and of G.
    """

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        for name in ("normalize", "frame_stack"):
            if run.hyperparams.get(name):
                raise UserError(f"overestimation compares values with the environment's own rewards: {run.algo} cannot have {name}={run.hyperparams[name]}")
        if not hasattr(self.model.policy, "critic") or hasattr(self.model, "ent_coef"):
            raise UserError(f"overestimation is measured of a deterministic actor and its critic, which {run.algo} is not")
        spec = gym.spec(environments.registered(run.env))
        limit = run.spec.get("max_episode_steps") or spec.max_episode_steps
        if limit is None:
            raise UserError(f"overestimation takes states from before the time limit, and {run.env} has none: give it max_episode_steps")
        self.limit = int(limit)
        learner: Any = self.model
        self.gamma = float(learner.gamma)
        self.horizon = self.limit + (int(np.ceil(np.log(REST) / np.log(self.gamma))) if 0 < self.gamma < 1 else 0)
        self.starts = [episode_seeds(run.protocol["eval_seed"], run.seed, EPISODES) for run in self.job.runs]
        unlimited = {**run.spec, "max_episode_steps": self.horizon}
        self.lanes = [[environments.make_env(run.env, unlimited, run.hyperparams.get("env_wrapper"), monitor=False) for _ in seeds] for seeds in self.starts]

    def _on_training_end(self) -> None:
        self.ended = True  # the last checkpoint comes after it

    def values(self) -> Sequence[dict[str, float]]:
        n = self.n_seeds * EPISODES
        lanes = [env for of_seed in self.lanes for env in of_seed]
        obs = np.stack([env.reset(seed=seed)[0] for env, seed in zip(lanes, np.ravel(self.starts).tolist(), strict=True)])
        alive, state, going_on = np.ones(n, dtype=bool), None, np.zeros(n, dtype=bool)
        rewards, estimates = np.zeros((self.horizon, n)), np.zeros((self.limit, n))
        lengths = np.zeros(n, dtype=int)
        for t in range(self.horizon):
            if not alive.any():
                break
            actions, state = self.model.predict(obs, deterministic=True, **remembered(state, going_on))
            if t < self.limit:
                estimates[t] = self._critic(obs, actions)
            obs = obs.copy()
            for k in np.flatnonzero(alive).tolist():
                obs[k], rewards[t, k], terminated, truncated, _ = lanes[k].step(actions[k])
                lengths[k] += 1
                alive[k] = not (terminated or truncated)
        if hasattr(self, "ended"):
            for env in lanes:
                env.close()
        return [self._of_seed(range(k * EPISODES, (k + 1) * EPISODES), rewards, estimates, lengths) for k in range(self.n_seeds)]

    def _of_seed(self, episodes: range, rewards: np.ndarray, estimates: np.ndarray, lengths: np.ndarray) -> dict[str, float]:
        counted = {k: min(lengths[k], self.limit) for k in episodes}
        true = np.concatenate([discounted_returns(rewards[: lengths[k], k], self.gamma)[: counted[k]] for k in episodes])
        estimated = np.concatenate([estimates[: counted[k], k] for k in episodes])
        bias = float((estimated - true).mean())
        size = float(np.abs(true).mean())
        return {"overestimation": bias, "overestimation_percent": 100 * bias / size if size else float("nan"),
                "estimated_value": float(estimated.mean()), "true_value": float(true.mean())}  # fmt: skip

    def _critic(self, obs: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Q₁(s, a) of every lane by its own seed's critic, [lanes]."""
        learner: Any = self.model
        policies = learner.policies if self.n_seeds > 1 else [learner.policy]
        scaled = policies[0].scale_action(actions).astype(np.float32)
        parts = zip(policies, np.split(obs, self.n_seeds), np.split(scaled, self.n_seeds), strict=True)
        with torch.no_grad():
            return np.concatenate([policy.critic.q1_forward(torch.as_tensor(s), torch.as_tensor(a)).squeeze(-1).numpy() for policy, s, a in parts])
