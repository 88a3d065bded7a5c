"""How far what a learner from a data set believes of its policy lies from what that policy achieves (as Kumar et al. 2020, arXiv:2006.04779, section 6, ask).

At a checkpoint the policy plays, its actions drawn as it says, or as it is where it draws none, in environments and from random streams of the measure's
own. For every step before the time limit

    mean_i Q_i(s_t, a_t) − G_t,    G_t = Σ_k γ^k r_{t+k},

where the sum runs on past the time limit, at which the critics bootstrap, until γ^k is below 1 %; where the episode terminates it ends. No entropy is in G_t,
so that critics whose targets hold some are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks import UserError
from benchmarks.measures.overestimation import discounted_returns
from benchmarks.measures.soft_overestimation import SoftOverestimation
from from_scratch.core.networks.continuous import squash


class ValueGap(SoftOverestimation):
    """value_gap: the mean of Q − G over the steps, in units of return; predicted_value and achieved_value are the means of Q and of G."""

    called = "value_gap"

    def refuse(self, run: Any) -> None:
        if not hasattr(self.model, "set_dataset") or not hasattr(self.model._policies[0], "critic"):
            raise UserError(f"value_gap is measured of the critics of learners from data sets; {run.algo} is none, or has none")
        if getattr(self.model, "soft_backup", False):
            raise UserError(f"value_gap sets values beside returns without entropy; those of {run.algo} hold some: soft_backup=false")

    @torch.no_grad()
    def _look(self, obs: Any, streams: list[np.random.Generator]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Actions as the environment takes them, no bonuses, and the mean of the critics' values: [lanes, ...], [lanes], [lanes]."""
        actions, values = [], []
        for policy, seen, stream in zip(self.model._policies, np.split(self.model.seen(obs), self.n_seeds), streams, strict=True):
            s = torch.as_tensor(seen)
            if hasattr(policy.actor, "get_action_dist_params"):
                mean, log_std, _ = policy.actor.get_action_dist_params(s)
                a, _ = squash(mean, log_std, torch.as_tensor(stream.standard_normal(mean.shape).astype(np.float32)))
            else:
                a = policy.actor(s)
            actions.append(policy.unscale_action(a.numpy()))
            values.append(torch.stack(policy.critic(s, a)).mean(0).squeeze(-1).numpy())
        return np.concatenate(actions), np.zeros(len(obs)), np.concatenate(values)

    def _of_seed(self, lanes: range, rewards: np.ndarray, bonuses: np.ndarray, estimates: np.ndarray) -> dict[str, float]:
        believed, achieved = [], []
        for k, length in zip(lanes, self.lanes.lengths[lanes.start : lanes.stop].tolist(), strict=True):
            g = discounted_returns(rewards[:length, k], float(self.model.gamma))[: self.limit]
            achieved.append(g)
            believed.append(estimates[: len(g), k])
        predicted, true = float(np.concatenate(believed).mean()), float(np.concatenate(achieved).mean())
        return {"value_gap": predicted - true, "predicted_value": predicted, "achieved_value": true}
