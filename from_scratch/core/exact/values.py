"""Exact values and returns in environments with a transition table: what a run can be compared with, without sampling."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium as gym
import numpy as np
from gymnasium.wrappers import TimeLimit

from from_scratch.core.exact.mdp import Model, model_of, name_of

CONVERGED, MOST_SWEEPS = 1e-13, 100_000


def time_limit(env: gym.Env) -> int | None:
    """After how many steps the environment's wrappers cut an episode short; None for never."""
    limits = []
    while isinstance(env, gym.Wrapper):
        if isinstance(env, TimeLimit):
            limits.append(env._max_episode_steps)
        env = env.env
    return min(limits, default=None)


def optimal_values(env: gym.Env, gamma: float) -> np.ndarray:
    """V* [n_states]. ValueError if with γ = 1 there is none."""
    model = model_of(env)
    return _iterate(lambda v: model.backup(v, gamma).max(-1), model, None, "the best")


def optimal_action_values(env: gym.Env, gamma: float) -> np.ndarray:
    """Q* [n_states, n_actions]. ValueError if with γ = 1 there is none."""
    return model_of(env).backup(optimal_values(env, gamma), gamma)


def policy_values(env: gym.Env, policy: np.ndarray, gamma: float) -> np.ndarray:
    """V_π [n_states] of a policy, actions [n_states] or π(a|s) [n_states, n_actions]. ValueError if with γ = 1 there is none."""
    model = model_of(env)
    return model.solve(_probabilities(env, model, policy), gamma)


def optimal_return(env: gym.Env, horizon: int | None = None) -> float:
    """The best expected undiscounted return from the start distribution.

    Within `horizon` steps (by default the environment's time limit) it is that of the best policy which may look at the clock, by
    backward induction; without either, the limit for ever longer horizons. ValueError if there is none.
    """
    model, horizon = model_of(env), time_limit(env) if horizon is None else horizon
    return _from_start(env, model, _iterate(lambda v: model.backup(v, 1.0).max(-1), model, horizon, "optimal"))


def expected_return(env: gym.Env, policy: np.ndarray, horizon: int | None = None, gamma: float = 1.0) -> float:
    """The expected (discounted) return of a policy from the start distribution: actions [n_states], or π(a|s) [n_states, n_actions].

    `horizon` as in optimal_return.
    """
    model, horizon = model_of(env), time_limit(env) if horizon is None else horizon
    pi = _probabilities(env, model, policy)
    return _from_start(env, model, _iterate(lambda v: (pi * model.backup(v, gamma)).sum(-1), model, horizon, "the policy's"))


def _probabilities(env: gym.Env, model: Model, policy: np.ndarray) -> np.ndarray:
    pi = np.asarray(policy)
    if pi.shape not in ((model.n_states,), model.r.shape):
        raise ValueError(f"A policy of {name_of(env)} is [{model.n_states}] actions or {list(model.r.shape)} probabilities, not {list(pi.shape)}.")
    return np.eye(model.n_actions)[pi.astype(int)] if pi.ndim == 1 else pi


def _iterate(sweep: Callable[[np.ndarray], np.ndarray], model: Model, horizon: int | None, whose: str) -> np.ndarray:
    v = np.zeros(model.n_states)
    for _ in range(MOST_SWEEPS if horizon is None else horizon):
        old, v = v, sweep(v)
        if horizon is None and np.abs(v - old).max() < CONVERGED:
            return v
    if horizon is None:
        raise ValueError(f"After {MOST_SWEEPS} sweeps {whose} return still grows: some episodes never end. Give a horizon.")
    return v


def _from_start(env: gym.Env, model: Model, v: np.ndarray) -> float:
    if model.start is None:
        raise ValueError(f"{name_of(env)} does not say where episodes begin (initial_state_distrib), so its return from there is unknown.")
    return float(model.start @ v)
