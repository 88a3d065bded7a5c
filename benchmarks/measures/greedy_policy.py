"""What a table's greedy policy is worth, exactly: against the best policy of the same table of transitions, without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import optimal_values, policy_values

TIE = 1e-9  # actions whose values differ by less are equally good


class GreedyPolicy(Measure):
    """Of the greedy policy, as far as it can be told from the environment's table `P`, or from that of `plain` where rewards are shaped:

    lost           V*(start) − V_π(start), discounted by the learner's γ
    wrong_states   the share of states, in percent, in which its action is none of the best; states in which episodes have ended do not count
    """

    model: Any

    def __init__(self, job: Any):
        super().__init__(job)
        run = job.runs[0]
        played = environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False).unwrapped
        self.judged: Any = getattr(played, "plain", played)
        self.table = model_of(self.judged)
        self.start = np.asarray(self.judged.initial_state_distrib)
        P = self.judged.P
        self.acting = np.array([any(s_next != s or not end for a in P[s] for _, s_next, _, end in P[s][a]) for s in range(self.table.n_states)])

    def _on_training_start(self) -> None:
        self.gamma = float(self.model.gamma)
        self.best = optimal_values(self.judged, self.gamma)  # V*
        of_actions = self.table.backup(self.best, self.gamma)  # Q*
        self.is_best = of_actions >= of_actions.max(axis=1, keepdims=True) - TIE

    def values(self) -> Sequence[dict[str, float]]:
        states = np.arange(self.table.n_states)
        actions, _ = self.model.predict(np.tile(states, self.n_seeds), deterministic=True)
        return [self._of(policy) for policy in np.asarray(actions).reshape(self.n_seeds, -1)]

    def _of(self, policy: np.ndarray) -> dict[str, float]:
        """policy: actions [n_states]."""
        lost = self.start @ (self.best - policy_values(self.judged, policy, self.gamma))
        wrong = ~self.is_best[np.arange(len(policy)), policy]  # never where episodes have ended: there all actions are equally good
        return {"lost": float(lost), "wrong_states": 100 * float(wrong.sum() / self.acting.sum())}
