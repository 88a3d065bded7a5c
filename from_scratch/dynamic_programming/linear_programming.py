"""Planning as a linear program (d'Epenoux 1963; Puterman 1994, §6.9), solved by SciPy's HiGHS.

    primal:  min_V Σ_s μ(s) V(s)             such that  V(s) ≥ Σ p(s', r | s, a) [r + γ V(s')]                        for all s, a
    dual:    max_ρ Σ_{s,a} ρ(s, a) r(s, a)   such that  Σ_a ρ(s, a) = μ(s) + γ Σ_{s̄,a} p(s | s̄, a) ρ(s̄, a),  ρ ≥ 0    for all s

V* is the smallest V that no backup raises. ρ(s, a) is the occupancy: how often, discounted, the optimal policy takes a in s when it begins in a state
drawn from μ; it comes with the same solution, as the constraints' prices. Where ρ(s, a) > 0, a is optimal in s.

There are no sweeps to count: the program looks at each state's transitions once, to write its constraints, and that counts as one backup each,
n_states in all. The simplex method's steps are logged as train/pivots.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, identity, kron

from from_scratch.dynamic_programming.planner import Planner

PRECISE = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


class LinearProgramming(Planner):
    mu: Any = None  # μ(s) > 0  weights of the states [n_states], which change ρ, but not V*; None: all alike, summing to 1

    rho: np.ndarray  # [S, n_states, n_actions]

    def check(self) -> None:
        super().check()
        if self.env is not None and (self.weights.shape != (self.n_states,) or (self.weights <= 0).any()):
            raise ValueError(f"mu needs a positive weight for each of the {self.n_states} states: one without would have any value.")

    @property
    def weights(self) -> np.ndarray:
        return np.full(self.n_states, 1 / self.n_states) if self.mu is None else np.asarray(self.mu, dtype=float)

    def tables(self) -> dict[str, np.ndarray]:
        return {**super().tables(), "rho": np.zeros((self.n_states, self.n_actions))}

    @property
    def occupancy(self) -> np.ndarray:
        """ρ(s, a), [n_states, n_actions]; [S, n_states, n_actions] for several seeds."""
        return self.rho[0] if self.n_seeds == 1 else self.rho

    def iterate(self) -> None:
        delta, pivots, shape = np.zeros(self.n_seeds), np.zeros(self.n_seeds, dtype=int), (self.n_states, self.n_actions)
        for k in np.flatnonzero(self.active):
            model = self.models[k]
            own = kron(identity(self.n_states), np.ones((self.n_actions, 1)))
            change = self.gamma * csr_matrix(model.p.reshape(-1, self.n_states)) - own  # row (s, a): γ Σ p(s'|s, a) V(s') − V(s) ≤ −r(s, a)
            found = linprog(self.weights, A_ub=change, b_ub=-model.r.ravel(), bounds=(None, None), method="highs-ds", options=PRECISE)
            if found.status != 0:
                raise ValueError(f"The linear program has no solution at gamma={self.gamma}: {found.message.strip()} With gamma < 1 it has one.")
            delta[k], pivots[k] = np.abs(found.x - self.V[k]).max(), found.nit
            self.V[k], self.rho[k] = found.x, -found.ineqlin.marginals.reshape(shape)  # primal and dual, Puterman §6.9
            self.Q[k] = model.backup(self.V[k], self.gamma)
            self.pi[k] = np.eye(self.n_actions)[self.rho[k].argmax(-1)]
            self.sweeps[k] += 1
            self.active[k] = False
        self.record("train/pivots", pivots)
        self.count_sweep(delta)
