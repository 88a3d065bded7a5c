"""How far a table of action values is from the best policy's, in the distance in which Q-learning is proved to converge (Watkins & Dayan 1992)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.core.exact.values import optimal_action_values


class QGap(Measure):
    """q_gap: ‖Q − Q*‖∞, the largest |Q(s, a) − Q*(s, a)| over all actions in the states in which something is left to do, in units of return;
    log10_q_gap: its logarithm, on which a power of the steps is a straight line.

    Of tables Q [n_states, n_actions]. Q* is discounted by the learner's γ, without a time limit.
    """

    model: Any

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        if not hasattr(self.model, "Q"):
            raise UserError(f"q_gap needs a table of action values; {run.algo} has none")
        env: Any = environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False).unwrapped
        self.best = optimal_action_values(env, float(self.model.gamma))
        P = env.P
        self.acting = np.array([any(s_next != s or not end for a in P[s] for _, s_next, _, end in P[s][a]) for s in range(len(self.best))])

    def values(self) -> Sequence[dict[str, float]]:
        gaps = np.abs(self.model.Q - self.best)[:, self.acting].max(axis=(1, 2))
        return [{"q_gap": float(gap), "log10_q_gap": float(np.log10(gap))} for gap in gaps]
