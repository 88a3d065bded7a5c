"""The gradient of a policy's objective without sampling, and what it is made of: where the policy goes, and its advantages.

Policies are tables π(a|s), [n_states, n_actions]. With γ < 1 the objective J is the expected discounted return from the start. With γ = 1 it is the whole
return, where every episode ends, or, in a task that never ends, the average reward of a step.

    ∂J/∂θ = Σ_s d(s) Σ_a ∂π(a|s)/∂θ Q(s, a)                            policy gradient theorem (Sutton et al. 2000; S&B eq. 13.5 and §13.6)
    J(π') − J(π) = Σ_s d'(s) Σ_a π'(a|s) A(s, a)                        performance difference (Kakade & Langford 2002, lemma 6.1)
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.exact.linear import visits
from from_scratch.core.exact.mdp import Model


def is_average(model: Model, gamma: float) -> bool:
    """Whether the objective is the average reward: γ = 1, and no action ever ends an episode."""
    return gamma == 1 and bool((model.p.sum(-1) > 1 - 1e-12).all())


def weights(model: Model, pi: np.ndarray, gamma: float) -> np.ndarray:
    """d(s) = Σ_t γᵗ P(S_t = s) from the start, [n_states]; of the average reward, the share of time in each state.

    ValueError if with γ = 1 that share depends on the start, or if some episodes end and others do not.
    """
    p = np.einsum("sa,sat->st", pi, model.p)
    if is_average(model, gamma):
        if np.linalg.matrix_rank(np.eye(model.n_states) - p) < model.n_states - 1:
            raise ValueError("gamma=1: the policy's average reward depends on where it starts, so there is no one objective. Use gamma < 1.")
        return visits(model, pi)
    if gamma == 1:
        model.solve(pi, gamma)  # refuses what has no solution
    return np.linalg.solve(np.eye(model.n_states) - gamma * p.T, _start(model))


def values(model: Model, pi: np.ndarray, gamma: float) -> np.ndarray:
    """V [n_states]; of the average reward, the differential values, whose mean over time is 0 (S&B §10.3)."""
    if not is_average(model, gamma):
        return model.solve(pi, gamma)
    d, r = weights(model, pi, gamma), (pi * model.r).sum(-1)
    # V = r − J + P V and Σ d V = 0, the second added to every line of the first
    return np.linalg.solve(np.eye(model.n_states) - np.einsum("sa,sat->st", pi, model.p) + d, r - d @ r)


def objective(model: Model, pi: np.ndarray, gamma: float) -> float:
    """J"""
    return float(weights(model, pi, gamma) @ (pi * model.r).sum(-1))


def advantages(model: Model, pi: np.ndarray, gamma: float) -> np.ndarray:
    """A(s, a) = Q(s, a) − V(s), [n_states, n_actions]."""
    v = values(model, pi, gamma)
    q = model.backup(v, gamma)
    return q - (pi * q).sum(-1, keepdims=True)  # of the average reward, Q is less by J, and so is V


def policy_gradient(model: Model, pi: np.ndarray, gamma: float) -> np.ndarray:
    """∂J/∂θ(s, a) = d(s) π(a|s) A(s, a) of a softmax π(a|s) ∝ e^θ(s, a), [n_states, n_actions] (Agarwal et al. 2021)."""
    return weights(model, pi, gamma)[:, None] * pi * advantages(model, pi, gamma)


def fisher(model: Model, pi: np.ndarray, gamma: float) -> np.ndarray:
    """F = Σ_s d(s) Σ_a π(a|s) ∇ log π(a|s) ∇ log π(a|s)ᵀ of the same softmax, [n, n] with n = n_states · n_actions (Kakade 2002)."""
    d, n_actions = weights(model, pi, gamma), model.n_actions
    F = np.zeros((model.r.size, model.r.size))
    for s, (weight, p) in enumerate(zip(d, pi, strict=True)):
        of_state = slice(s * n_actions, (s + 1) * n_actions)
        F[of_state, of_state] = weight * (np.diag(p) - np.outer(p, p))
    return F


def performance_difference(model: Model, new: np.ndarray, old: np.ndarray, gamma: float) -> float:
    """J(new) − J(old), from where the new policy goes and the old one's advantages."""
    return float(weights(model, new, gamma) @ (new * advantages(model, old, gamma)).sum(-1))


def _start(model: Model) -> np.ndarray:
    if model.start is None:
        raise ValueError("The environment does not say where episodes begin (initial_state_distrib), so the return from there has no gradient.")
    return model.start
