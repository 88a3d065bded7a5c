"""How many updates a table of action values needs until it is right, where the right values are known (Schaul et al. 2016, arXiv:1511.05952, Figure 1).

The environment has a transition table, whose Q* is computed without sampling. Q is right as soon as the mean of (Q(s, a) − Q*(s, a))² over all states and
actions is below 10⁻³, as in the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.core.exact.values import optimal_action_values

SMALL = 1e-3  # the mean squared error
EVERY = 10  # steps of the environments between two looks


class UpdatesToExact(Measure):
    """updates_to_exact: the updates until Q was right for the first time, looked at every 10 steps; those so far, if it was not yet.

    log2_updates_to_exact: its logarithm, one more where twice as many were needed; is_exact: 1 if it was right, 0 if not.
    """

    model: Any

    def _on_training_start(self) -> None:
        model = self.model
        run, space = self.job.runs[0], model.observation_space
        policies = list(getattr(model, "policies", None) or [model.policy])
        self.is_table = hasattr(model, "Q")
        if not isinstance(space, spaces.Discrete) or not (self.is_table or all(hasattr(policy, "q_net") for policy in policies)):
            raise UserError(f"updates_to_exact needs numbered states, and a table or a network of action values; {run.algo} on {run.env} has not both")
        env = environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False).unwrapped
        self.right = optimal_action_values(env, model.gamma)
        self.policies, self.states = policies, torch.arange(int(space.n))
        self.updates = np.full(self.n_seeds, np.nan)  # when it was right, of those that have been

    def action_values(self) -> np.ndarray:
        """Every seed's Q, [S, n_states, n_actions]."""
        if self.is_table:
            return self.model.Q
        with torch.no_grad():
            return np.stack([policy.q_net(self.states).double().numpy() for policy in self.policies])

    def errors(self) -> np.ndarray:
        """The mean squared error of every seed's Q, [S]."""
        return ((self.action_values() - self.right) ** 2).mean((1, 2))

    def so_far(self) -> np.ndarray:
        """The updates of every seed, [S]."""
        updates = self.model.updates if hasattr(self.model, "updates") else self.model._n_updates  # ours, or SB3's
        return np.broadcast_to(np.asarray(updates, dtype=float), (self.n_seeds,))

    def _look(self) -> None:
        new = np.isnan(self.updates) & (self.errors() < SMALL)
        self.updates[new] = self.so_far()[new]

    def _on_step(self) -> bool:
        if self.n_calls % EVERY == 0 and np.isnan(self.updates).any():
            self._look()
        return True

    def values(self) -> Sequence[dict[str, float]]:
        found = np.where(np.isnan(self.updates), self.so_far(), self.updates)
        return [
            {"updates_to_exact": float(n), "log2_updates_to_exact": float(np.log2(max(n, 1))), "is_exact": float(n == then)}
            for n, then in zip(found, self.updates, strict=True)
        ]
