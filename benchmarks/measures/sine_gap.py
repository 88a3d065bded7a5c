"""Where there is one state and the rewards' means are known: what a critic says of its actor's action, and how good that action is (Kuznetsov et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.envs import SineReward


class SineGap(Measure):
    """Of SineReward, whose episodes are only ever cut short, so that an action a for ever is worth f(a) / (1 − γ):

    q_bias, q_abs_bias   the mean of what all critics and quantiles say of the actor's action, less what that is worth; and its size
    action_gap           max f − f(a) of the actor's action
    """

    model: Any

    def __init__(self, job: Any):
        super().__init__(job)
        run = job.runs[0]
        env = environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False).unwrapped
        if not isinstance(env, SineReward):
            raise UserError(f"sine_gap is measured on from_scratch/SineReward-v0, which {run.env} is not")
        self.toy = env

    @torch.no_grad()
    def values(self) -> Sequence[dict[str, float]]:
        return [self._of(policy) for policy in self.model._policies]

    def _of(self, policy: Any) -> dict[str, float]:
        obs = np.zeros((1, 1), np.float32)
        a, _ = policy.predict(obs, deterministic=True)
        said = policy.critic(torch.from_numpy(obs), torch.as_tensor(policy.scale_action(a), dtype=torch.float32))
        q = float(torch.stack(said).mean() if isinstance(said, tuple) else said.mean())
        mean = float(self.toy.mean_reward(a[0, 0]))
        bias = q - mean / (1 - self.model.gamma)
        return {"q_bias": bias, "q_abs_bias": abs(bias), "action_gap": self.toy.best - mean}
