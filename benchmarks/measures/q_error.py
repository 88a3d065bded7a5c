"""How far learnt action values are from the best policy's, known exactly (as Wang et al. 2016, arXiv:1511.06581, Figure 3, asks of a policy's values)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.core.exact.values import optimal_action_values


class QError(Measure):
    """q_error: the mean of (Q(s, a) − Q*(s, a))² over the states in which something is left to do and all actions; log2_q_error: its logarithm.

    Of networks that value discrete actions in states that have numbers. Q* is discounted by the learner's γ, without a time limit.
    """

    model: Any

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        env: Any = environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False).unwrapped
        self.best = optimal_action_values(env, float(self.model.gamma))
        P = env.P
        self.acting = np.array([any(s_next != s or not end for a in P[s] for _, s_next, _, end in P[s][a]) for s in range(len(self.best))])

    @torch.no_grad()
    def values(self) -> Sequence[dict[str, float]]:
        states = torch.arange(len(self.best))
        errors = [((policy.q_net(states).numpy() - self.best) ** 2)[self.acting].mean() for policy in self.model._policies]
        return [{"q_error": float(error), "log2_q_error": float(np.log2(error))} for error in errors]
