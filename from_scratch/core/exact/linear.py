"""Linear prediction without sampling: fixed points, errors, and what one update does in expectation (Sutton & Barto 2018, chapters 9 and 11)."""

from __future__ import annotations

import numpy as np

from from_scratch.core.exact.mdp import Model


def visits(model: Model, pi: np.ndarray) -> np.ndarray:
    """The share of time steps that a policy π(a|s) [n_states, n_actions] spends in each state, [n_states].

    Of an episodic task: expected visits from the start distribution (S&B eq. 9.2–9.3); of one that never ends: the stationary distribution.
    """
    p = np.einsum("sa,sat->st", pi, model.p)
    n = len(p)
    if (p.sum(-1) > 1 - 1e-12).all():
        equations = np.vstack([p.T - np.eye(n), np.ones(n)])
        return np.linalg.lstsq(equations, np.eye(n + 1)[n], rcond=None)[0]
    start = np.full(n, 1 / n) if model.start is None else model.start
    eta = np.linalg.solve(np.eye(n) - p.T, start)
    return eta / eta.sum()


class LinearSystem:
    """v̂ = X w against the values of π in a model, states weighted by μ: by default those that the behaviour policy visits.

        A = Xᵀ D (I − γ P_π) X,  b = Xᵀ D r_π,  C = Xᵀ D X,  D = diag(μ)

    The `…_step` functions are one update in expectation: its mean over states drawn from μ, actions, rewards and successors.
    """

    def __init__(self, model: Model, X: np.ndarray, pi: np.ndarray, gamma: float, behaviour: np.ndarray | None = None, mu: np.ndarray | None = None):
        shape = (model.n_states, model.n_actions)
        pi = np.broadcast_to(pi, shape)
        self.X, self.gamma = np.asarray(X, dtype=float), gamma
        self.mu = visits(model, pi if behaviour is None else np.broadcast_to(behaviour, shape)) if mu is None else np.asarray(mu)
        self.p, self.r, self.v = np.einsum("sa,sat->st", pi, model.p), (pi * model.r).sum(-1), model.solve(pi, gamma)
        weighted = self.X.T * self.mu
        self.A, self.b, self.C = weighted @ (self.X - gamma * self.p @ self.X), weighted @ self.r, weighted @ self.X
        self._next = gamma * (self.p @ self.X).T @ (self.mu[:, None] * self.X)  # E[γ ρ x' xᵀ]

    # --------------------------------------------------------------------------------------------------------------- solutions, errors
    @property
    def td_fixed_point(self) -> np.ndarray:
        """w with A w = b (eq. 9.12): where semi-gradient TD and LSTD lead, if anywhere."""
        return np.linalg.lstsq(self.A, self.b, rcond=None)[0]

    @property
    def best(self) -> np.ndarray:
        """The w of the least value error: where gradient Monte Carlo leads."""
        return np.linalg.lstsq(self.C, (self.X.T * self.mu) @ self.v, rcond=None)[0]

    def value_error(self, w: np.ndarray) -> float:
        """√VE (eq. 9.1) of w [n]."""
        return float(np.sqrt(self.mu @ (self.X @ w - self.v) ** 2))

    def bellman_error(self, w: np.ndarray) -> np.ndarray:
        """δ̄_w [n_states] (eq. 11.17)."""
        return self.r + self.gamma * self.p @ (self.X @ w) - self.X @ w

    def projected_bellman_error(self, w: np.ndarray) -> float:
        """√PBE (eq. 11.22): ‖Π δ̄_w‖."""
        g = (self.X.T * self.mu) @ self.bellman_error(w)
        return float(np.sqrt(max(g @ np.linalg.pinv(self.C) @ g, 0.0)))

    # ---------------------------------------------------------------------------------------------------------------- expected updates
    def td_step(self, w: np.ndarray, alpha: float) -> np.ndarray:
        """Semi-gradient TD(0) or, with μ the same in all states, dynamic programming (eq. 11.9)."""
        return w + alpha * (self.b - self.A @ w)

    def gtd2_step(self, w: np.ndarray, v: np.ndarray, alpha: float, beta: float) -> tuple[np.ndarray, np.ndarray]:
        δ = self.b - self.A @ w
        return w + alpha * self.A.T @ v, v + beta * (δ - self.C @ v)

    def tdc_step(self, w: np.ndarray, v: np.ndarray, alpha: float, beta: float) -> tuple[np.ndarray, np.ndarray]:
        δ = self.b - self.A @ w
        return w + alpha * (δ - self._next @ v), v + beta * (δ - self.C @ v)

    def emphatic_td_step(self, w: np.ndarray, emphasis: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """emphasis [n_states] is μ(s) E[M_t | S_t = s]; μ itself at the first step."""
        return w + alpha * self.X.T @ (emphasis * self.bellman_error(w)), self.mu + self.gamma * self.p.T @ emphasis
