"""What a stochastic policy in a table is worth, exactly: the objective that its gradient climbs, and where the policy is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.core.exact.gradients import objective, weights
from from_scratch.core.exact.mdp import model_of


class Objective(Measure):
    """Of the policy π(a|s) that a model holds as a table `pi`, in its environment's table of transitions:

    objective      the discounted return from the start or, with γ = 1, the return itself, or the average reward where no episode ends
    last_share     the share of time, in percent, that it spends in the state with the largest number (discounted as the objective is)
    """

    model: Any

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        if not hasattr(self.model, "pi") or np.ndim(self.model.pi) != 3:
            raise UserError(f"objective needs a policy that is a table of probabilities; {run.algo} has none")
        self.table = model_of(environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False))

    def values(self) -> Sequence[dict[str, float]]:
        return [self._of(pi) for pi in self.model.pi]

    def _of(self, pi: np.ndarray) -> dict[str, float]:
        """pi: [n_states, n_actions]."""
        d = weights(self.table, pi, self.model.gamma)
        return {"objective": objective(self.table, pi, self.model.gamma), "last_share": float(100 * d[-1] / d.sum())}
