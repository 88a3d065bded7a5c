"""How far the means of a learnt distribution are from what Q-learning had learnt of the same steps (Lyle, Bellemare & Castro 2019, arXiv:1901.11084)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from from_scratch.core.data import Step


class ExpectedGap(Measure):
    """`expected_gap`: the largest |Q(s, a) − Q'(s, a)| at any step of training so far, in units of return; Q' is updated beside it, by Q-learning,
    with the steps that the agent took. One environment for each seed, a constant step size.
    """

    model: Any

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        if self.model.n_envs != 1 or self.model.learning_rate_decay or callable(self.model.learning_rate):
            raise UserError(f"expected_gap follows one environment for each seed and a constant step size, which {run.algo} on {run.env} has not")
        self.q = self.model.Q.copy()  # [S, n_states, n_actions]
        self.gap = np.zeros(self.n_seeds)

    def _on_step(self) -> bool:
        """Called before the agent's own update of this step: its table is that after the step before."""
        self._compare()
        step = Step(self.locals["new_obs"], self.locals["rewards"], self.locals["dones"], self.locals["infos"])
        i, s = np.arange(self.n_seeds), self.model.state[:, 0]
        a = self.locals["actions"].reshape(self.n_seeds)
        s_next = self.model._policies[0].index(step.next_obs)
        target = step.r.astype(float) + step.discount(self.model.gamma) * self.q[i, s_next].max(-1)
        self.q[i, s, a] += self.model.learning_rate * (target - self.q[i, s, a])
        return True

    def _compare(self) -> None:
        legal = np.isfinite(self.q)
        apart = np.abs(np.where(legal, self.model.Q, 0.0) - np.where(legal, self.q, 0.0))
        self.gap = np.maximum(self.gap, apart.reshape(self.n_seeds, -1).max(-1))

    def _on_training_end(self) -> None:
        self._compare()  # the last update

    def values(self) -> Sequence[dict[str, float]]:
        return [{"expected_gap": float(gap)} for gap in self.gap]
