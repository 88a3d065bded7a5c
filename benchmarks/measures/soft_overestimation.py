"""How far, and how unevenly, the critics of a soft actor-critic lie above what it achieves (as Chen et al. 2021, arXiv:2101.05982, section 3, ask).

At a checkpoint the actor plays, its actions drawn as it says, in environments and from random streams of the measure's own. For every step before the limit

    mean_i Q_i(s_t, a_t) − G_t,    G_t = r_t + Σ_{k ≥ 1} γ^k (r_{t+k} − α log π(a_{t+k} | s_{t+k})),

where the sum runs on past the time limit, at which the critics bootstrap, until γ^k is below 1 %; where the episode terminates it ends. The paper divides by
the size of the mean of G over all steps; we do not, as that may be near 0: where costs are small, what the entropy brings makes up for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.measures.overestimation import REST, discounted_returns
from benchmarks.running.evaluation import Lanes, episode_seeds
from benchmarks.studies import environments
from from_scratch.core.networks.continuous import squash

EPISODES = 3  # of each seed at each checkpoint


def soft_returns(rewards: np.ndarray, bonuses: np.ndarray, gamma: float) -> np.ndarray:
    """G_t of an episode's rewards and of −α log π of its actions, both [T]: the action at t itself brings no bonus to Q(s_t, a_t). [T]."""
    return discounted_returns(rewards + bonuses, gamma) - bonuses


class SoftOverestimation(Measure):
    """soft_overestimation: the mean of Q − G over the steps; soft_overestimation_spread: its standard deviation; both in units of return."""

    model: Any
    called = "soft_overestimation"

    def refuse(self, run: Any) -> None:
        if not hasattr(self.model, "temperature"):
            raise UserError(f"soft_overestimation is measured of soft actor-critics, whose returns hold a temperature; {run.algo} has none")

    def _on_training_start(self) -> None:
        run, measure = self.job.runs[0], self.called
        for name in ("normalize", "frame_stack", "use_sde"):
            if run.hyperparams.get(name):
                raise UserError(f"{measure}: {run.algo} cannot have {name}={run.hyperparams[name]}")
        self.refuse(run)
        limit = run.spec.get("max_episode_steps") or gym.spec(environments.registered(run.env)).max_episode_steps
        gamma = float(self.model.gamma)
        if limit is None or not 0 < gamma < 1:
            raise UserError(f"{measure} needs a time limit and a discount below 1; {run.env} has {limit}, {run.algo} {gamma}")
        self.limit, horizon = int(limit), int(limit) + math.ceil(math.log(REST) / math.log(gamma))
        self.starts = [episode_seeds(each.protocol["eval_seed"], each.seed, EPISODES) for each in self.job.runs]
        spec = {**run.spec, "max_episode_steps": horizon}
        self.lanes = Lanes([lambda: environments.make_env(run.env, spec, run.hyperparams.get("env_wrapper"), monitor=False)] * (self.n_seeds * EPISODES))

    def _on_training_end(self) -> None:
        self.ended = True  # the last checkpoint comes after it

    def values(self) -> Sequence[dict[str, float]]:
        streams = [np.random.default_rng([of_seed[0], self.model.num_timesteps]) for of_seed in self.starts]  # each seed's own, at each checkpoint
        rewards, bonuses, estimates = [], [], []
        self.lanes.play([seed for of_seed in self.starts for seed in of_seed])
        obs = self.lanes.reset()
        while self.lanes.alive.any():
            actions, bonus, q = self._look(obs, streams)
            obs, reward, _, _ = self.lanes.step(actions)
            rewards.append(reward)
            bonuses.append(bonus)
            estimates.append(q)
        if hasattr(self, "ended"):
            self.lanes.close()
        played = [np.array(of_steps) for of_steps in (rewards, bonuses, estimates)]  # each [steps, lanes]
        return [self._of_seed(range(k * EPISODES, (k + 1) * EPISODES), *played) for k in range(self.n_seeds)]

    def _of_seed(self, lanes: range, rewards: np.ndarray, bonuses: np.ndarray, estimates: np.ndarray) -> dict[str, float]:
        off = []
        for k, length in zip(lanes, self.lanes.lengths[lanes.start : lanes.stop].tolist(), strict=True):
            g = soft_returns(rewards[:length, k], bonuses[:length, k], float(self.model.gamma))[: self.limit]
            off.append(estimates[: len(g), k] - g)
        apart = np.concatenate(off)
        return {"soft_overestimation": float(apart.mean()), "soft_overestimation_spread": float(apart.std())}

    @torch.no_grad()
    def _look(self, obs: Any, streams: list[np.random.Generator]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Actions as the environment takes them, −α log π of them, and the mean of the critics' values of them: [lanes, ...], [lanes], [lanes]."""
        found = []
        alphas = np.broadcast_to(self.model.temperature.alpha.numpy(force=True).ravel(), self.n_seeds)
        for policy, seen, stream, alpha in zip(self.model._policies, np.split(obs, self.n_seeds), streams, alphas, strict=True):
            s = torch.as_tensor(seen)
            mean, log_std, _ = policy.actor.get_action_dist_params(s)
            a, log_pi = squash(mean, log_std, torch.as_tensor(stream.standard_normal(mean.shape).astype(np.float32)))
            q = torch.stack(policy.critic(s, a)).mean(0).squeeze(-1)
            found.append((policy.unscale_action(a.numpy()), -alpha * log_pi.numpy(), q.numpy()))
        actions, bonuses, values = (np.concatenate(of_seeds) for of_seeds in zip(*found, strict=True))
        return actions, bonuses, values
