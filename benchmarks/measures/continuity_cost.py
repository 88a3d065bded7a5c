"""How jerky the actions are that a learner plays while it trains (Raffin et al. 2021, arXiv:2005.05719, section 4).

    C = 100 E_t[((a_{t+1} − a_t) / Δᵃ_max)²]

Δᵃ_max is the width of the action space: 0 is an action that never changes, 100 one that jumps from one bound to the other at every step. Actions of
several dimensions count with the mean over these.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces

from benchmarks import UserError
from benchmarks.measures.measure import Measure


class ContinuityCost(Measure):
    """continuity_cost: C over the training steps since the last checkpoint, of the actions that the environment was given; NaN where there was no such pair.

    Steps before `learning_starts`, whose actions are drawn uniformly by every off-policy algorithm, do not count; nor do pairs of two episodes.
    """

    def _on_training_start(self) -> None:
        space = self.model.action_space
        if not isinstance(space, spaces.Box) or not space.is_bounded():
            raise UserError(f"continuity_cost needs actions between bounds; {self.job.runs[0].env} has {space}")
        self.width = (space.high - space.low).astype(float).ravel()
        self.warm_up = int(getattr(self.model, "learning_starts", 0))
        self.before: np.ndarray | None = None  # the last actions, [S·E, n]
        self.is_new = np.ones(0, dtype=bool)  # an episode began since, [S·E]
        self.sums, self.counts = np.zeros(self.n_seeds), np.zeros(self.n_seeds, dtype=int)

    def _on_step(self) -> bool:
        actions = np.asarray(self.locals["clipped_actions"] if "clipped_actions" in self.locals else self.locals["actions"], dtype=float)
        now = actions.reshape(len(actions), -1)
        if self.before is not None and self.num_timesteps > self.warm_up + self.model.n_envs:  # both actions are the policy's
            costs = 100 * (((now - self.before) / self.width) ** 2).mean(-1)
            costs, counted = costs.reshape(self.n_seeds, -1), ~self.is_new.reshape(self.n_seeds, -1)
            self.sums += np.where(counted, costs, 0.0).sum(1)
            self.counts += counted.sum(1)
        self.before, self.is_new = now.copy(), np.array(self.locals["dones"], dtype=bool)
        return True

    def values(self) -> Sequence[dict[str, float]]:
        found = [{"continuity_cost": float(total / count) if count else float("nan")} for total, count in zip(self.sums, self.counts, strict=True)]
        self.sums, self.counts = np.zeros(self.n_seeds), np.zeros(self.n_seeds, dtype=int)
        return found
