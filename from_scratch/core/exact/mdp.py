"""Finite Markov decision processes as arrays, read from Gymnasium's transition table `P`."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium as gym
import numpy as np


@dataclass(frozen=True)
class Model:
    """What happens in an MDP. Episodes end by leaving `p`: a terminal transition counts in `r` but leads nowhere, so V is 0 behind it."""

    p: np.ndarray  # [n_states, n_actions, n_states]  p(s'|s, a) of going on in s'; rows that may end the episode sum to less than 1
    r: np.ndarray  # [n_states, n_actions]            expected reward, of terminal transitions too
    start: np.ndarray | None  # [n_states]            where episodes begin, if the environment says so

    @property
    def n_states(self) -> int:
        return self.r.shape[0]

    @property
    def n_actions(self) -> int:
        return self.r.shape[1]

    def backup(self, v: np.ndarray, gamma: float) -> np.ndarray:
        """Q(s, a) = Σ p(s', r | s, a) [r + γ V(s')] for all states and actions, [n_states, n_actions] (S&B eq. 4.6)."""
        return self.r + gamma * (self.p.reshape(-1, self.n_states) @ v).reshape(self.r.shape)

    def solve(self, pi: np.ndarray, gamma: float) -> np.ndarray:
        """V_π [n_states] of a policy π(a|s) [n_states, n_actions], as the solution of its Bellman equations (S&B eq. 4.4).

        ValueError if γ = 1 and the policy has states from which an episode never ends: their equations have no unique solution.
        """
        p_pi, r_pi = np.einsum("sa,sat->st", pi, self.p), (pi * self.r).sum(-1)
        if gamma == 1:
            ends = 1 - p_pi.sum(-1) > 1e-9
            for _ in range(self.n_states):  # ... and the states that lead there, one step further away each time
                ends |= p_pi @ ends > 0
            if not ends.all():
                raise ValueError(
                    f"gamma=1, but under this policy no episode that reaches state {ends.argmin()} ever ends, so its value is not defined. "
                    "Use gamma < 1, or PolicyIteration's sweeps (exact_evaluation=False)."
                )
        return np.linalg.solve(np.eye(self.n_states) - gamma * p_pi, r_pi)


def name_of(env: gym.Env) -> str:
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def model_of(env: gym.Env) -> Model:
    """The model of an environment, wrapped or not, from `env.unwrapped.P`: P[s][a] = [(probability, s', reward, terminated), …].

    One whose table would be too large has a method `mdp()` instead, which returns the Model.
    An s' that is listed several times is summed. ValueError if there is no such table, if its probabilities do not sum to 1, or if a
    reward is not finite.
    Wrappers that change what happens are not seen, a time limit among them.
    """
    table = getattr(env.unwrapped, "P", None)  # a wrapper does not pass P on
    own = getattr(env.unwrapped, "mdp", None)
    if table is None and callable(own):
        return own()
    if table is None:
        raise ValueError(
            f"{name_of(env)} has no transition table P (P[s][a] = [(probability, s', reward, terminated), …]), which planning needs. "
            "FrozenLake-v1, CliffWalking-v1 and Taxi-v4 have one; without a model: q_learning, sarsa, …; for Box observations: dqn."
        )
    n_states, n_actions = len(table), len(table[0])
    p, r, total = np.zeros((n_states, n_actions, n_states)), np.zeros((n_states, n_actions)), np.zeros((n_states, n_actions))
    for s in range(n_states):
        for a in range(n_actions):
            for probability, s_next, reward, terminated in table[s][a]:
                total[s, a] += probability
                r[s, a] += probability * reward
                if not terminated:
                    p[s, a, s_next] += probability
    if not np.allclose(total, 1):
        s, a = np.argwhere(~np.isclose(total, 1))[0]
        raise ValueError(f"The probabilities in P[{s}][{a}] of {name_of(env)} sum to {total[s, a]:g} instead of 1.")
    if not np.isfinite(r).all():
        s, a = np.argwhere(~np.isfinite(r))[0]
        raise ValueError(f"A reward in P[{s}][{a}] of {name_of(env)} is not finite: the expected one is {r[s, a]}.")
    start = getattr(env.unwrapped, "initial_state_distrib", None)
    return Model(p, r, None if start is None else np.asarray(start, dtype=float))
