"""How far a learnt distribution of returns is from the true one, in the Wasserstein distance W₁ (Dabney et al. 2018, arXiv:1710.10044, Figure 3).

The true one is exact where all rewards come at the end: the return is then γ^(T−1) R for the number T of steps to the end and the last reward R, whose
probabilities follow from the environment's table. For distributions on the line W₁ = ∫ |F(x) − F'(x)| dx.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.core.exact.mdp import model_of

LEFT_OVER = 1e-9  # probability of going on, at which episodes are taken to have ended


def w1(x: np.ndarray, p: np.ndarray, y: np.ndarray, q: np.ndarray) -> float:
    """W₁ between the atoms x [n] of probabilities p and the atoms y [m] of probabilities q."""
    at = np.concatenate([x, y])
    order = at.argsort(kind="stable")
    difference = np.concatenate([p, -q])[order].cumsum()[:-1]  # F − F' between neighbours
    return float(np.abs(difference) @ np.diff(at[order]))


class ReturnDistribution(Measure):
    """w1: the mean of W₁ over the states in which something is left to do; mean_error: of |V(s) − expected return| over them. In units of return.

    A learner of values alone, such as TD(0), has all its mass in V(s).
    """

    model: Any

    def _on_training_start(self) -> None:
        run = self.job.runs[0]
        env: Any = environments.make_env(run.env, run.spec, run.hyperparams.get("env_wrapper"), monitor=False).unwrapped
        n = model_of(env).n_states
        gamma, pi = float(self.model.gamma), self.model.probabilities[0]
        onward, ends = np.zeros((n, n)), np.zeros((n, 0))
        rewards: list[float] = []
        for s, of_state in env.P.items():
            for a, outcomes in of_state.items():
                for p, s_next, reward, over in outcomes:
                    if not over:
                        if reward:
                            raise UserError(f"return_distribution needs rewards that come at the end alone; {run.env} pays {reward} on the way")
                        onward[s, s_next] += pi[s, a] * p
                        continue
                    if reward not in rewards:
                        rewards.append(reward)
                        ends = np.concatenate([ends, np.zeros((n, 1))], axis=1)
                    ends[s, rewards.index(reward)] += pi[s, a] * p
        atoms, masses, still = [], [], np.eye(n)
        t = 0
        while still.sum(-1).max() > LEFT_OVER:
            atoms += [gamma**t * reward for reward in rewards]
            masses.append(still @ ends)  # [n, rewards]
            still, t = still @ onward, t + 1
            if t > 10**6:
                raise UserError(f"return_distribution: episodes of {run.env} do not end under this policy")
        self.atoms, self.masses = np.array(atoms), np.concatenate(masses, axis=1)
        self.acting = np.flatnonzero(onward.any(-1)).tolist()
        self.true_values = self.masses @ self.atoms

    def values(self) -> Sequence[dict[str, float]]:
        return [self._of_seed(k) for k in range(self.n_seeds)]

    def _of_seed(self, k: int) -> dict[str, float]:
        apart = [w1(*self._learnt(k, s), self.atoms, self.masses[s]) for s in self.acting]
        return {"w1": float(np.mean(apart)), "mean_error": float(np.abs(self.model.V[k] - self.true_values)[self.acting].mean())}

    def _learnt(self, k: int, s: int) -> tuple[np.ndarray, np.ndarray]:
        """Atoms and their probabilities."""
        if hasattr(self.model, "theta"):
            theta = self.model.theta[k, s]
            return theta, np.full(len(theta), 1 / len(theta))
        if hasattr(self.model, "P"):
            return self.model.z, self.model.P[k, s]
        return self.model.V[k, s : s + 1], np.ones(1)
